r"""Health and default: the causal truth of the region.

Latent health of company i follows a first-order autoregression by month,
``h[i,t] = RHO h[i,t-1] + sqrt(1-RHO^2) e[i,t]`` (mean 0, variance 1), lowered by a shock to some
industries during one quarter. The monthly hazard of default is::

    logit p[i,t] = BASE + HEALTH h[i,t] + SIZE size_i + AGE ln(1 + age in years) + TREND trend_i + RING

and zero before the thirteenth month, so that every default has a year of history before it.
Health alone moves what can be seen (sales, voids, customers, months without invoices, red-letter
invoices, register events), so falling sales come before default without anything looking ahead;
after default activity decays. ``true_pd`` gives the probability of default in the 12 months after a
date, given everything latent at that date: the best any model can know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.city.draw import Floats, Ints, Stream, logistic, stream
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.region import Region

RHO = 0.97
BASE, HEALTH, SIZE, AGE, TREND, RING = -5.95, -2.05, -0.9, -0.30, -1.5, 0.7
FIRST_MONTH = 12
HORIZON = 12
NEVER = np.int64(2**31 - 1)
STRUCK_OFF = 0.35  # share of defaulted companies struck off later
PATHS = 200
SHOCKED = ("E50", "H62", "G54")
SHOCK_MONTHS = (20, 21, 22)
SHOCK = -0.55


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to each company.

    ``health`` has shape (companies, months); ``default_month``, ``default_day`` and ``ended_day``
    (struck off; activity stops) have shape (companies,), NEVER where it does not happen.
    """

    health: Floats
    default_month: Ints
    default_day: Ints
    ended_day: Ints


def shocks(region: Region, months: int) -> Floats:
    """The industry shock, added to health; shape (companies, months)."""
    hit = np.array([industry.code in SHOCKED for industry in INDUSTRIES])[region.industry]
    when = np.isin(np.arange(months), SHOCK_MONTHS)
    out: Floats = SHOCK * (hit[:, None] & when[None, :]).astype(np.float64)
    return out


def hazard(region: Region, health: Floats, month: int, ring: Ints) -> Floats:
    """Monthly probability of default; ``health`` has the companies on its first axis."""
    if month < FIRST_MONTH:
        return np.zeros_like(health)
    age = np.maximum(0, region.calendar.first_day[0] - region.established) / 365.25 + month / 12
    fixed = BASE + SIZE * region.size + AGE * np.log1p(age) + TREND * region.trend + RING * (ring >= 0)
    return logistic(fixed.reshape(-1, *[1] * (health.ndim - 1)) + HEALTH * health)


def draw_fate(region: Region, ring: Ints) -> Fate:
    """Draw health, then default month by month, then the end of some defaulted companies."""
    months, n = region.calendar.months, region.companies
    rng = stream(region.seed, Stream.HEALTH)
    noise = rng.standard_normal((n, months))
    chance = rng.random((n, months))
    own = np.empty((n, months))
    own[:, 0] = noise[:, 0]
    for month in range(1, months):
        own[:, month] = RHO * own[:, month - 1] + np.sqrt(1 - RHO**2) * noise[:, month]
    health = own + shocks(region, months)
    default_month = np.full(n, NEVER)
    for month in range(months - 1, FIRST_MONTH - 1, -1):
        default_month[chance[:, month] < hazard(region, health[:, month], month, ring)] = month
    return Fate(health, default_month, *_days(region, default_month, rng))


def _days(region: Region, default_month: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Day of default, and for about a third the day the company is struck off, 3 to 9 months later."""
    first_day = region.calendar.first_day
    happens = default_month < NEVER
    month = np.where(happens, default_month, 0)
    length = np.diff(first_day)[month]
    day = first_day[month] + (rng.random(len(month)) * length).astype(np.int64)
    ends = happens & (rng.random(len(month)) < STRUCK_OFF)
    ended = day + rng.integers(90, 270, len(month))
    ends &= ended <= region.calendar.end
    return np.where(happens, day, NEVER), np.where(ends, ended, NEVER)


def true_pd(region: Region, fate: Fate, ring: Ints, month: int) -> Floats:
    """Probability of default in the 12 months after the end of month ``month``; shape (companies,).

    Monte Carlo over PATHS antithetic paths of future health given health now; the shock's calendar
    counts as known. Meaningless for companies that have already defaulted.
    """
    rng = stream(region.seed, Stream.TRUE_PD, month)
    ahead = shocks(region, month + 1 + HORIZON)
    own = fate.health[:, month] - ahead[:, month]
    paths = np.repeat(own[:, None], PATHS, axis=1)
    alive = np.ones_like(paths)
    for step in range(1, HORIZON + 1):
        half = rng.standard_normal((region.companies, PATHS // 2))
        noise = np.concatenate([half, -half], axis=1)
        paths = RHO * paths + np.sqrt(1 - RHO**2) * noise
        risk = hazard(region, paths + ahead[:, month + step, None], month + step, ring)
        alive *= 1 - risk
    pd: Floats = 1 - alive.mean(axis=1)
    return pd
