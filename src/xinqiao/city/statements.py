"""Yearly statements filed with the tax authority, from what was declared."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Floats, Ints, Stream
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import company_codes, dates, money

YEAR = 12
DUE_DAYS = 151  # the end of May
RESEARCH = {"I65": 0.08, "C35": 0.04, "C33": 0.02}
AMENDED = 0.03


def statements(scene: Scene, ids: Ints, sales: Floats, profit: Floats) -> pl.DataFrame:
    """One row a company (not the self-employed) and calendar year; some are corrected later.

    ``sales`` and ``profit`` are cents by company and month.
    """
    calendar = scene.region.calendar
    first = (YEAR + 1 - calendar.start.month) % YEAR
    starts = np.arange(first, calendar.months - YEAR + 1, YEAR)
    year_end = calendar.first_day[starts + YEAR] - 1
    firm = ~scene.region.self_employed[ids] & (scene.fate.first_month[ids] <= calendar.months)
    alive = scene.lives(ids)[:, starts + YEAR - 1] & firm[:, None]
    row, year = np.nonzero(alive)
    at = starts[year]
    revenue, gain = (_yearly(part, starts)[row, year] for part in (sales, profit))
    rng = scene.stream(Stream.STATEMENTS, ids)
    return _rows(scene, rng, (ids[row], at + YEAR - 1, year_end[year]), (revenue, gain))


def _yearly(values: Floats, starts: Ints) -> Floats:
    out: Floats = np.stack([values[:, at : at + YEAR].sum(axis=1) for at in starts], axis=1)
    return out


def _rows(
    scene: Scene, rng: np.random.Generator, where: tuple[Ints, Ints, Ints], sums: tuple[Floats, Floats]
) -> pl.DataFrame:
    region = scene.region
    (company, month, day), (revenue, gain) = where, sums
    n = len(company)
    liquidity = scene.fate.liquidity[company, month].astype(np.float64)
    # a year with next to no sales still has a balance sheet
    scale = np.maximum(revenue, 50_000_00.0) * np.exp(-0.2 + 0.45 * rng.standard_normal(n))
    leverage = np.clip(0.55 - 0.10 * liquidity + 0.12 * rng.standard_normal(n), 0.05, 1.3)
    current = rng.beta(6.0, 2.5, n)
    research = np.array([RESEARCH.get(i.code, 0.0) for i in INDUSTRIES])[region.industry[company]]
    columns = {
        "营业收入": revenue * (1 + 0.01 * rng.standard_normal(n)),
        "营业成本": revenue * np.clip(0.82 + 0.06 * rng.standard_normal(n), 0.4, 1.1),
        "净利润": gain * 0.95,
        "利息支出": 0.05 * 0.4 * leverage * scale,
        "研发费用": revenue * research * rng.random(n) * 2,
        "资产总额": scale,
        "流动资产": scale * current,
        "负债总额": scale * leverage,
        "流动负债": scale * leverage * np.clip(current + 0.15, 0.3, 1.0),
        "净资产": scale * (1 - leverage),
    }
    cents = {name: np.rint(values).astype(np.int64) for name, values in columns.items()}
    cents["净资产"] = cents["资产总额"] - cents["负债总额"]
    filed = day + DUE_DAYS - rng.integers(0, 60, n)
    corrected = np.where(rng.random(n) < AMENDED, filed + rng.integers(30, 300, n), NEVER)
    factor = 1 + 0.2 * rng.standard_normal(n)
    changed = cents | {"营业收入": np.rint(cents["营业收入"] * factor).astype(np.int64)}
    fixed = {"企业代号": company_codes(company), "年度止": dates(day)}
    parts = []
    for values, known in ((cents, filed + 3), (changed, np.where(corrected < NEVER, corrected + 3, NEVER))):
        table = {
            **fixed,
            **{name: money(column) for name, column in values.items()},
            "获知日期": dates(known),
        }
        parts.append(pl.DataFrame(table).filter(pl.Series(known <= region.calendar.end)))
    return pl.concat(parts)
