"""The jobs that the demo plays: every kind of the registry, and some that must not run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xinqiao.kernel.text import Text
from xinqiao.privacy.agreement.draft import Draft, DraftInput, DraftParty
from xinqiao.privacy.demo.demo_data import OPERATORS
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.spu.engine import VERSION

CREDIT, FRAUD = "credit_decision", "anti_fraud"
GROUND = "演示用生成数据 generated data of a demo"
ROWS = 100_000
MODEL_STEPS: dict[str, Any] = {"label": "bad", "bins": 6, "folds": 3, "steps": 60}
RANGES = {"income": [-3.0, 3.0], "overdue": [0.0, 12.0]}

RANKS = {"auc": 0.002, "ks": 0.06, "points": 1.0, "base": 1.0}
"""How close a model fitted on shares comes: AUC, KS (whose interval moves with the order of rows), points."""

QUOTA = {"left": math.inf, "list_root": math.inf}
"""What only the private way tells: what is left of the quota, and the root of the list as it was proved."""

Done = Mapping[str, Manifest]
"""Manifests of the jobs played before, by the name of the play."""


@dataclass(frozen=True, slots=True)
class Play:
    """A job of the demo. ``error``: the code it must end with; empty: it must be done.

    ``close``: by how much numbers of a result may differ from plain text, by the beginning of what they are
    called; all others are exactly equal. ``after``: the play whose data the parties kept and this one rests
    on. ``engine``: it needs the optional engine.
    """

    name: str
    title: Text
    draft: Callable[[Done], Draft]
    error: str = ""
    close: Mapping[str, float] = field(default_factory=dict)
    after: str = ""
    engine: bool = False


def brings(
    name: str, role: str, source: str, key: str | None = "firm", *columns: str, rows: int = ROWS
) -> DraftParty:
    """A party with rows of a source of its own."""
    kind = {"firm": "uscc", "person": "person"}.get(key or "")
    told = {"source": source, "key": key, "key_kind": kind, "columns": columns, "rows_at_most": rows}
    return DraftParty(name=name, role=role, input=DraftInput(**told, basis="none", ground=GROUND))


def without(name: str, role: str) -> DraftParty:
    """A party without data."""
    return DraftParty(name=name, role=role)


def _job(kind: str, *parties: DraftParty, purpose: str = CREDIT, **params: Any) -> Callable[[Done], Draft]:  # noqa: ANN401 - parameters of the kind
    return lambda _: Draft(kind=kind, purpose=purpose, parties=parties, params=params, hours=1)


def _by_engine(drafted: Callable[[Done], Draft]) -> Callable[[Done], Draft]:
    return lambda done: drafted(done).model_copy(update={"engine": "spu", "engine_version": VERSION})


BANK = brings("bank", "bank", "firms", "firm", "bad", "turnover")
TAX = brings("tax", "holder", "firms", "firm", "paid", "late")
POWER = brings("power", "holder", "firms", "firm", "used")
DEALER = without("platform", "dealer")
LISTS = tuple(brings(name, "operator", "cards", "person", "cards", rows=80) for name in OPERATORS)
APPLICANTS = brings("bank", "bank", "applicants", "person", rows=200)


def _shared(*names: str, **params: Any) -> Callable[[Done], Draft]:  # noqa: ANN401 - parameters of the kind
    return _job("intersection", *(brings(name, "holder", "firms") for name in names), **params)


def _sums(*names: str, receiver: str, **params: Any) -> Callable[[Done], Draft]:  # noqa: ANN401 - parameters of the kind
    holders = [brings(name, "holder", "firms", "firm", "amount") for name in names]
    return _job("statistics", *holders, without(receiver, "receiver"), result_to=[receiver], **params)


ASKING = brings("bank", "bank", "firms", "firm", "turnover")


def _score(done: Done) -> Draft:
    """By the model of the play ``scorecard``."""
    params = {"model": done["scorecard"].digest, "answer": "points", "match": "named"}
    return Draft(kind="joint_score", purpose=CREDIT, parties=(ASKING, TAX, POWER), params=params, hours=1)


def _tree_score(done: Done) -> Draft:
    """By the model of the play ``trees``."""
    params = {"model": done["trees"].digest}
    return Draft(kind="tree_score", purpose=CREDIT, parties=(ASKING, TAX, POWER), params=params, hours=1)


def _ungranted(_: Done) -> Draft:
    told = DraftInput(source="firms", key="firm", key_kind="uscc", rows_at_most=ROWS, basis="subjects")
    tax = DraftParty(name="tax", role="holder", input=told)
    parties = (brings("bank", "holder", "firms"), tax)
    return Draft(kind="intersection", purpose=CREDIT, parties=parties, hours=1, attempts=1)


PLAYS: tuple[Play, ...] = (
    Play(
        "coverage",
        Text(zh="三方共有多少企业（只得个数）", en="how many firms all three have: the count alone"),
        _shared("bank", "tax", "power", count=True, result_to=["bank"]),
    ),
    Play(
        "intersection",
        Text(zh="银行与税务共有哪些企业", en="which firms bank and tax bureau share"),
        _shared("bank", "tax", result_to=["bank"]),
    ),
    Play(
        "intersection_by_engine",
        Text(zh="同上，用可选引擎的 RR22 协议", en="the same by RR22 of the optional engine"),
        _by_engine(_shared("bank", "tax", result_to=["bank"], protocol="rr22")),
        engine=True,
    ),
    Play(
        "operators_list",
        Text(zh="申请人名下在三家共有几张卡", en="how many cards applicants hold at all three"),
        _job(
            "operators_list",
            *LISTS,
            APPLICANTS,
            without("platform", "keeper"),
            purpose=FRAUD,
            list="sims",
            answer="total",
            count_at_most=5,
            quota=1000,
        ),
    ),
    Play(
        "operators_query",
        Text(zh="再查：是否满 5 张", en="asked again: five or more?"),
        _job(
            "operators_query",
            *(without(name, "operator") for name in OPERATORS),
            APPLICANTS,
            purpose=FRAUD,
            list="sims",
            answer="at_least",
            threshold=5,
        ),
        after="operators_list",
    ),
    Play(
        "lookup",
        Text(zh="查 20 户是否在欠税名单上", en="whether 20 firms stand in the list of tax arrears"),
        _job(
            "lookup",
            brings("bank", "client", "asked", rows=50),
            brings("tax", "server", "arrears", "firm", "amount", rows=2000),
            epoch="autumn",
            quota=100,
            rows_a_bucket=50,
        ),
        close=QUOTA,
    ),
    Play(
        "statistics",
        Text(
            zh="税务与电力合计金额、均值、方差，交平台",
            en="sum, mean and variance of amounts, to the platform",
        ),
        _sums("tax", "power", receiver="platform", measures=["sum", "mean", "variance"]),
    ),
    Play(
        "threshold",
        Text(
            zh="合计是否不低于一千万，交银行，仅此一位", en="whether the sum is ten million or more: one bit"
        ),
        _sums("tax", "power", receiver="bank", measures=["at_least"], threshold="10000000"),
    ),
    Play(
        "woe",
        Text(
            zh="电力特征的 WOE 与 IV（无第三方）",
            en="WOE and IV of the power company's features, no third party",
        ),
        _job("woe", BANK, POWER, label="bad", bins=5, least=15),
    ),
    Play(
        "data_value",
        Text(zh="购买之前：税务、电力数据的增益", en="before buying: what tax and power data would add"),
        _job("data_value", BANK, TAX, POWER, DEALER, **MODEL_STEPS),
        close=RANKS,
    ),
    Play(
        "scorecard",
        Text(zh="联合评分卡，模型分持", en="a joint scorecard, kept in parts"),
        _job("scorecard", BANK, TAX, POWER, DEALER, **MODEL_STEPS),
        close=RANKS,
    ),
    Play(
        "joint_score",
        Text(zh="用分持的模型评分", en="scores by the model in parts"),
        _score,
        close={"rows": 1e-6},
    ),
    Play(
        "trees",
        Text(zh="联合提升树", en="jointly boosted trees"),
        _job("trees", BANK, TAX, POWER, DEALER, label="bad", trees=5, depth=3, bins=8, least=15),
        close={"auc": 0.005, "ks": 0.03},
    ),
    Play(
        "tree_score",
        Text(zh="用分持的提升树评分", en="scores by the trees in parts"),
        _tree_score,
        close={"rows": 1e-9},
    ),
    Play(
        "horizontal",
        Text(zh="三家同特征、不同客户，共建评分卡", en="a scorecard over three operators' own customers"),
        _job(
            "horizontal",
            *(brings(name, "bank", "plans", None, "bad", "income", "overdue") for name in OPERATORS),
            without("platform", "coordinator"),
            target="bad",
            ranges=RANGES,
        ),
        close={"": 1e-6},
    ),
    Play(
        "marketing",
        Text(zh="用途为营销：税务局没有这样的规则", en="for marketing: no rule of the tax bureau allows it"),
        _job("intersection", *(brings(n, "holder", "firms") for n in ("bank", "tax")), purpose="marketing"),
        error="PRV-RULE",
    ),
    Play(
        "consent",
        Text(zh="没有企业授权：拒绝开始", en="no firm has granted it: it does not begin"),
        _ungranted,
        error="PRV-CONSENT",
    ),
)
