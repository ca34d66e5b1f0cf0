r"""Default: the causal truth of the region.

The monthly hazard of default is::

    logit p[i,t] = BASE + OPERATIONS o[i,t] + LIQUIDITY l[i,t] + GOVERNANCE g[i,t] + CONTAGION s[i,t]
                   + SIZE size_i + AGE ln(1 + age in years) + TREND trend_i + RING + risk of the industry
                   - UNSEASONED (falling to 0 within SEASONS months)

and zero before the thirteenth month, so that every default has a year of history before it.
``o``, ``l``, ``g`` are the latent factors (``factors``), ``s`` the stress from failed neighbours
(``contagion``), a part of which (BITE) is also felt in liquidity. A default happens on a day drawn
evenly within its month; nothing but the factors acts before that day, so no source can show it
early. ``true_pd`` gives the probability of default in the 12 months after a date, given everything
latent at that date: the best any model can know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.city.contagion import FADES, MOST, Channels
from xinqiao.city.draw import BLOCK, Floats, Ints, Stream, logistic, stream
from xinqiao.city.factors import RHO, Factors, Floats32, demand, draw_factors, spread
from xinqiao.city.industry import trait
from xinqiao.city.region import Region

BASE = -3.2
OPERATIONS, LIQUIDITY, GOVERNANCE, CONTAGION = -1.55, -1.6, -0.45, 3.4
SIZE, AGE, TREND, RING = -1.15, -2.4, -1.5, 0.7
UNSEASONED, SEASONS = 2.4, 24  # young loan books fail less; months until they are seasoned
BITE = 0.5  # stress felt in liquidity
FIRST_MONTH = 12
HORIZON = 12
NEVER = np.int64(2**31 - 1)
STRUCK_OFF = 0.35  # share of defaulted companies struck off later
PATHS = 200
ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to each company.

    ``operations``, ``liquidity`` and ``governance`` have shape (companies, months), all others
    (companies,): ``default_month``, ``default_day`` and ``ended_day`` (struck off; activity stops) are
    NEVER where it does not happen; ``first_month`` begins after the establishment and ``last_month``
    ends before the company is struck off.
    """

    operations: Floats32
    liquidity: Floats32
    governance: Floats32
    default_month: Ints
    default_day: Ints
    ended_day: Ints
    first_month: Ints
    last_month: Ints
    channels: Channels

    @property
    def health(self) -> Floats32:
        """What events of the register follow."""
        return self.governance


def standing(region: Region, ring: Ints, month: int, ids: Ints | slice = ALL) -> Floats:
    """The part of the logit that does not move by chance; shape (len(ids),)."""
    age = np.maximum(0, region.calendar.first_day[0] - region.established[ids]) / 365.25 + month / 12
    fixed = BASE + SIZE * region.size[ids] + TREND * region.trend[ids] + RING * (ring[ids] >= 0)
    fixed = (
        fixed + trait("risk")[region.industry[ids]] - UNSEASONED * max(0, 1 - (month - FIRST_MONTH) / SEASONS)
    )
    out: Floats = fixed + AGE * np.log1p(age)
    return out


def hazard(region: Region, factors: Factors, stress: Floats, month: int, ring: Ints) -> Floats:
    """Monthly probability of default; shape (companies,). ``liquidity`` already feels the stress."""
    if month < FIRST_MONTH:
        return np.zeros(region.companies)
    latent = OPERATIONS * factors.operations[:, month] + LIQUIDITY * factors.liquidity[:, month]
    latent = latent + GOVERNANCE * factors.governance[:, month] + CONTAGION * stress
    return logistic(standing(region, ring, month) + latent)


def draw_fate(region: Region, ring: Ints, channels: Channels) -> Fate:
    """Draw the factors, then default month by month as failures spread, then the end of some."""
    months, n = region.calendar.months, region.companies
    factors = draw_factors(region)
    rng = stream(region.seed, Stream.FATE)
    default_month = np.full(n, NEVER)
    stress = np.zeros(n)
    for month in range(months):
        felt = np.minimum(stress, MOST)
        factors.liquidity[:, month] -= BITE * felt
        chance = hazard(region, factors, felt, month, ring)
        fails = (rng.random(n) < chance) & (default_month == NEVER)
        default_month[fails] = month
        stress = FADES * stress + channels.blow(fails.astype(np.float64))
    default_day, ended = _days(region, default_month, rng)
    first, last = _life(region, ended)
    return Fate(
        factors.operations,
        factors.liquidity,
        factors.governance,
        default_month,
        default_day,
        ended,
        first,
        last,
        channels,
    )


def _life(region: Region, ended: Ints) -> tuple[Ints, Ints]:
    first_day = region.calendar.first_day
    first = np.searchsorted(first_day[:-1], region.established, side="right")
    last = np.searchsorted(first_day, np.minimum(ended, first_day[-1]), side="right") - 2
    return first, np.where(ended < NEVER, last, region.calendar.months - 1)


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

    Monte Carlo over PATHS antithetic paths of the future factors given those now. The stress of
    failed neighbours fades as it does, and neighbours still standing add to it what their hazard
    of this month makes likely; the calendar of demand counts as known. Meaningless for companies
    that have already defaulted.
    """
    ahead = demand(month + 1 + HORIZON)
    felt = fate.channels.stress(fate.default_month, month)
    now = Factors(fate.operations, fate.liquidity, fate.governance)
    alive = fate.default_month > month
    inflow = fate.channels.blow(hazard(region, now, felt, month, ring) * alive)
    newly = fate.channels.blow((fate.default_month == month).astype(np.float64))
    out = np.empty(region.companies)
    for start in range(0, region.companies, BLOCK):
        ids = np.arange(start, min(start + BLOCK, region.companies))
        stress = _ahead(felt[ids], newly[ids], inflow[ids])
        out[ids] = _paths(region, now, ids, month, (ring, ahead, felt, stress))
    return out


def _ahead(felt: Floats, newly: Floats, inflow: Floats) -> Floats:
    """Expected stress in the coming months; shape (companies, HORIZON)."""
    steps = [FADES * felt + newly]
    for _ in range(HORIZON - 1):
        steps.append(FADES * steps[-1] + inflow)
    return np.minimum(np.stack(steps, axis=1), MOST)


def _paths(
    region: Region, now: Factors, ids: Ints, month: int, given: tuple[Ints, Floats, Floats, Floats]
) -> Floats:
    ring, ahead, felt, stress = given
    rng = stream(region.seed, Stream.TRUE_PD, 1_000 * (int(ids[0]) // BLOCK) + month)
    wave = OPERATIONS * ahead[region.industry[ids]]
    # the calm index: the factors without demand and stress, an autoregression of its own
    index = OPERATIONS * now.operations[ids, month] + GOVERNANCE * now.governance[ids, month]
    index = index + LIQUIDITY * (now.liquidity[ids, month] + BITE * felt[ids]) - wave[:, month]
    paths = np.repeat(index[:, None].astype(np.float64), PATHS, axis=1)
    fresh = np.sqrt(1 - RHO**2) * spread(OPERATIONS, LIQUIDITY, GOVERNANCE)
    alive = np.ones_like(paths)
    for step in range(1, HORIZON + 1):
        half = rng.standard_normal((len(ids), PATHS // 2))
        paths = RHO * paths + fresh * np.concatenate([half, -half], axis=1)
        known = standing(region, ring, month + step, ids) + wave[:, month + step]
        known = known + (CONTAGION - LIQUIDITY * BITE) * stress[:, step - 1]
        alive *= 1 - logistic(known[:, None] + paths)
    pd: Floats = 1 - alive.mean(axis=1)
    return pd
