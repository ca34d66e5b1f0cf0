"""Days of a loan (期限与计息天数): due dates, and the part of a year that days are."""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Unit = Literal["day", "week", "month", "year"]
Period = tuple[date, date]
MONTH_END_SLACK = 3
"""A due day of the 31st may have to be the 28th: as many days a month's end may differ."""


def month_end(day: date) -> bool:
    """Whether ``day`` is the last of its month."""
    return day.day == monthrange(day.year, day.month)[1]


@lru_cache(4096)
def add_months(day: date, months: int, anchor: int | None = None) -> date:
    """The same day of a later month; ``anchor`` is the day meant, cut to the month's last."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor or day.day, monthrange(year, month + 1)[1]))


def step(start: date, unit: Unit, count: int, anchor: int | None = None) -> date:
    """``count`` units after ``start``."""
    match unit:
        case "day":
            return start + timedelta(days=count)
        case "week":
            return start + timedelta(weeks=count)
        case "month":
            return add_months(start, count, anchor)
        case _:
            return add_months(start, 12 * count, anchor)


def periods(
    start: date,
    count: int,
    every: int = 1,
    unit: Unit = "month",
    *,
    first_due: date | None = None,
    anchor: int | None = None,
) -> tuple[Period, ...]:
    """``count`` periods from ``start``, each ``every`` units long; the first may end on ``first_due``.

    ``anchor``: the day of the month that dues fall on (31: the last), the start's or the first due's if None.
    """
    seed = first_due or start
    meant = anchor or seed.day
    extra = 1 if first_due else 0
    dues = [step(seed, unit, every * k, meant) for k in range(1 - extra, count + 1 - extra)]
    return tuple(zip([start, *dues[:-1]], dues, strict=True))


def months_ratio(start: date, end: date) -> tuple[int, int]:
    """Months from ``start`` to ``end`` as a ratio: whole ones, and of the last the share of its days."""
    whole = (end.year - start.year) * 12 + end.month - start.month
    if end.day == start.day or (month_end(end) and end.day < start.day):
        return whole, 1
    if month_end(start) and 0 < end.day - start.day <= MONTH_END_SLACK:
        return whole, 1
    if end.day < start.day:
        whole -= 1
    low, high = add_months(start, whole), add_months(start, whole + 1)
    length = (high - low).days
    return whole * length + (end - low).days, length


def months_between(start: date, end: date) -> Decimal:
    """Months from ``start`` to ``end``: whole ones, and of the last the share of its days."""
    months, parts = months_ratio(start, end)
    return Decimal(months) / parts


def actual_ratio(start: date, end: date, *, split_day: str) -> tuple[int, int]:
    """The years from ``start`` to ``end``, each day over the length of its year, as a ratio.

    ``split_day``: the first day that counts in the new year: ``dec_31`` (the night of New Year's Eve) or
    ``jan_1``.
    """
    total, length, at = 0, 1, start
    shift = timedelta(days=1 if split_day == "dec_31" else 0)
    while at < end:
        year = (at + shift).year
        until = min(end, date(year + 1, 1, 1) - shift)
        days = 366 if isleap(year) else 365
        total, length = total * days + (until - at).days * length, length * days
        at = until
    return total, length


def has_leap_day(start: date, end: date) -> bool:
    """Whether a 29 February lies after ``start`` and not after ``end``."""
    return any(isleap(year) and start < date(year, 2, 29) <= end for year in range(start.year, end.year + 1))


@lru_cache(65536)
def year_ratio(
    period: Period, start: date, end: date, *, day_count: str, unit: Unit, variant: tuple[str, str]
) -> tuple[int, int]:
    """The part of a year from ``start`` to ``end``, both within ``period``, as an exact ratio.

    Days inside a period are pro rata where the day-count does not count them one by one. ``variant``: year
    end and leap rule of ACT/ACT.
    """
    days, whole = (end - start).days, (period[1] - period[0]).days
    match day_count:
        case "ACT/360":
            return days, 360
        case "ACT/364":
            return days, 364
        case "ACT/365F":
            return days, 365
        case "ACT/ACT":
            return _actual(period, start, end, variant)
        case _ if unit in ("day", "week"):
            return days, 360 if day_count == "30/360" else 365 if unit == "day" else 364
        case _:
            months, parts = months_ratio(*period)
            return months * days, parts * whole * 12


def _actual(period: Period, start: date, end: date, variant: tuple[str, str]) -> tuple[int, int]:
    if variant[1] == "feb_29":
        return (end - start).days, 366 if has_leap_day(*period) else 365
    years, length = actual_ratio(start, period[1], split_day=variant[0])
    return years * (end - start).days, length * (period[1] - start).days
