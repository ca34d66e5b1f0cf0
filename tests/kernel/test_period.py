from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.period import (
    add_months,
    last_complete_month_end,
    month_end,
    month_index,
    window_months,
)

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))


@pytest.mark.parametrize(
    ("as_of", "months", "first", "last"),
    [
        (date(2020, 2, 29), 12, date(2019, 3, 1), date(2020, 2, 29)),
        (date(2020, 2, 28), 12, date(2019, 2, 1), date(2020, 1, 31)),
        (date(2019, 12, 31), 1, date(2019, 12, 1), date(2019, 12, 31)),
        (date(2020, 1, 1), 3, date(2019, 10, 1), date(2019, 12, 31)),
    ],
)
def test_windows_are_whole_months(as_of: date, months: int, first: date, last: date) -> None:
    assert window_months(as_of, months) == (first, last)


@given(DAYS)
def test_the_last_complete_month_is_the_latest_one_not_after_the_day(day: date) -> None:
    end = last_complete_month_end(day)
    assert month_end(end) == end
    assert end <= day
    assert month_end(end + timedelta(days=1)) > day


@given(DAYS, st.integers(1, 60))
def test_a_window_holds_its_number_of_months(day: date, months: int) -> None:
    first, last = window_months(day, months)
    assert first.day == 1
    assert month_index(last) - month_index(first) == months - 1
    assert last <= day


@given(DAYS, st.integers(1, 36), st.integers(1, 36))
def test_windows_that_follow_each_other_touch(day: date, a: int, b: int) -> None:
    first, _ = window_months(day, a)
    before = window_months(first - timedelta(days=1), b)
    assert before[1] + timedelta(days=1) == first
    assert before[0] == window_months(day, a + b)[0]


@given(DAYS, st.integers(-600, 600))
def test_adding_months_moves_the_month_and_keeps_the_day_where_it_can(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert month_index(moved) == month_index(day) + months
    assert moved.day == min(day.day, month_end(moved).day)


@given(DAYS, DAYS, st.integers(-60, 60))
def test_adding_months_keeps_order(a: date, b: date, months: int) -> None:
    if a <= b:
        assert add_months(a, months) <= add_months(b, months)
