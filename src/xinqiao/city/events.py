"""Events in the life of a company whose chance depends on its health month by month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.activity import first_and_last
from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic, stream
from xinqiao.city.hazard import Fate
from xinqiao.city.region import Region
from xinqiao.city.text import choice, company_codes, dates

ITEMS: tuple[tuple[str, float, float], ...] = (  # heading, logit of the monthly chance, effect of health
    ("法定代表人", -6.0, -0.7),
    ("股东", -5.6, -0.5),
    ("住所", -5.5, -0.5),
    ("经营范围", -5.2, -0.1),
    ("注册资本", -6.0, 0.2),
    ("名称", -6.6, -0.2),
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the register: company, day, day known and item (index into ``ITEMS``)."""

    company: Ints
    day: Ints
    known: Ints
    item: Ints


def dated(
    region: Region,
    fate: Fate,
    rng: np.random.Generator,
    *,
    base: float | Floats,
    on_health: float,
    after_default: float,
    where: Flags | None = None,
) -> tuple[Ints, Ints]:
    """Draw events: (company, day), at most one a month and none outside the company's life."""
    months = region.calendar.months
    fixed = np.broadcast_to(np.asarray(base, dtype=np.float64), (region.companies,))
    defaulted = np.arange(months) > fate.default_month[:, None]
    chance = logistic(fixed[:, None] + on_health * fate.health + after_default * defaulted)
    happens = rng.random(chance.shape) < chance
    first, last = first_and_last(region, fate)
    span = np.arange(months)
    happens &= (span >= first[:, None]) & (span <= last[:, None])
    if where is not None:
        happens &= where[:, None]
    company, month = np.nonzero(happens)
    length = np.diff(region.calendar.first_day)[month]
    return company, region.calendar.first_day[month] + (rng.random(len(month)) * length).astype(np.int64)


def draw_changes(region: Region, fate: Fate) -> Changes:
    """All changes, by company, day and item."""
    rng = stream(region.seed, Stream.REGISTER, 4)
    parts = [
        dated(region, fate, rng, base=base, on_health=health, after_default=0.3) for _, base, health in ITEMS
    ]
    company, day = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    item = np.repeat(np.arange(len(ITEMS)), [len(part[0]) for part in parts])
    order = np.lexsort((item, day, company))
    known = day + rng.integers(1, 21, len(day))
    order = order[known[order] <= region.calendar.end]
    return Changes(company[order], day[order], known[order], item[order])


def change_rows(changes: Changes) -> pl.DataFrame:
    """The changes as their file has them."""
    return pl.DataFrame(
        {
            "企业代号": company_codes(changes.company),
            "变更日期": dates(changes.day),
            "变更事项": choice(tuple(item[0] for item in ITEMS), changes.item),
            "获知日期": dates(changes.known),
        }
    )
