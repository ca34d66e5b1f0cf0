"""The page of one company: for its owner first, with the full trace for the credit officer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from markupsafe import Markup

from xinqiao.kernel.quantity import Number, odds_in_words
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import Month, contribution, monthly
from xinqiao.report.charts.scale import Band, firms, gauge
from xinqiao.report.glossary import TERMS
from xinqiao.report.page import OUTCOMES, bilingual, render
from xinqiao.report.portrait import PortraitView

Outcome = Literal["approve", "refer", "reject"]

STEP_KINDS = {
    "input": Text(zh="输入", en="input"),
    "derive": Text(zh="推算", en="derived"),
    "rule": Text(zh="准入规则", en="rule"),
    "table": Text(zh="决策表", en="table"),
    "rating": Text(zh="评级", en="rating"),
    "limit": Text(zh="额度", en="limit"),
    "price": Text(zh="定价", en="price"),
    "outcome": Text(zh="结论", en="outcome"),
}


STEP_WORDS = {
    "true": Text(zh="是", en="true"),
    "false": Text(zh="否", en="false"),
    "missing": Text(zh="缺失", en="missing"),
    "unknown": Text(zh="未知", en="unknown"),
    "pass": Text(zh="通过", en="pass"),
    "ignore": Text(zh="无异议", en="no objection"),
    **OUTCOMES,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the decision is what it is: the policy's code and its words."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the decision: what went in, what came out, what it did (all as text)."""

    kind: str
    id: str
    name: Text
    inputs: tuple[tuple[str, str], ...]
    result: str
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision; limit in CNY, ``rate`` a year as a ratio (0.0685), None where none is granted."""

    id: str
    outcome: Outcome
    limit_cny: Number | None
    rate: Number | None
    term_months: int | None
    reasons: tuple[Reason, ...]
    trace: tuple[TraceStep, ...]
    policy_name: Text
    policy_version: str
    model_id: str
    replay: str


@dataclass(frozen=True, slots=True)
class Score:
    """Points, grade and PD (ratio) with the grade bands from the lowest points to the highest."""

    points: float
    grade: str
    grade_name: Text
    pd: float
    bands: tuple[Band, ...]
    horizon_months: int | None = 12


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one indicator did to the score: ``points`` above (+) or below (-) the median peer.

    ``sentence`` states the value and the peer median; the page adds why a value is missing.
    """

    indicator: str
    name: Text
    value: Number | None
    unit: str
    missing: Text | None
    bin_label: str
    points: float
    peer_median: Number | None
    sentence: Text


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One indicator of the company; ``direction`` + higher is better, - lower is, ~ neither.

    ``red_flag`` is the warning line in words, ``flagged`` whether the company crosses it.
    """

    id: str
    name: Text
    value: Number | None
    unit: str
    missing: Text | None
    peer_median: Number | None
    direction: Literal["+", "-", "~"]
    red_flag: Text | None
    flagged: bool
    scored: bool


@dataclass(frozen=True, slots=True)
class DataSource:
    """What was read about the company; ``records`` None: the source was not at hand."""

    name: Text
    holder: Text
    records: int | None
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask for a review; any part may be empty."""

    name: Text
    phone: str = ""
    email: str = ""


DEFAULT_CONTACT = Contact(
    Text(zh="受理本申请的客户经理或网点", en="the loan officer or branch that took the application")
)
DEFAULT_NOT_USED = (
    Text(
        zh="银行人员给出的信誉评级（它已经包含了结果）",
        en="ratings given by bank staff (they already contain the outcome)",
    ),
    Text(
        zh="负责人或股东的性别、民族、宗教信仰、基因、指纹、血型、疾病和病史",
        en="sex, ethnicity, religion, genes, fingerprints, blood type, illness or medical history of owners",
    ),
    Text(zh="截至日之后才知道的任何信息", en="anything that became known after the as-of date"),
    Text(zh="企业名称", en="the company's name"),
)


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """Everything the page shows, as plain values."""

    dataset: Text
    generated: bool
    as_of: date
    company_id: str
    company_name: str
    peer_group: Text
    decision: Decision
    score: Score
    contributions: tuple[Contribution, ...]
    months: tuple[Month, ...]
    indicators: tuple[IndicatorRow, ...]
    sources: tuple[DataSource, ...]
    portrait: PortraitView | None = None
    not_used: tuple[Text, ...] = DEFAULT_NOT_USED
    contact: Contact = DEFAULT_CONTACT
    home: str = "../summary.html"
    card: str = "../model_card.html"
    notes: tuple[Text, ...] = field(default=())


def render_company(view: CompanyPage) -> str:
    """The page as one self-contained HTML document (about 5 ms)."""
    ordered = sorted(view.contributions, key=lambda c: (-abs(c.points), c.indicator))
    present = [row for row in view.indicators if row.value is not None]
    reach = max([abs(c.points) for c in ordered] + [1.0])
    return render(
        "company.html",
        page=view,
        raised=[c for c in ordered if c.points > 0],
        lowered=[c for c in ordered if c.points < 0],
        neutral=[c for c in ordered if c.points == 0],
        start=view.score.points - sum(c.points for c in ordered),
        bar=lambda c: contribution(c.points, reach),
        gauge=gauge(_GAUGE, view.score.points, view.score.grade, view.score.bands),
        chart=monthly(_MONTHLY, view.months) if view.months else None,
        firms=firms(view.score.pd),
        meaning=odds_in_words(view.score.pd, view.score.horizon_months),
        missing=_missing(view.indicators),
        key=[row for row in present if row.scored or row.flagged],
        others=[row for row in present if not (row.scored or row.flagged)],
        kinds=STEP_KINDS,
        word=_word,
        terms=TERMS,
        title=Text(zh=f"{view.company_name} 信用评估", en="credit assessment"),
    )


_GAUGE = Text(zh="评分在全部等级中的位置", en="place among all grades")
_MONTHLY = Text(zh="每月开票金额", en="invoiced each month")


def _word(value: str) -> Markup | str:
    """A word of the trace in both languages; numbers and names stay as they are."""
    known = STEP_WORDS.get(value)
    return bilingual(known) if known else value


def _missing(rows: tuple[IndicatorRow, ...]) -> list[tuple[Text, list[IndicatorRow]]]:
    """Indicators without a value, grouped by reason, the most frequent reason first."""
    groups: dict[tuple[str, str], list[IndicatorRow]] = {}
    for row in rows:
        if row.value is None:
            reason = row.missing or Text(zh="原因未说明", en="no reason given")
            groups.setdefault((reason.zh, reason.en), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(Text(zh=zh, en=en), found) for (zh, en), found in ordered]
