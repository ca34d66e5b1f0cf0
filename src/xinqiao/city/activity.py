"""How much a company invoices in a month, and when: what health, season, default and the calendar do."""

from __future__ import annotations

import numpy as np

from xinqiao.city.draw import Floats, Ints, logistic, uniform
from xinqiao.city.hazard import Fate
from xinqiao.city.industry import trait
from xinqiao.city.region import Region

HEALTH_ON_VOLUME = 0.58
DECAY = 0.30  # monthly fall of log activity after default
PAUSE, PAUSE_HEALTH, PAUSE_SIZE = -3.7, -1.4, -0.6
MONTH_END_SHARE = 0.12
WEEKEND_MOVED = 0.75
SATURDAY, SUNDAY = 5, 6


def first_and_last(region: Region, fate: Fate) -> tuple[Ints, Ints]:
    """First and last month in which a company may issue or receive invoices; shape (companies,).

    The first begins after the establishment, the last ends before the company is struck off.
    """
    del region
    return fate.first_month, fate.last_month


def monthly_rate(
    region: Region, fate: Fate, ids: Ints, rate: Floats, *, drift: float, rng: np.random.Generator
) -> Floats:
    """Expected invoices; shape (len(ids), months).

    ``drift`` is the share of health and trend that acts (1 for sales, less for purchases).
    """
    months = np.arange(region.calendar.months)
    health = fate.operations[ids].astype(np.float64)
    swing = trait("season")[region.industry[ids]][:, None] * _season(region, ids)
    level = drift * (HEALTH_ON_VOLUME * health + region.trend[ids, None] * months / 12) + swing
    after = np.maximum(0, months - fate.default_month[ids, None])
    pause = rng.random(health.shape) < logistic(
        PAUSE + PAUSE_HEALTH * health + PAUSE_SIZE * region.size[ids, None]
    )
    open_ = (months >= fate.first_month[ids, None]) & (months <= fate.last_month[ids, None]) & ~pause
    out: Floats = rate[ids, None] * np.exp(level - DECAY * after) * open_
    return out


def _season(region: Region, ids: Ints) -> Floats:
    """A yearly wave, its peak set by the industry; shape (len(ids), months)."""
    month_of_year = (region.calendar.start.month - 1 + np.arange(region.calendar.months)) % 12
    peak = 12 * uniform(region.industry[ids], 5)
    wave: Floats = np.cos(2 * np.pi * (month_of_year[None, :] - peak[:, None]) / 12)
    return wave


def customers_kept(fate: Fate, who: Ints, month: Ints) -> Floats:
    """Share of the customer list still buying: falls with ill health and after default."""
    after = np.maximum(0, month - fate.default_month[who])
    out: Floats = logistic(1.2 + 1.3 * fate.operations[who, month].astype(np.float64)) * np.exp(-0.15 * after)
    return out


def day_of(region: Region, month: Ints, rng: np.random.Generator) -> Ints:
    """Days within the month: some crowd at its end, most of those on weekends move to the working day by."""
    first_day = region.calendar.first_day
    first, last = first_day[month], first_day[month + 1] - 1
    u = rng.random(len(month))
    late = rng.random(len(month)) < MONTH_END_SHARE
    day = np.where(late, last - (3 * u).astype(np.int64), first + ((last - first + 1) * u).astype(np.int64))
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    step = np.where(weekday == SATURDAY, -1, 1)
    moved = day + step
    moved = np.where((moved < first) | (moved > last), day - 2 * step, moved)
    weekend = (weekday >= SATURDAY) & (rng.random(len(month)) < WEEKEND_MOVED)
    return np.where(weekend, moved, day)


def second_of(night_share: Floats, rng: np.random.Generator) -> Ints:
    """Second of the day: 08:00-19:00 with a peak before noon, or 22:00-06:00 for the night share."""
    u = rng.beta(1.6, 2.0, len(night_share))
    by_day = 8 * 3600 + (11 * 3600 * u).astype(np.int64)
    by_night = (22 * 3600 + (8 * 3600 * u).astype(np.int64)) % 86_400
    return np.where(rng.random(len(night_share)) < night_share, by_night, by_day)
