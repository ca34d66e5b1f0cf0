"""Due dates and parts of a year."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from xinqiao.loan.calendar import Unit, months_between, periods, year_ratio

PLAIN = ("dec_31", "calendar_year")


def test_dues_fall_on_the_same_day_or_the_last_of_the_month() -> None:
    dues = [due for _, due in periods(date(2024, 1, 31), 4)]
    assert dues == [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)]
    assert periods(date(2024, 1, 10), 2, 2, "week")[-1] == (date(2024, 1, 24), date(2024, 2, 7))
    first = periods(date(2024, 1, 10), 2, first_due=date(2024, 2, 21))
    assert first == ((date(2024, 1, 10), date(2024, 2, 21)), (date(2024, 2, 21), date(2024, 3, 21)))
    assert periods(date(2024, 3, 1), 2, 1, "year")[-1][1] == date(2026, 3, 1)


def share(
    start: date, end: date, count: str, unit: Unit = "month", variant: tuple[str, str] = PLAIN
) -> Fraction:
    return Fraction(*year_ratio((start, end), start, end, day_count=count, unit=unit, variant=variant))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("ACT/360", Fraction(31, 360)),
        ("ACT/365F", Fraction(31, 365)),
        ("30/360", Fraction(1, 12)),
        ("month", Fraction(1, 12)),
        ("ACT/ACT", Fraction(18, 365) + Fraction(13, 366)),
    ],
)
def test_a_month_over_new_year(count: str, expected: Fraction) -> None:
    assert share(date(2023, 12, 13), date(2024, 1, 13), count) == expected


def test_variants_of_actual_over_actual() -> None:
    new_year = share(date(2023, 12, 13), date(2024, 1, 13), "ACT/ACT", variant=("jan_1", "calendar_year"))
    assert new_year == Fraction(19, 365) + Fraction(12, 366)
    leap = ("dec_31", "feb_29")
    assert share(date(2024, 1, 12), date(2024, 2, 12), "ACT/ACT", variant=leap) == Fraction(31, 365)
    assert share(date(2024, 2, 12), date(2024, 3, 12), "ACT/ACT", variant=leap) == Fraction(29, 366)


def test_periods_that_are_no_months() -> None:
    assert share(date(2024, 1, 1), date(2024, 1, 8), "month", "week") == Fraction(1, 52)
    assert share(date(2024, 1, 1), date(2024, 1, 16), "30/360", "day") == Fraction(15, 360)
    assert months_between(date(2024, 1, 31), date(2024, 2, 29)) == 1
    assert months_between(date(2024, 2, 29), date(2024, 3, 31)) == 1
    assert months_between(date(2024, 1, 15), date(2024, 3, 1)) == pytest.approx(Decimal(29 + 15) / 29)
