"""Days of the generated region: temperature, days off and the spring festival."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from xinqiao.city.draw import Floats, Ints, Stream, stream
from xinqiao.city.region import Calendar

NEW_MOON = 10_962.76  # 2000-01-06 18:14 UTC, in days since 1970
SYNODIC = 29.530588853  # days, mean (Meeus, Astronomical Algorithms, ch. 49)
EARLIEST = 20  # the festival falls on 21 January to 20 February
BEIJING = 8 / 24
MEAN_C, SWING_C, NOISE_C = 16.0, 12.5, 2.4
COLDEST = 20  # day of the year
# share of usual electricity from 10 days before the festival to 16 after it, as measured on 1,454
# companies of one county in 2015 and 2016 (tianchi_power)
FESTIVAL = np.array(
    [
        *(0.98, 1.0, 0.95, 0.88, 0.80, 0.67, 0.50, 0.37, 0.29, 0.22, 0.18, 0.18, 0.18, 0.18),
        *(0.19, 0.20, 0.25, 0.31, 0.47, 0.68, 0.88, 0.89, 0.95, 0.98, 0.99, 1.0, 1.0),
    ]
)
BEFORE = 10
WEEK = np.array([1.02, 1.03, 1.03, 1.03, 1.02, 0.97, 0.91])  # Monday first; same source
# days off with the same date every year: share of usual electricity
HOLIDAYS = {(1, 1): 0.9, (5, 1): 0.9, (5, 2): 0.95, (10, 1): 0.85, (10, 2): 0.88, (10, 3): 0.9}


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a calendar, one array each: number, month, temperature in Celsius, and how busy."""

    day: Ints
    month: Ints
    temperature: Floats
    busy: Floats


def spring_festival(year: int) -> int:
    """First day of the lunar year, by the mean new moon (at most a day off), in days since 1970."""
    january = (date(year, 1, 1) - date(1970, 1, 1)).days
    moons = np.ceil((january + EARLIEST - BEIJING - NEW_MOON) / SYNODIC)
    return int(np.floor(NEW_MOON + moons * SYNODIC + BEIJING))


@lru_cache(maxsize=4)
def days_of(calendar: Calendar, seed: int) -> Days:
    """All days of the calendar."""
    first_day = calendar.first_day
    day = np.arange(first_day[0], first_day[-1])
    month = np.searchsorted(first_day, day, side="right") - 1
    years = day.astype("datetime64[D]").astype("datetime64[Y]")
    of_year = (day.astype("datetime64[D]") - years).astype(np.int64)
    noise = stream(seed, Stream.WEATHER).standard_normal(len(day))
    drift = np.zeros(len(day))
    for i in range(1, len(day)):
        drift[i] = 0.75 * drift[i - 1] + noise[i]
    temperature = MEAN_C - SWING_C * np.cos(2 * np.pi * (of_year - COLDEST) / 365.25) + NOISE_C * drift
    busy = WEEK[(day + 3) % 7] * _days_off(day)
    for year in range(calendar.start.year, calendar.day(calendar.months - 1).year + 1):
        place = day - spring_festival(year) + BEFORE
        inside = (place >= 0) & (place < len(FESTIVAL))
        busy[inside] *= FESTIVAL[place[inside]]
    return Days(day, month, temperature, busy)


def _days_off(day: Ints) -> Floats:
    stamps = day.astype("datetime64[D]").astype(object)
    return np.array([HOLIDAYS.get((d.month, d.day), 1.0) for d in stamps])
