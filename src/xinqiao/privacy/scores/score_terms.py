"""What the parties of a joint score agree on, and who learns what, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED, check_keys
from xinqiao.privacy.job.kind import SEMI_HONEST, Protocol
from xinqiao.privacy.job.manifest import Hex32, Manifest, parameters

BITS_AT_MOST = 16
ABSENT = 255
"""The grade of a subject of whom a holder has no data."""
_Points = Annotated[int, Field(ge=-100_000, le=100_000)]
_Range = Annotated[list[_Points], Field(min_length=2, max_length=2)]


class Terms(BaseModel):
    """The manifest's params.

    ``model``: digest of the manifest that it was fitted under. ``answer``: ``points`` (the whole score) or
    ``grade`` (how many ``cutoffs`` it reaches). ``match``: ``named`` tells the holders whom the bank asks
    about; ``private`` aligns by intersection first. ``bank_points``, ``holder_points``: lowest and highest
    of a party's part, for grades; what is beyond counts as the bound. ``lowered``: holders tell for each
    subject whether their variables together took at least so many points; None: nothing is told.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: Hex32
    answer: Literal["points", "grade"]
    match: Literal["named", "private"] = "named"
    cutoffs: list[_Points] = Field(default_factory=list, max_length=ABSENT - 1)
    bank_points: _Range | None = None
    holder_points: _Range | None = None
    lowered: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ranges = [self.bank_points, self.holder_points]
        if self.answer == "points" and (self.cutoffs or any(ranges)):
            message = "cutoffs and ranges belong to grades"
            raise ValueError(message)
        if self.answer == "grade" and (not self.cutoffs or not all(ranges)):
            message = "grades need cutoffs, bank_points and holder_points"
            raise ValueError(message)
        if any(a >= b for a, b in [*pairwise(self.cutoffs), *(r for r in ranges if r)]):
            message = "cutoffs and ranges rise"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Ring:
    """Where grades are computed: whole points above the least, modulo 2^``bits``.

    A sum of parts is below ``absent``; each holder but the lead, whose table says it, adds ``absent``
    where it has no data, so that such sums are not.
    """

    low_bank: int
    low_holder: int
    holders: int
    absent: int

    @property
    def bits(self) -> int:
        """Bits of a place in the table."""
        return max(1, (self.holders * self.absent - 1).bit_length())

    @property
    def least(self) -> int:
        """The least score that can be."""
        return self.low_bank + self.holders * self.low_holder


def terms_of(manifest: Manifest) -> Terms:
    """The params. Raises UserError PRV-MANIFEST."""
    return parameters(Terms, manifest)


def ring_of(manifest: Manifest) -> Ring:
    """The ring of a manifest whose answer is a grade."""
    terms, holders = terms_of(manifest), len(manifest.having("holder"))
    bank, holder = terms.bank_points or [0, 0], terms.holder_points or [0, 0]
    return Ring(bank[0], holder[0], holders, bank[1] - bank[0] + holders * (holder[1] - holder[0]) + 1)


def check(manifest: Manifest) -> None:
    """See ``Kind``."""
    terms = terms_of(manifest)
    if terms.answer == "grade" and ring_of(manifest).bits > BITS_AT_MOST:
        fail("PRV-MANIFEST", str(manifest.job), detail="bank_points and holder_points are too wide")
    check_keys(manifest, manifest.names)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See ``Kind``."""
    terms, holders = terms_of(manifest), manifest.having("holder")
    seen = NAMED if terms.match == "named" else ALIGNED
    bank = [GRADE if terms.answer == "grade" else POINTS]
    if terms.answer == "points":
        bank.append(ONE_HOLDER if len(holders) == 1 else MORE_HOLDERS)
    bank.append(NO_DATA)
    if terms.lowered is not None:
        bank.append(LOWERED.fill(points=terms.lowered))
    if terms.match == "private":
        bank.append(ALIGNED)
    return {manifest.only("bank").name: tuple(bank)} | {party.name: (seen,) for party in holders}


NAMED = Text(
    zh="银行在查哪些主体、何时查；不知其他各方的分数与总分",
    en="whom the bank asks about and when; nothing of the score or of others' parts",
)
POINTS = Text(zh="所查主体的总分", en="the whole score of each subject it asks about")
GRADE = Text(
    zh="所查主体的等级，不知总分（任何一方的部分超出约定范围时按边界计，且不告知他方）",
    en="the grade of each subject it asks about, not the score (a part beyond the agreed range counts as its"
    " bound, and no other party is told)",
)
ONE_HOLDER = Text(
    zh="因此也可减去自己的部分，得知该数据方对每个主体的合计分数（只有一个数据方时不可避免）",
    en="and so, by taking off its own part, the holder's sum of points for each subject:"
    " with one holder that follows from the score",
)
MORE_HOLDERS = Text(
    zh="因此也知各数据方分数之和，不知各自多少",
    en="and so the sum of the holders' parts, not what each is",
)
NO_DATA = Text(
    zh="哪些主体至少有一个数据方没有数据（不出分）",
    en="for which subjects at least one holder has no data (they get no score)",
)
LOWERED = Text(
    zh="每个数据方的变量合计是否使该主体减少 {points} 分以上（每主体每方一位）",
    en="whether each holder's variables together took at least {points} points from a subject (one bit each)",
)
PROTOCOLS = (
    Protocol(
        name="masked parts",
        paper="Bonawitz et al., CCS 2017",
        adversary=SEMI_HONEST,
        collusion=Text(
            zh="银行与除一家外的各数据方合谋，可得该家的分数；只有一家数据方时总分即泄露其分数",
            en="the bank with all holders but one learns that one's part; with one holder the score tells it",
        ),
        cost=Text(zh="每主体每方 16 字节，一次往返", en="16 bytes a subject and holder, one round trip"),
    ),
    Protocol(
        name="masked parts and oblivious transfer of a table",
        paper="Naor, Pinkas, STOC 1999; Chou, Orlandi, LATINCRYPT 2015; Bonawitz et al., CCS 2017",
        adversary=Text(
            zh="半诚实；越轨的银行每次也只得一个等级",
            en="semi-honest; a bank that deviates still gets one grade a question",
        ),
        collusion=Text(
            zh="银行与首家数据方合谋，可得其余数据方分数之和",
            en="the bank and the first holder together learn the sum of the other holders' parts",
        ),
        cost=Text(
            zh="每主体约 2 毫秒 CPU、2^k 字节（k 为分数范围的位数），两次往返",
            en="about 2 CPU-ms and 2^k bytes a subject (k: bits of the range of points), two round trips",
        ),
    ),
)
