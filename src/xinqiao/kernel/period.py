"""Dates and windows. A window of n months is n whole calendar months (前 n 个自然月).

At date T the last month that counts is the last one complete at T: T's own month when T is its
last day, the month before otherwise. So a value never depends on the part of a month seen so far.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

YEARS = range(1900, 2201)
"""Years a date that somebody gives may be in: windows reach back from it, and stay dates."""


def month_end(day: date) -> date:
    """The last day of the month of ``day``."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def last_complete_month_end(as_of: date) -> date:
    """The end of the last month complete at ``as_of``."""
    return as_of if month_end(as_of) == as_of else as_of.replace(day=1) - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """``day`` moved by whole months, kept inside the target month (31 Jan + 1 = 28/29 Feb)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def window_months(as_of: date, months: int) -> tuple[date, date]:
    """First and last day (inclusive) of the ``months`` calendar months complete at ``as_of``."""
    end = last_complete_month_end(as_of)
    return add_months(end.replace(day=1), 1 - months), end


def month_index(day: date) -> int:
    """Months since year 0, so that differences count calendar months."""
    return day.year * 12 + day.month - 1
