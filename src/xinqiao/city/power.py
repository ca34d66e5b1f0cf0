"""Electricity: accounts, daily and monthly volume, bills and events.

Volume follows operations, the week, the spring festival and the temperature; some months a company
stands still. Calibrated to 1,454 real companies (tianchi_power): 16 % of days with 1 kWh or less, nine
tenths of them in stretches longer than a month, log deviation of the usual day 1.7 between companies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri

from xinqiao.city.bills import bill_rows, paid_days
from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic, uniform
from xinqiao.city.events import dated
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES, trait
from xinqiao.city.register import addresses, names
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money
from xinqiao.city.weather import days_of

USE = {"A01": 5.2, "C13": 6.9, "C33": 7.3, "C35": 6.8, "H62": 6.0, "F52": 5.3, "G54": 5.4, "F51": 5.0}
HEAVY = 6.0  # log kWh on a usual day from which a factory has the industrial tariff
OFFICE = 4.6  # log kWh on a usual day, all other industries
SPREAD = 1.05  # deviation of that between companies of an industry, size apart
OWN_ACCOUNT = {0: 0.97, 1: 0.62, 2: 0.5, 3: 0.66}  # by place in the supply chain; tenants pay the landlord
SECOND_METER = 0.10
SHARE_DAILY = 0.30  # share of companies whose smart meter is read daily
OPERATIONS = 0.42
DORMANT = 0.09  # share of accounts hardly used at all
STOPS, RESUMES = -4.7, 0.22  # logit of a month's standstill beginning; chance of its end
NOISE, KEPT = 0.30, 0.45  # daily deviation of the log, and how much of it stays the next day
PRICE_CENTS = {"industrial": 72, "commercial": 80, "agricultural": 55, "residential": 54}
TARIFFS = ("大工业", "一般工商业", "农业生产", "居民生活")
PRICES = np.array(list(PRICE_CENTS.values()))
LATE, DUE_DAY = -2.6, 19
PENALTY = 0.002  # of what is owed, for every day late
KVA_STEP = 5
EVENTS = ("窃电", "违约用电", "减容", "暂停", "销户")


@dataclass(frozen=True, slots=True)
class Supply:
    """Accounts of a block: place of the company in ``ids``, which of its meters, usual kWh a day, tariff."""

    row: Ints
    meter: Ints
    usual: Floats
    tariff: Ints
    opened: Ints

    def __len__(self) -> int:
        return len(self.row)


def supply(scene: Scene, ids: Ints) -> Supply:
    """Who has an account of its own, and some a second one."""
    region, seed = scene.region, scene.region.seed
    line = trait("tier")[region.industry[ids]].astype(np.int64)
    chance = np.array([OWN_ACCOUNT[i] for i in range(4)])[line] + 0.08 * region.size[ids]
    has = (uniform(seed, ids, 1081) < chance) & ~scene.schemes.hollow[ids]
    second = has & (uniform(seed, ids, 1082) < SECOND_METER)
    row = np.concatenate([np.flatnonzero(has), np.flatnonzero(second)])
    meter = np.repeat([0, 1], [int(has.sum()), int(second.sum())])
    order = np.lexsort((meter, row))
    row, meter = row[order], meter[order]
    who = ids[row]
    level = np.array([USE.get(i.code, OFFICE) for i in INDUSTRIES])[region.industry[who]]
    normal = ndtri(0.0001 + 0.9998 * uniform(seed, who, meter, 1083))
    level = level + 0.55 * region.size[who] + SPREAD * normal - 1.0 * meter
    factory = (line[row] == 0) & (region.industry[who] > 0)
    tariff = np.where(region.industry[who] == 0, 2, np.where(factory & (level > HEAVY), 0, 1))
    tariff = np.where(region.self_employed[who] & (uniform(seed, who, 1084) < 0.1), 3, tariff)  # noqa: PLR2004 - a tenth live there
    opened = region.established[who] + 20 + (300 * uniform(seed, who, meter, 1085)).astype(np.int64)
    return Supply(row, meter, np.exp(level), tariff, opened)


def daily_kwh(scene: Scene, ids: Ints, accounts: Supply) -> Floats:
    """KWh by account and day of the period, whole numbers."""
    region, fate = scene.region, scene.fate
    rng = scene.stream(Stream.POWER, ids)
    days = days_of(region.calendar, region.seed)
    who = ids[accounts.row]
    operations = fate.operations[who].astype(np.float64)
    years = np.arange(region.calendar.months) / 12
    level = OPERATIONS * operations + 0.6 * region.trend[who, None] * years
    level = level - 0.22 * scene.after_default(ids)[accounts.row]
    still = _standstill(rng, operations) | ~scene.lives(ids)[accounts.row]
    dormant = uniform(region.seed, who, accounts.meter, 1086) < DORMANT
    level = np.where(still | dormant[:, None], -np.inf, level)
    noise = rng.standard_normal((len(who), len(days.day)), dtype=np.float32)
    for day in range(1, len(days.day)):
        noise[:, day] += KEPT * noise[:, day - 1]
    busy = 1 + (days.busy - 1) * _bound_to_the_week(scene, who)[:, None]
    climate = _climate(days.temperature)[None, :] ** (0.5 + uniform(region.seed, who, 1087))[:, None]
    spread = NOISE * np.exp(0.8 * uniform(region.seed, who, 1088) - 0.4)
    kwh = (
        accounts.usual[:, None]
        * np.exp(level)[:, days.month]
        * busy
        * climate
        * np.exp(spread[:, None] * noise)
    )
    idle = rng.integers(0, 2, kwh.shape)  # a fridge or a lamp
    kwh = np.where(kwh < 1, idle, kwh)
    return np.rint(kwh) * (days.day >= accounts.opened[:, None])


def _bound_to_the_week(scene: Scene, who: Ints) -> Floats:
    """How far a company keeps to the days off: those serving the public hardly do."""
    public = trait("tier")[scene.region.industry[who]] >= 3  # noqa: PLR2004 - tier 3 serves the public
    out: Floats = np.where(public, 0.45, 1.0) * (0.75 + 0.35 * uniform(scene.region.seed, who, 1089))
    return np.minimum(out, 1.1)


def _climate(temperature: Floats) -> Floats:
    """Cooling above 26 and heating below 5 degrees."""
    out: Floats = 1 + 0.025 * np.maximum(0, temperature - 26) + 0.010 * np.maximum(0, 5 - temperature)
    return out


def _standstill(rng: np.random.Generator, operations: Floats) -> Flags:
    """Months in which the works stand still; they last some months."""
    draws = rng.random(operations.shape)
    out = np.zeros(operations.shape, dtype=np.bool_)
    out[:, 0] = draws[:, 0] < logistic(STOPS + 1.6 - 0.9 * operations[:, 0])
    for month in range(1, operations.shape[1]):
        begins = draws[:, month] < logistic(STOPS - 0.9 * operations[:, month])
        stays = draws[:, month] >= RESUMES
        out[:, month] = np.where(out[:, month - 1], stays, begins)
    return out


def power_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """All that the grid company keeps about a block."""
    accounts = supply(scene, ids)
    kwh = daily_kwh(scene, ids, accounts)
    closures = _events(scene, ids, accounts)
    return {
        "power_account": _accounts(scene, ids, accounts),
        "power_month": _months(scene, ids, accounts, kwh),
        "power_day": _days(scene, ids, accounts, kwh),
        "power_event": closures,
    }


def _meters(ids: Ints, accounts: Supply) -> pl.Series:
    return codes("E", ids[accounts.row] * 10 + accounts.meter, 9)


def _kva(accounts: Supply) -> Ints:
    """Contract capacity: enough for three times the mean load of a usual day, in steps."""
    load = accounts.usual / 24 * 3
    return (np.maximum(1, np.ceil(load / KVA_STEP)) * KVA_STEP).astype(np.int64)


def _accounts(scene: Scene, ids: Ints, accounts: Supply) -> pl.DataFrame:
    region, who = scene.region, ids[accounts.row]
    landlord = uniform(region.seed, who, 1090) < 0.12  # noqa: PLR2004 - accounts still in another's name
    first = np.zeros(len(who), dtype=np.int64)  # as the company was entered
    name = names(scene, who, first)
    other = "示例" + codes("物业", 1 + who % 97, 2) + "有限公司"
    known = np.maximum(region.calendar.first_day[0], accounts.opened + 2)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(who),
            "户号": _meters(ids, accounts),
            "户名": name.zip_with(pl.Series(~landlord), other),
            "用电地址": addresses(region.seed, scene.ties.address[who], first),
            "电价类别": choice(TARIFFS, accounts.tariff),
            "合同容量": pl.Series(_kva(accounts)).cast(pl.String),
            "立户日期": dates(accounts.opened),
            "销户日期": dates(np.full(len(who), NEVER)),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= region.calendar.end))


def _months(scene: Scene, ids: Ints, accounts: Supply, kwh: Floats) -> pl.DataFrame:
    region, fate = scene.region, scene.fate
    rng = scene.stream(Stream.POWER_BILLS, ids)
    days, first_day = days_of(region.calendar, region.seed), region.calendar.first_day
    starts = first_day[:-1] - first_day[0]
    total = np.add.reduceat(kwh, starts, axis=1)
    highest = np.maximum.reduceat(kwh, starts, axis=1)
    row, month = np.nonzero(
        (first_day[1:] > accounts.opened[:, None])
        & (first_day[:-1] < fate.ended_day[ids[accounts.row], None])
    )
    del days
    who, volume = ids[accounts.row][row], total[row, month].astype(np.int64)
    night = np.clip(
        0.28 + 0.10 * (uniform(region.seed, who, 1091) - 0.5) + 0.02 * rng.standard_normal(len(row)), 0, 0.6
    )
    peak = np.clip(0.36 + 0.02 * rng.standard_normal(len(row)), 0, 0.4)
    bill = volume * PRICES[accounts.tariff[row]]
    demand = np.ceil(highest[row, month] / 24 * (1.5 + 0.4 * rng.random(len(row)))).astype(np.int64)
    due = first_day[month + 1] + DUE_DAY
    paying = np.minimum(month + 1, region.calendar.months - 1)
    paid = paid_days(scene, who, paying, due, base=LATE, rng=rng)
    paid = np.where(bill > 0, paid, due)
    late = np.where(paid < NEVER, np.maximum(0, paid - due), 0)
    penalty = np.rint(bill * PENALTY * late).astype(np.int64)
    fixed = {
        "企业代号": company_codes(who),
        "户号": _meters(ids, accounts).gather(pl.Series(row)),
        "月份": dates(first_day[month]),
        "用电量": pl.Series(volume).cast(pl.String),
        "尖峰电量": pl.Series(np.rint(volume * peak).astype(np.int64)).cast(pl.String),
        "谷段电量": pl.Series(np.rint(volume * night).astype(np.int64)).cast(pl.String),
        "最大需量": pl.Series(demand).cast(pl.String),
        "应收电费": money(bill),
        "缴费期限": dates(due),
    }
    sums = {"违约金": penalty, "实收电费": bill}
    return bill_rows(fixed, ("缴费日期", paid), sums, due, wait=1, end=region.calendar.end)


def _days(scene: Scene, ids: Ints, accounts: Supply, kwh: Floats) -> pl.DataFrame:
    """Daily readings of the companies with a smart meter, typed; a few days are lost."""
    region = scene.region
    who = ids[accounts.row]
    daily = uniform(region.seed, who, 1092) < SHARE_DAILY
    days = days_of(region.calendar, region.seed)
    read = (
        daily[:, None] & (days.day >= accounts.opened[:, None]) & (days.day < scene.fate.ended_day[who, None])
    )
    lost = uniform(region.seed, who[:, None] * 8 + accounts.meter[:, None], days.day[None, :], 1093) < 0.004  # noqa: PLR2004
    row, day = np.nonzero(read & ~lost)
    known = np.minimum(days.day[day] + 1, region.calendar.end)
    return pl.DataFrame(
        {
            "企业代号": company_codes(who).gather(pl.Series(row)),
            "户号": _meters(ids, accounts).gather(pl.Series(row)),
            "日期": pl.Series(days.day[day].astype(np.int32)).cast(pl.Date),
            "用电量": pl.Series(kwh[row, day].astype(np.int64)),
            "获知日期": pl.Series(known.astype(np.int32)).cast(pl.Date),
        }
    )


def _events(scene: Scene, ids: Ints, accounts: Supply) -> pl.DataFrame:
    rng = scene.stream(Stream.POWER_EVENTS, ids)
    has = np.isin(np.arange(len(ids)), accounts.row)
    settings = (
        (-8.8, 0.0, -0.6, 0.3),
        (-7.6, 0.0, -0.6, 0.3),
        (-6.9, -0.6, 0.0, 1.2),
        (-7.2, -0.7, 0.0, 2.2),
        (-8.6, -0.4, 0.0, 3.2),
    )
    parts = [
        dated(scene, ids, rng, base=base, liquidity=liquid, governance=govern, after_default=after, where=has)
        for base, liquid, govern, after in settings
    ]
    company, day = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    kind = np.repeat(np.arange(len(settings)), [len(part[0]) for part in parts])
    order = np.lexsort((kind, day, company))
    company, day, kind = company[order], day[order], kind[order]
    known = day + 4
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "工单号": codes("GD", company * 100_000 + (day % 20_000) * 5 + kind, 12),
            "户号": codes("E", company * 10, 9),
            "类别": choice(EVENTS, kind),
            "发生日期": dates(day),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= scene.region.calendar.end))
