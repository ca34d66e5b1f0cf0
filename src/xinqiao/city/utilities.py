"""Water and gas, by month: volume follows staff and works, payment follows liquidity."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.bills import bill_rows, paid_days
from xinqiao.city.draw import Floats, Ints, Stream, uniform
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.power import supply
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money

WATER = {"A01": 4.6, "C13": 5.0, "H62": 4.4, "C33": 3.6, "C35": 3.4}  # log cubic metres a month
WATER_ELSEWHERE = 2.6
GAS = {"H62": (0.75, 5.6), "C13": (0.45, 6.4), "C33": (0.25, 6.6)}  # share of companies, log volume
WATER_ACCOUNT = 0.75  # of those with an electricity account
PRICES = np.array([420, 380])  # cents a cubic metre
LATE, DUE_DAY = -2.6, 24
DAILY_FEE = 0.001
OPERATIONS = 0.30


def utility_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Water and gas of a block."""
    region = scene.region
    rng = scene.stream(Stream.UTILITIES, ids)
    served = np.isin(np.arange(len(ids)), supply(scene, ids).row)
    water = served & (uniform(region.seed, ids, 1101) < WATER_ACCOUNT)
    share = np.array([GAS.get(i.code, (0.0, 0.0))[0] for i in INDUSTRIES])[region.industry[ids]]
    gas = served & (uniform(region.seed, ids, 1102) < share)
    row = np.concatenate([np.flatnonzero(water), np.flatnonzero(gas)])
    kind = np.repeat([0, 1], [int(water.sum()), int(gas.sum())])
    order = np.lexsort((kind, row))
    row, kind = row[order], kind[order]
    volume = _volume(scene, ids, row, kind, rng)
    at, month = np.nonzero(scene.lives(ids)[row])
    return {"water_gas_month": _rows(scene, rng, (ids[row], kind), (at, month, volume[at, month]))}


def _volume(scene: Scene, ids: Ints, row: Ints, kind: Ints, rng: np.random.Generator) -> Floats:
    """Cubic metres by account and month, whole numbers."""
    region, who = scene.region, ids[row]
    by_industry = np.array(
        [(WATER.get(i.code, WATER_ELSEWHERE), GAS.get(i.code, (0.0, 0.0))[1]) for i in INDUSTRIES]
    )
    level = (
        by_industry[region.industry[who], kind] + 0.5 * region.size[who] + 0.5 * rng.standard_normal(len(who))
    )
    operations = scene.fate.operations[who].astype(np.float64)
    moves = OPERATIONS * operations + 0.15 * rng.standard_normal(operations.shape)
    moves = moves - 0.2 * scene.after_default(ids)[row]
    summer = np.cos(
        2 * np.pi * (region.calendar.start.month - 1 + np.arange(region.calendar.months) - 6.5) / 12
    )
    season = np.where(kind == 0, 0.10, -0.15)[:, None] * summer
    out: Floats = np.rint(np.exp(level[:, None] + moves + season))
    return out


def _rows(
    scene: Scene, rng: np.random.Generator, accounts: tuple[Ints, Ints], cells: tuple[Ints, Ints, Floats]
) -> pl.DataFrame:
    """Bills of ``accounts`` (company, kind) for ``cells`` (place of the account, month, cubic metres)."""
    (company, kind), (at, month, volume) = accounts, cells
    who, what = company[at], kind[at]
    first_day, end = scene.region.calendar.first_day, scene.region.calendar.end
    bill = (volume * PRICES[what]).astype(np.int64)
    due = first_day[month + 1] + DUE_DAY
    paying = np.minimum(month + 1, scene.region.calendar.months - 1)
    paid = paid_days(scene, who, paying, due, base=LATE, rng=rng)
    late = np.where(paid < NEVER, np.maximum(0, paid - due), 0)
    fee = np.rint(bill * DAILY_FEE * late).astype(np.int64)
    fixed = {
        "企业代号": company_codes(who),
        "户号": codes("W", who * 10 + what, 9),
        "类别": choice(("水", "气"), what),
        "月份": dates(first_day[month]),
        "用量": pl.Series(volume.astype(np.int64)).cast(pl.String),
        "应收": money(bill),
        "缴费期限": dates(due),
    }
    return bill_rows(fixed, ("缴费日期", paid), {"实收": bill, "滞纳金": fee}, due, wait=1, end=end)
