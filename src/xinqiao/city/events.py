"""Events in the life of a company whose chance depends on its latent state month by month."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from xinqiao.city.changes import ITEMS, Changes
from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic
from xinqiao.city.hazard import NEVER
from xinqiao.city.region import Calendar
from xinqiao.city.scene import Scene
from xinqiao.city.text import dates

SETTLING_DAYS = 10  # nothing happens to a company younger than this


@cache
def _month_starts(calendar: Calendar, history: int) -> tuple[int, ...]:
    days = [calendar.day(month) for month in range(-history, calendar.months + 1)]
    return tuple(int(np.datetime64(day, "D").astype(np.int64)) for day in days)


def month_of(scene: Scene, day: Ints) -> Ints:
    """The month a day lies in; days before the period belong to month 0, later ones to the last."""
    calendar = scene.region.calendar
    starts = np.array(_month_starts(calendar, 0))
    return np.clip(np.searchsorted(starts, day, side="right") - 1, 0, calendar.months - 1)


def last_day(scene: Scene, company: Ints) -> Ints:
    """Last day on which anything can happen to a company."""
    return np.minimum(scene.region.calendar.end, scene.fate.ended_day[company] - 1)


def occasions(
    scene: Scene, ids: Ints, rng: np.random.Generator, mean: Floats, history: int = 0
) -> tuple[Ints, Ints]:
    """(company, day) of events whose expected number by month is ``mean``, by company and month.

    ``mean`` has shape (len(ids), history + months); its first ``history`` columns are months before the
    period. None happens outside a company's life.
    """
    count = rng.poisson(mean)
    row, month = (np.repeat(index, count[count > 0]) for index in np.nonzero(count))
    starts = np.array(_month_starts(scene.region.calendar, history))
    day = starts[month] + (rng.random(len(month)) * np.diff(starts)[month]).astype(np.int64)
    company = ids[row]
    alive = (day >= scene.region.established[company] + SETTLING_DAYS) & (day <= last_day(scene, company))
    return company[alive], day[alive]


def state(
    scene: Scene, ids: Ints, *, liquidity: float = 0.0, governance: float = 0.0, history: int = 0
) -> Floats:
    """Weighted latent factors; months before the period are as its first; (len(ids), history + months)."""
    fate = scene.fate
    now: Floats = (liquidity * fate.liquidity[ids] + governance * fate.governance[ids]).astype(np.float64)
    return np.concatenate([np.repeat(now[:, :1], history, axis=1), now], axis=1)


def defaulted(scene: Scene, ids: Ints, history: int = 0) -> Flags:
    """Whether a month lies after that of the default; shape (len(ids), history + months)."""
    months = np.arange(-history, scene.region.calendar.months)
    out: Flags = months > scene.fate.default_month[ids, None]
    return out


def dated(
    scene: Scene,
    ids: Ints,
    rng: np.random.Generator,
    *,
    base: float | Floats,
    governance: float = 0.0,
    liquidity: float = 0.0,
    after_default: float = 0.0,
    where: Flags | None = None,
    history: int = 0,
) -> tuple[Ints, Ints]:
    """Draw events: (company, day), with a logistic chance by month; ``base`` and ``where`` by company."""
    fixed = np.broadcast_to(np.asarray(base, dtype=np.float64), (len(ids),))
    level = state(scene, ids, liquidity=liquidity, governance=governance, history=history)
    chance = logistic(fixed[:, None] + level + after_default * defaulted(scene, ids, history))
    if where is not None:
        chance = chance * where[:, None]
    return occasions(scene, ids, rng, chance, history)


def draw_changes(scene: Scene, ids: Ints) -> Changes:
    """All changes of the companies, by company, day and item; at most one of an item a day."""
    rng = scene.stream(Stream.CHANGES, ids)
    parts = [
        dated(scene, ids, rng, base=base, governance=effect, after_default=0.3) for _, base, effect in ITEMS
    ]
    company, day = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    item = np.repeat(np.arange(len(ITEMS)), [len(part[0]) for part in parts])
    known = day + rng.integers(1, 21, len(day))
    planted = scene.schemes.changes
    more = np.arange(*np.searchsorted(planted.company, [ids[0], ids[-1] + 1]))
    company = np.concatenate([company, planted.company[more]])
    day = np.concatenate([day, planted.day[more]])
    known = np.concatenate([known, planted.known[more]])
    item = np.concatenate([item, planted.item[more]])
    order = np.lexsort((item, day, company))
    order = order[known[order] <= scene.region.calendar.end]
    company, day, known, item = company[order], day[order], known[order], item[order]
    _, once = np.unique(np.stack([company, day, item]), axis=1, return_index=True)
    return Changes(company[once], day[once], known[once], item[once])


def versions(
    fixed: dict[str, pl.Series], later: dict[str, pl.Series], known: Ints, changed: Ints, end: int
) -> pl.DataFrame:
    """Records with a first version, and a second one that also has the columns ``later``.

    ``known`` and ``changed`` are the days on which the two are known; what is not known by ``end`` is
    not delivered. ``changed`` is NEVER where nothing came later. Records keep their order.
    """
    index = np.flatnonzero(known <= end)
    second = index[(changed[index] <= end) & (changed[index] < NEVER)]
    rows = np.concatenate([index, second])
    is_later = np.arange(len(rows)) >= len(index)
    day = np.where(is_later, np.maximum(changed[rows], known[rows]), known[rows])
    order = np.lexsort((is_later, rows))
    rows, is_later, day = rows[order], is_later[order], day[order]
    shown = pl.Series(is_later)
    table = {name: column.gather(rows) for name, column in fixed.items()}
    for name, column in later.items():
        texts = column.gather(rows)
        table[name] = texts.zip_with(shown, pl.repeat(None, len(texts), dtype=pl.String, eager=True))
    return pl.DataFrame({**table, "获知日期": dates(day)})


def by_company(*columns: Ints) -> tuple[Ints, ...]:
    """The columns ordered by the first, then the second and so on."""
    order = np.lexsort(columns[::-1])
    return tuple(column[order] for column in columns)
