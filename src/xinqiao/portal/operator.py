"""Operator and regulator: how the platform does, with nothing that tells of a firm (``release_rule``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from xinqiao.account.institution import institutions
from xinqiao.kernel.clock import now
from xinqiao.kernel.text import Text
from xinqiao.lending import statistics
from xinqiao.lending.release_rule import Figure, K, Table
from xinqiao.lending.statistics import Case
from xinqiao.portal.groupings import (
    OTHERS,
    UNKNOWN,
    division_name,
    first_key,
    first_name,
    industry_name,
    size_name,
)
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.charts.lines import Stack, stacks
from xinqiao.source.holder import sources

router = APIRouter(include_in_schema=False)
PERIODS = (3, 6, 12, 24)
Months = Annotated[int, Query(ge=1, le=60)]
Statistics = Annotated[Visit, needs("platform.statistics")]
STAGES = {
    "applied": Text(zh="提交申请", en="applied"),
    "decided": Text(zh="作出决策", en="decided"),
    "offered": Text(zh="获得报价", en="got an offer"),
    "accepted": Text(zh="接受报价", en="accepted it"),
    "paid_out": Text(zh="放款", en="paid out"),
}
KINDS = {
    "bank": Text(zh="银行", en="banks"),
    "guarantee": Text(zh="担保机构", en="guarantee companies"),
    "holder": Text(zh="数据源单位", en="data holders"),
    "regulator": Text(zh="监管部门", en="regulators"),
}
MINUTE, HOUR, DAY = 60, 3600, 86_400


class Line(NamedTuple):
    """A row of a table: a group in words and its figure; ``share`` of the longest bar, 0 to 1."""

    name: Text
    figure: Figure
    share: float
    approved: float | None = None


class Dimension(NamedTuple):
    """What cases are divided by."""

    id: str
    name: Text
    key: Callable[[Case], str]
    named: Callable[[str | None], Text]


DIMENSIONS = (
    Dimension("industry", Text(zh="行业", en="Industry"), lambda c: c.section or UNKNOWN, industry_name),
    Dimension("district", Text(zh="区县", en="District"), lambda c: c.division or UNKNOWN, division_name),
    Dimension("size", Text(zh="规模", en="Size"), lambda c: c.size or UNKNOWN, size_name),
    Dimension("first", Text(zh="首贷", en="First loan"), lambda c: first_key(c.first_time), first_name),
)


def span(seconds: float | None) -> Text:
    """A length of time in the unit that suits it."""
    if seconds is None:
        return Text(zh="—", en="—")
    for least, unit, zh, en in (
        (DAY, DAY, "天", "days"),
        (HOUR, HOUR, "小时", "hours"),
        (60, 60, "分钟", "min"),
    ):
        if seconds >= least:
            return Text(zh=f"{seconds / unit:.1f} {zh}", en=f"{en}")
    return Text(zh=f"{seconds:.0f} 秒", en="seconds")


def _since(months: int) -> datetime:
    return now() - timedelta(days=months * 30.44)


def _lines(table: Table[str], named: Callable[[str | None], Text], *, by_amount: bool = False) -> list[Line]:
    """The rows of a table, the largest first, others last."""

    def weight(shown: Figure) -> float:
        return float(shown.amount_cny or 0) if by_amount else float(shown.count)

    cells = sorted(table.cells, key=lambda cell: -weight(cell[1]))
    rows = [(named(key), shown) for key, shown in cells]
    rows += [(OTHERS, table.others)] if table.others else []
    most = max((weight(shown) for _, shown in rows), default=0.0) or 1.0
    return [Line(name, shown, weight(shown) / most) for name, shown in rows]


@router.get("/operator")
def overview(visit: Statistics, months: Months = 12) -> Response:
    """The platform at a glance."""
    found = statistics.cases(visit.tx, _since(months))
    loans = statistics.lent(found, lambda _: "all").total
    members = institutions(visit.tx, status="active")
    return visit.page(
        "operator_overview.html",
        months=months,
        periods=PERIODS,
        k=K,
        stages=statistics.funnel(found),
        names=STAGES,
        loans=loans,
        first=dict(statistics.lent(found, lambda c: first_key(c.first_time)).cells).get("yes"),
        automatic=statistics.times(found, automatic=True),
        human=statistics.times(found, automatic=False),
        covered=statistics.covered(visit.tx, lambda _: "all").total,
        members=[(name, sum(i.kind == kind for i in members)) for kind, name in KINDS.items()],
        chart=_monthly(found),
        span=span,
    )


def _monthly(found: list[Case]) -> Markup | None:
    """Amount lent by month with the average rate above; None where no month may be told."""
    table = statistics.by_month(found)
    bars = [
        Stack(_short(month, i), (float(shown.amount_cny or 0),), f"{shown.rate:.2%}" if shown.rate else "")
        for i, (month, shown) in enumerate(table.cells)
    ]
    if not bars:
        return None
    title = Text(zh="按月投放金额（柱上为平均利率）", en="lent by month, average rate above")
    axis = Text(zh="申请月份", en="month of application")
    return stacks(title, bars, [("c1", Text(zh="投放金额", en="lent"))], axis)


def _short(month: str, place: int) -> str:
    """A month under a narrow bar: the year stands at the first bar and at each January."""
    return month[2:] if place == 0 or month.endswith("-01") else month[5:]


@router.get("/operator/funnel")
def funnel(visit: Statistics, months: Months = 12) -> Response:
    """From the click to the loan: how many, how long, and where they stop."""
    found = statistics.cases(visit.tx, _since(months))
    stages = statistics.funnel(found)
    most = max((s.figure.count for s in stages), default=1)
    groups = []
    for dimension in DIMENSIONS:
        told = statistics.approvals(found, dimension.key)
        rows = [Line(dimension.named(a.key), a.applied, 0.0, a.approved) for a in told]
        groups.append((dimension, sorted(rows, key=lambda r: (r.name == OTHERS, -r.figure.count))))
    return visit.page(
        "operator_funnel.html",
        months=months,
        periods=PERIODS,
        k=K,
        stages=[(STAGES[s.name], s, s.figure.count / most) for s in stages],
        times=(statistics.times(found, automatic=True), statistics.times(found, automatic=False)),
        groups=groups,
        span=span,
    )


@router.get("/operator/lending")
def lending(visit: Statistics, months: Months = 12) -> Response:
    """Who was lent to: by industry, district, size and first loan; amount and average rate."""
    found = statistics.cases(visit.tx, _since(months))
    groups = [(d, _lines(statistics.lent(found, d.key), d.named, by_amount=True)) for d in DIMENSIONS]
    return visit.page(
        "operator_lending.html",
        months=months,
        periods=PERIODS,
        k=K,
        total=statistics.lent(found, lambda _: "all").total,
        groups=groups,
        chart=_monthly(found),
        history=sorted(statistics.approvals(found, lambda c: c.month), key=lambda a: a.key or "~"),
        rates=dict(statistics.by_month(found).cells),
        changes=statistics.policy_changes(visit.tx, _since(months)),
    )


@router.get("/operator/coverage")
def coverage(visit: Statistics, months: Months = 12) -> Response:
    """Which firms the platform knows, on a map of districts, and how good the data delivered is."""
    found = statistics.cases(visit.tx, _since(months))
    asked = dict(statistics.applied(found, lambda c: c.division or UNKNOWN).cells)
    reach, counted_at = statistics.coverage(visit.tx)
    table = statistics.covered(visit.tx, lambda row: row["division"] or UNKNOWN)
    districts = sorted(table.cells)
    most = max((shown.firms for _, shown in districts), default=1) or 1
    return visit.page(
        "operator_coverage.html",
        months=months,
        periods=PERIODS,
        k=K,
        tiles=[
            (division_name(key), shown.firms, asked.get(key), min(4, 5 * shown.firms // (most + 1)))
            for key, shown in districts
        ],
        others=table.others,
        total=table.total,
        industries=_lines(
            statistics.covered(visit.tx, lambda row: (row["industry"] or UNKNOWN)[:1]), industry_name
        ),
        sizes=_lines(statistics.covered(visit.tx, lambda row: row["size"] or UNKNOWN), size_name),
        sources=[(sources()[one.source].name, one) for one in reach],
        counted_at=counted_at,
    )


@router.get("/operator/needs")
def unmet(visit: Statistics, months: Months = 12) -> Response:
    """Needs that found no loan: where, how much, and for which reasons."""
    since = _since(months)
    groups = [
        (name, _lines(statistics.unmet(visit.tx, since, key), named, by_amount=True))
        for name, key, named in (
            (Text(zh="行业", en="Industry"), lambda r: (r["industry"] or UNKNOWN)[:1], industry_name),
            (Text(zh="区县", en="District"), lambda r: r["division"] or UNKNOWN, division_name),
            (Text(zh="规模", en="Size"), lambda r: r["size"] or UNKNOWN, size_name),
            (Text(zh="期限", en="Term"), lambda r: _term(r["term_months"]), term_name),
        )
    ]
    reasons = statistics.refusals(visit.tx, since)
    most = reasons[0][1] if reasons else 1
    return visit.page(
        "operator_needs.html",
        months=months,
        periods=PERIODS,
        k=K,
        total=statistics.unmet(visit.tx, since, lambda _: "all").total,
        groups=groups,
        reasons=[(name, count, count / most) for name, count in reasons],
    )


_TERMS = (
    (6, "6", Text(zh="半年以内", en="up to half a year")),
    (12, "12", Text(zh="半年至一年", en="up to a year")),
    (36, "36", Text(zh="一至三年", en="one to three years")),
    (360, "360", Text(zh="三年以上", en="over three years")),
)


def _term(months: int) -> str:
    return next(key for most, key, _ in _TERMS if months <= most)


def term_name(key: str | None) -> Text:
    """A band of terms."""
    return next((name for _, known, name in _TERMS if known == key), OTHERS)
