"""The rate that cash flows come to (内部收益率): what money costs when every flow is counted.

Floats: a rate is a measure, never a posting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from xinqiao.loan.calendar import months_between, periods
from xinqiao.loan.engine import Loan, apply, begin
from xinqiao.loan.event import Disburse
from xinqiao.loan.standing import fee_of
from xinqiao.loan.terms import Grace, Terms, Way

DEAREST = 1.0
"""A rate a month beyond which none is searched: said as that."""
HALVINGS = 60
ANY_DAY = date(2024, 1, 1)
YEAR_DAYS = 365


def monthly_irr(flows: Sequence[float]) -> float:
    """The rate a month at which monthly ``flows`` (first received, then paid) are worth nothing."""

    def worth(rate: float) -> float:
        factor, total = 1.0, 0.0
        for flow in flows:
            total += flow * factor
            factor /= 1 + rate
        return total

    return _root(worth)


def irr(flows: Iterable[tuple[float, float]]) -> float:
    """The rate a unit of time at which ``flows``, each with its time, are worth nothing."""
    known = [(at, flow) for at, flow in flows if flow]

    def worth(rate: float) -> float:
        return sum(flow * float((1 + rate) ** -at) for at, flow in known)

    return _root(worth)


def _root(worth: Callable[[float], float]) -> float:
    """Where ``worth``, which grows with the rate, is nothing: by halving."""
    low, high = -0.99, DEAREST
    if worth(high) < 0:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < 0 else (low, middle)
    return (low + high) / 2


def effective(monthly: float) -> float:
    """A rate a month compounded to a year (有效年利率)."""
    return float((1 + monthly) ** 12 - 1)


def flows_of(loan: Loan) -> list[tuple[date, Decimal]]:
    """Every flow of a loan as the borrower sees it, by its schedule: drawn (less fees then), and repaid."""
    drawn = list(loan.state.drawn)
    first = drawn[0][0] if drawn else loan.instalments[0].start
    out = [*drawn, (first, -loan.drawing_fees)]
    for each, due in zip(loan.instalments, loan.dues, strict=True):
        charged = sum((amount for _, amount in each.charges), Decimal(0))
        fee = fee_of(loan.terms, loan.state, each, due) - charged
        out.append((each.due, -due.instalment - fee))
        out.extend((day, -amount) for day, amount in each.charges)
    return out


def monthly_rate(loan: Loan) -> float:
    """The rate a month of a loan by its own dates; part months count by their days."""
    flows = flows_of(loan)
    start = flows[0][0]
    return irr((float(months_between(start, day)), float(amount)) for day, amount in flows)


def plan_of(
    principal: Decimal,
    rate: Decimal,
    months: int,
    way: Way,
    *,
    every: int = 1,
    season: tuple[int, ...] = (),
    grace: Grace | None = None,
) -> Loan:
    """A loan drawn at once, interest by months of a twelfth of a year: a quote before any date is known."""
    ends = periods(ANY_DAY, 1, months)
    spans = ends if way == "bullet" else periods(ANY_DAY, -(-months // every), every)
    terms = Terms(
        principal=principal,
        rate=rate,
        periods=(*spans[:-1], (spans[-1][0], ends[0][1])),
        way=way,
        interest="flat" if way == "flat" else "reducing_balance",
        day_count="month",
        season=season,
        grace=grace or Grace(),
        every=every,
    )
    return apply(begin(terms), Disburse(on=ANY_DAY, amount=principal))
