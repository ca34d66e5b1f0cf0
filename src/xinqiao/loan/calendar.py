"""Days of a loan (期限与计息天数): due dates, and the part of a year that days are."""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Literal

Unit = Literal["day", "week", "month", "year"]
Period = tuple[date, date]
_EXACT = Context(prec=28)
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


def months_between(start: date, end: date) -> Decimal:
    """Months from ``start`` to ``end``: whole ones, and of the last the share of its days."""
    whole = (end.year - start.year) * 12 + end.month - start.month
    if end.day == start.day or (month_end(end) and end.day < start.day):
        return Decimal(whole)
    if month_end(start) and 0 < end.day - start.day <= MONTH_END_SLACK:
        return Decimal(whole)
    if end.day < start.day:
        whole -= 1
    low, high = add_months(start, whole), add_months(start, whole + 1)
    return whole + Decimal((end - low).days) / (high - low).days


def actual_years(start: date, end: date, *, split_day: Literal["dec_31", "jan_1"]) -> Decimal:
    """The years from ``start`` to ``end``, each day over the length of its year.

    ``split_day``: the first day that counts in the new year: 31 December (banks' night of New Year's Eve)
    or 1 January.
    """
    total, at = Decimal(0), start
    shift = timedelta(days=1 if split_day == "dec_31" else 0)
    while at < end:
        year = (at + shift).year
        until = min(end, date(year + 1, 1, 1) - shift)
        total += Decimal((until - at).days) / (366 if isleap(year) else 365)
        at = until
    return total


def has_leap_day(start: date, end: date) -> bool:
    """Whether a 29 February lies after ``start`` and not after ``end``."""
    return any(isleap(year) and start < date(year, 2, 29) <= end for year in range(start.year, end.year + 1))


@lru_cache(65536)
def year_fraction(
    period: Period, start: date, end: date, *, day_count: str, unit: Unit, variant: tuple[str, str]
) -> Decimal:
    """The part of a year from ``start`` to ``end``, both within ``period``.

    Days inside a period are pro rata where the day-count does not count them one by one. ``variant``: year
    end and leap rule of ACT/ACT. The same whatever the caller's decimal precision is.
    """
    with localcontext(_EXACT):
        return _fraction(period, start, end, day_count=day_count, unit=unit, variant=variant)


def _fraction(
    period: Period, start: date, end: date, *, day_count: str, unit: Unit, variant: tuple[str, str]
) -> Decimal:
    days, whole = (end - start).days, (period[1] - period[0]).days
    match day_count:
        case "ACT/360":
            return Decimal(days) / 360
        case "ACT/365F":
            return Decimal(days) / 365
        case "ACT/ACT":
            return _actual(period, start, end, variant)
        case _ if unit in ("day", "week"):
            basis = 360 if day_count == "30/360" else 365 if unit == "day" else 364
            return Decimal(days) / basis
        case _:
            return months_between(*period) * days / whole / 12


def _actual(period: Period, start: date, end: date, variant: tuple[str, str]) -> Decimal:
    if variant[1] == "feb_29":
        return Decimal((end - start).days) / (366 if has_leap_day(*period) else 365)
    split: Literal["dec_31", "jan_1"] = "dec_31" if variant[0] == "dec_31" else "jan_1"
    till_due = actual_years(start, period[1], split_day=split)
    return till_due * (end - start).days / (period[1] - start).days
