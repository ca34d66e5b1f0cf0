"""Champion and challengers (冠军/挑战者) and grey release (灰度发布) by share.

In a live release the drawn share of companies is decided by a challenger; in a shadow release the
champion's decision stands and the challengers decide silently beside it. Who is drawn follows from
the salt, the challenger's id and the company's id alone, so it is the same on every machine and day.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import Effective, Exact
from xinqiao.policy.load import built_in
from xinqiao.policy.record import Basis, DecisionRecord, Subject, record_decision
from xinqiao.policy.versions import policy_on

CHAMPION = "champion"
PLACES = 2**64
_SILENT = ("model", "policy", "score", "decision")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Champion(_Part):
    """Who decides where no challenger does. ``policy`` is an id, a file or a folder of versions.

    ``model`` is a model file; without one, the model of the run or the score of the case is used.
    Paths are relative to the release file.
    """

    policy: str
    model: str | None = None


class Challenger(Champion):
    """Another way to decide, tried on ``share`` of the companies (0 to 1; in shadow, all unless given)."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    share: Exact | None = None


class ReleaseFile(_Part):
    """A release as written; ``salt`` decides who is drawn, so a new trial takes a new salt."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    mode: Literal["shadow", "live"]
    effective: Effective
    unit: Literal["company_id"]
    salt: str = Field(min_length=8, max_length=200)
    champion: Champion
    challengers: Annotated[list[Challenger], Field(min_length=1, max_length=20)]


@dataclass(frozen=True, slots=True)
class Draw:
    """Whose decision stands for a company, and which arms decide silently beside it."""

    arm: str
    silent: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """A checked release; ``text`` are its exact words, ``folder`` is where its paths start."""

    file: ReleaseFile
    text: str
    folder: Path

    def draw(self, company_id: str) -> Draw:
        """Who decides on ``company_id``.

        Each challenger draws with a hash of its own, so raising any share never sends a company back
        to the champion, and each share is met exactly in distribution (to 2**-64).
        """
        hit = [name for name, edge in self._edges.items() if self._place(name, company_id) < edge]
        if self.file.mode == "shadow":
            return Draw(CHAMPION, tuple(hit))
        return Draw(hit[0], (CHAMPION,)) if hit else Draw(CHAMPION, ())

    def _place(self, arm: str, company_id: str) -> int:
        drawn = hmac.digest(self.file.salt.encode(), f"{arm}\0{company_id}".encode(), "sha256")
        return int.from_bytes(drawn[:8], "big")

    @cached_property
    def _edges(self) -> dict[str, int]:
        """Challenger -> how many of the 2**64 places it takes.

        Live, a challenger draws among those the ones before it left: share / (1 - shares before).
        """
        left, edges = Fraction(1), {}
        for challenger in self.file.challengers:
            share = Fraction(Decimal(1) if challenger.share is None else challenger.share)
            edges[challenger.id] = int(share / left * PLACES) if left else 0
            if self.file.mode == "live":
                left -= share
        return edges

    @property
    def arms(self) -> dict[str, Champion]:
        """Every arm by its id, the champion first."""
        return {CHAMPION: self.file.champion, **{c.id: c for c in self.file.challengers}}

    def name_of(self, arm: str) -> Text:
        """The name of an arm."""
        named = {challenger.id: challenger.name for challenger in self.file.challengers}
        return named.get(arm, Text(zh="冠军", en="champion"))

    def policies(self, day: date, where: str, units: Mapping[str, str] | None = None) -> dict[str, Policy]:
        """The policy of every arm on ``day``; raises UserError POL-RELEASE-NOT-EFFECTIVE or as loading."""
        span = self.file.effective
        if day < span.from_ or (span.to is not None and day > span.to):
            period = f"{span.from_} – {span.to or '…'}"
            fail("POL-RELEASE-NOT-EFFECTIVE", where, release=self.file.id, as_of=day, period=period)
        return {arm: policy_on(self._source(item), day, where, units) for arm, item in self.arms.items()}

    def _source(self, item: Champion) -> str:
        return item.policy if item.policy in built_in() else str(self.folder / item.policy)

    def model_files(self) -> dict[str, Path]:
        """Arm -> its model file, for the arms that name one; the others score as the champion does."""
        return {arm: self.folder / item.model for arm, item in self.arms.items() if item.model is not None}


def load_release(path: Path) -> Release:
    """The release in ``path``.

    Raises UserError POL-RELEASE with the line, or what ``kernel.document.parse`` raises.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise user_error("POL-RELEASE", str(path), detail=str(error)) from error
    return read_release(text, str(path), path.parent)


def read_release(text: str, origin: str, folder: Path) -> Release:
    """The release written in ``text``; ``origin`` goes into errors."""
    file, lines = parse(text, ReleaseFile, origin)
    _check(file, lines)
    return Release(file, text, folder)


def _check(file: ReleaseFile, lines: Lines) -> None:
    total, seen = Decimal(0), {CHAMPION}
    for i, challenger in enumerate(file.challengers):
        if challenger.id in seen:
            fail("POL-DUPLICATE", lines.where(("challengers", i, "id")), detail=challenger.id)
        seen.add(challenger.id)
        where = lines.where(("challengers", i, "share"))
        if challenger.share is None:
            if file.mode == "live":
                fail("POL-RELEASE", where, detail=f"{challenger.id}: mode live needs a share")
        elif not 0 < challenger.share <= 1:
            fail("POL-RELEASE", where, detail=f"{challenger.id}: share is more than 0 and at most 1")
        total += challenger.share or 0
        if file.mode == "live" and total > 1:
            fail("POL-RELEASE", where, detail=f"shares add up to {total}, more than 1")
    span = file.effective
    if span.to is not None and span.to < span.from_:
        fail("POL-VALUE", lines.where(("effective", "to")), detail="ends before it begins")


@dataclass(frozen=True, slots=True)
class Panel:
    """Who decides: the champion alone, or all arms of a release. ``bases`` are by arm."""

    bases: Mapping[str, Basis]
    release: Release | None = None

    @classmethod
    def of(cls, basis: Basis) -> Panel:
        """One basis that decides everything."""
        return cls({CHAMPION: basis})

    def record(self, subject: Subject) -> DecisionRecord:
        """The decision that stands, with the silent ones beside it under ``release``."""
        if self.release is None:
            return record_decision(self.bases[CHAMPION], subject)
        drawn = self.release.draw(subject.company_id)
        entry = {
            "id": self.release.file.id,
            "digest": digest(self.release.text.encode()),
            "mode": self.release.file.mode,
            "arm": drawn.arm,
            "silent": list(self._silent(drawn, subject)),
        }
        return record_decision(self.bases[drawn.arm], subject, entry)

    def _silent(self, drawn: Draw, subject: Subject) -> Iterator[dict[str, Any]]:
        for arm in drawn.silent:
            content = record_decision(self.bases[arm], subject).content
            yield {"arm": arm, **{part: content[part] for part in _SILENT}}
