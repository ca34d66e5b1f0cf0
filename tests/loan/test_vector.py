"""Many schedules at once are the engine's own, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.loan.calendar import periods
from xinqiao.loan.engine import apply, begin
from xinqiao.loan.event import Disburse
from xinqiao.loan.terms import Terms
from xinqiao.loan.vector import _exact_level, _levels, schedules

WAYS = ["equal_instalment", "equal_principal", "interest_only_then_bullet", "flat", "bullet"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 240_000)), min_size=1, max_size=4),
    st.integers(1, 36),
    st.sampled_from(WAYS),
    st.sampled_from(["ACT/360", "ACT/365F", "month"]),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
def test_a_row_is_what_the_engine_works_out(
    loans: list[tuple[int, int]], count: int, way: str, day_count: str, start: date
) -> None:
    spans = periods(start, count)
    days = [1] * count if day_count == "month" else [(due - first).days for first, due in spans]
    basis = {"ACT/360": 360, "ACT/365F": 365, "month": 12}[day_count]
    cents, rates = (np.array(each, np.int64) for each in zip(*loans, strict=True))
    found = schedules(cents, rates, days, basis, way)  # type: ignore[arg-type] # one of the ways
    for i, (principal, ppm) in enumerate(loans):
        terms = Terms(
            principal=Decimal(principal) / 100,
            rate=Decimal(ppm) / 10**6,
            periods=spans,
            way=way,  # type: ignore[arg-type] # one of the ways
            day_count=day_count,  # type: ignore[arg-type] # one of them
        )
        loan = apply(begin(terms), Disburse(on=start, amount=terms.principal))
        assert [int(due.principal * 100) for due in loan.dues] == found.principal[i].tolist()
        assert [int(due.interest * 100) for due in loan.dues] == found.interest[i].tolist()


def test_a_close_call_is_settled_exactly() -> None:
    """Two equal parts of an odd number of cents at no interest: half a cent goes up."""
    found = _levels(np.array([101], np.int64), np.array([0], np.int64), np.array([[30, 30]]), 360)
    assert found.tolist() == [51] == [_exact_level(101, 0, [30, 30], 360)]


def test_what_does_not_fit_is_refused() -> None:
    big = np.array([10**15], np.int64)
    with pytest.raises(UserError, match="LON-TERMS"):
        schedules(big, np.array([240_000], np.int64), [31], 360)
