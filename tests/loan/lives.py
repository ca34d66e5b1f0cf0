"""Random terms and events for property tests."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from xinqiao.loan.calendar import periods
from xinqiao.loan.terms import WAYS, Grace, LoanFee, Penalty, Prepayment, Rounding, Terms

START = date(2025, 1, 20)
CENTS = st.decimals("0.01", "30000", places=2)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Terms as products can have them, odd ones included."""
    start = START + timedelta(days=draw(st.integers(0, 400)))
    count = draw(st.integers(1, 9))
    unit = draw(st.sampled_from(["month", "month", "week", "day"]))
    every = draw(st.integers(1, 3)) if unit != "day" else draw(st.integers(5, 40))
    way = draw(st.sampled_from(WAYS))
    return Terms(
        principal=Decimal(draw(st.integers(1, 5_000_000))) / 100 + 10,
        rate=draw(st.decimals(0, "0.24", places=4)),
        periods=periods(start, count, every, unit),
        way=way,
        interest="flat" if way == "flat" else draw(st.sampled_from(["reducing_balance"] * 3 + ["flat"])),
        day_count=draw(st.sampled_from(["ACT/360", "ACT/365F", "ACT/ACT", "30/360", "month"])),
        unit=unit,
        every=every,
        season=tuple(draw(st.sets(st.integers(1, 12), max_size=3))),
        recalculated=draw(st.booleans()),
        overdue_accrues=draw(st.sampled_from(["never", "never", "day", "period"])),
        level_from=draw(st.sampled_from(["all", "first"])),
        smoothing=draw(st.booleans()),
        order=tuple(draw(st.permutations(["fee", "penalty", "interest", "principal"]))),
        rounding=Rounding(
            mode=draw(st.sampled_from(["half_up", "half_even"])),
            instalment_unit=draw(st.sampled_from([Decimal(0), Decimal(1)])),
            each_stretch=draw(st.booleans()),
        ),
        grace=Grace(
            principal=draw(st.integers(0, 2)), interest=draw(st.integers(0, 2)), free=draw(st.integers(0, 1))
        ),
        fees=draw(fees()),
        prepayment=Prepayment(
            effect=draw(st.sampled_from(["next", "last", "shorter", "smaller", "skip"])),
            fee=draw(st.sampled_from([Decimal(0), Decimal("0.01")])),
            interest_until=draw(st.sampled_from(["day", "period"])),
        ),
        penalty=Penalty(
            kind=draw(st.sampled_from(["none", "daily", "daily", "once"])),
            compound=draw(st.booleans()),
            grace_days=draw(st.sampled_from([0, 3])),
            share=Decimal("0.01"),
        ),
    )


@st.composite
def fees(draw: st.DrawFn) -> tuple[LoanFee, ...]:
    """Fees of every kind, or none."""
    share, amount = st.sampled_from([Decimal(0), Decimal("0.002")]), st.sampled_from([Decimal(0), Decimal(5)])
    base = st.sampled_from(["principal", "interest", "principal_plus_interest", "sum"])
    return tuple(
        LoanFee(name="fee", when=when, base=draw(base), share=draw(share), amount=draw(amount), on=START)
        for when in draw(st.lists(st.sampled_from(["drawing", "instalment", "day"]), max_size=2))
    )
