"""What the parties of an operators' list agree on: parameters checked, and who learns what, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import check_keys
from xinqiao.privacy.job.kind import Protocol
from xinqiao.privacy.job.manifest import Manifest, Name, parameters, refuse
from xinqiao.privacy.lists.list_query import threshold_of
from xinqiao.privacy.lists.list_setting import chain_of, rows_of

TOTAL_AT_MOST = 1_000
ROWS_AT_MOST = 4_000_000
"""Rows of all operators in one message."""
QUOTA_AT_MOST = 10_000_000

BUILD = Protocol(
    name="re-encryption mix of keyed hashes and ElGamal counts, oblivious store",
    paper="Park, Itoh, Kurosawa 1993; Cramer, Gennaro, Schoenmakers 1997; Garimella et al. 2021",
    adversary=Text(zh="半诚实（ristretto255 上的 DDH 假设）", en="semi-honest (DDH on ristretto255)"),
    collusion=Text(
        zh="少任何一家运营方，其余各方合谋也不能离线枚举名单，也分不出该家的行；银行与建表方合谋可知"
        "被查主体在几家名单上",
        en="all but one operator together can neither enumerate the list offline nor tell that one's rows;"
        " the bank and the builder together learn in how many lists an id they ask about stands",
    ),
    cost=Text(
        zh="每行（含填充）每家约 1 毫秒 CPU、128 字节",
        en="about 1 CPU-ms and 128 bytes a row and operator",
    ),
)
ASK = Protocol(
    name="chain of oblivious PRFs, joint decryption or zero tests",
    paper="Freedman et al. 2005; Jarecki, Kiayias, Krawczyk 2014; Cramer, Gennaro, Schoenmakers 1997",
    adversary=Text(
        zh="半诚实；越轨的银行每个额度也只得一个答案",
        en="semi-honest; a bank that deviates still gets one answer for each unit of its quota",
    ),
    collusion=Text(
        zh="所有运营方合谋也不知银行查谁、是否命中；银行与除一家外的各家合谋，"
        "可由答案推知该家对所查主体的部分",
        en="all operators together learn neither whom the bank asks nor whether it hits; the bank with all"
        " but one of them learns of that one's counts of ids it asks what the answer says",
    ),
    cost=Text(
        zh="合计：每次每家约 0.3 毫秒 CPU；阈值：每个达标的合计值每家约 0.8 毫秒",
        en="total: about 0.3 CPU-ms an id and operator; threshold: about 0.8 for each total that means yes",
    ),
)


class AskTerms(BaseModel):
    """The parameters of ``operators_query``: a list by its name, and what is told of each id asked."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    list: Name
    answer: Literal["total", "at_least", "hit"]
    threshold: int | None = Field(default=None, ge=1, le=TOTAL_AT_MOST)

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if (self.answer == "at_least") != (self.threshold is not None):
            message = "threshold: with at_least alone"
            raise ValueError(message)
        return self


class BuildTerms(AskTerms):
    """The parameters of ``operators_list`` (see there)."""

    count_at_most: int = Field(ge=1, le=TOTAL_AT_MOST)
    quota: int = Field(ge=1, le=QUOTA_AT_MOST)


def check_build(manifest: Manifest) -> None:
    """Parameters of ``operators_list``. Raises UserError PRV-MANIFEST."""
    terms, operators = parameters(BuildTerms, manifest), manifest.having("operator")
    most = terms.count_at_most * len(operators)
    wrong = {
        f"count_at_most: a total of {most}, {TOTAL_AT_MOST} at most": most > TOTAL_AT_MOST,
        "threshold: above the largest total": (terms.threshold or 1) > most,
        "columns: an operator brings its key and at most one, the count": any(
            len(party.input.columns) > 1 for party in operators if party.input is not None
        ),
        f"rows_at_most: {rows_of(manifest)} in all": rows_of(manifest) > ROWS_AT_MOST,
    }
    refuse(manifest, wrong)
    check_keys(manifest, [party.name for party in manifest.parties if party.input is not None])


def check_ask(manifest: Manifest) -> None:
    """Parameters of ``operators_query``. Raises UserError PRV-MANIFEST."""
    parameters(AskTerms, manifest)


def learns_build(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """Everything each party learns of building a list and asking it."""
    told = {name: list(lines) for name, lines in learns_ask(manifest).items()}
    rows, builder = rows_of(manifest), chain_of(manifest)[-1]
    for lines in told.values():
        lines.append(
            Text(
                zh=f"各运营方在清单中约定的行数上限（共 {rows} 行）；实际行数由填充隐藏",
                en=f"the operators' bounds in the manifest ({rows} rows in all); dummies hide actual sizes",
            )
        )
    told[builder].append(
        Text(
            zh="建表方：有多少匿名编号只出现在一家（含填充）、两家……名单中；不知是谁，也不知是哪几家",
            en="as builder: how many pseudonyms came from one list (dummies among them), from two, and so on;"
            " not whose, and not which lists",
        )
    )
    return {name: tuple(lines) for name, lines in told.items()}


def learns_ask(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """Everything each party learns of asking a list."""
    threshold, told = threshold_of(manifest), dict.fromkeys(manifest.names, ())
    answer = {
        "total": Text(
            zh="所查每个主体的合计数（不在任何名单为 0），不知由哪几家构成",
            en="for each id it asks the total over all operators (0: in no list), not how it is made up",
        ),
        "at_least": Text(
            zh=f"所查每个主体的合计数是否达到 {threshold}，别无其他",
            en=f"for each id it asks whether the total is at least {threshold}, nothing else",
        ),
        "hit": Text(
            zh="所查每个主体是否在某家名单上，不知哪家、多少",
            en="for each id it asks whether any list holds it; not which, nor how many",
        ),
    }[manifest.params["answer"]]
    seen = Text(
        zh="银行查了多少个主体、何时查；不知查谁，也不知是否命中",
        en="how many ids the bank asks and when; neither whom nor whether it hits",
    )
    learnt: dict[str, tuple[Text, ...]] = {**told, manifest.only("bank").name: (answer,)}
    return learnt | {party.name: (seen,) for party in manifest.having("operator")}
