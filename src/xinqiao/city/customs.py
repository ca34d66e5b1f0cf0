"""Customs: declarations of the companies that trade abroad, and their rating."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.books import books_of
from xinqiao.city.draw import Floats, Ints, Stream, uniform
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money

EXPORTERS = {"C13": 0.10, "C33": 0.18, "C35": 0.20, "F51": 0.12, "A01": 0.03, "I65": 0.02}
IMPORTERS = 0.35  # of the exporters
ABROAD = (0.15, 0.6)  # share of sales that goes abroad, from and to
COUNTRIES = ("美国", "日本", "韩国", "越南", "德国", "马来西亚", "印度", "澳大利亚", "墨西哥", "阿联酋")
HS_CODES = {"C13": "1905", "C33": "7326", "C35": "8479", "A01": "0709", "I65": "8523"}
RATE = 7.1  # CNY per US dollar
LEVELS = ("高级认证企业", "注册登记和备案企业", "失信企业")


@dataclass(frozen=True, slots=True)
class Declarations:
    """Declarations: company, month, day, whether an import, cents in CNY, and place of the country."""

    company: Ints
    month: Ints
    day: Ints
    imported: Ints
    cents: Ints
    country: Ints


def traders(scene: Scene, ids: Ints) -> Ints:
    """The companies of a block that trade abroad."""
    share = np.array([EXPORTERS.get(i.code, 0.0) for i in INDUSTRIES])[scene.region.industry[ids]]
    firm = ~scene.region.self_employed[ids]
    return ids[firm & (uniform(scene.region.seed, ids, 1111) < share * np.exp(0.4 * scene.region.size[ids]))]


def declarations(scene: Scene, ids: Ints) -> Declarations:
    """All declarations of a block, by company and day."""
    region = scene.region
    rng = scene.stream(Stream.CUSTOMS, ids)
    who = traders(scene, ids)
    low, high = ABROAD
    share = low + (high - low) * uniform(region.seed, who, 1112)
    rows = who - ids[0]
    parts = [_side(scene, who, rng, share[:, None] * books_of(scene, ids).sold[rows], imported=0)]
    buys = uniform(region.seed, who, 1113) < IMPORTERS
    value = 0.4 * (share * buys)[:, None] * books_of(scene, ids).bought[rows]
    parts.append(_side(scene, who, rng, value, imported=1))
    company, month, day, side, cents = (np.concatenate([part[i] for part in parts]) for i in range(5))
    country = (uniform(region.seed, company, 1114) * 7 + 3 * rng.random(len(company)) ** 3).astype(np.int64)
    order = np.lexsort((side, day, company))
    every = (company, month, day, side, cents, country)
    return Declarations(*(column[order] for column in every))


def _side(
    scene: Scene, who: Ints, rng: np.random.Generator, value: Floats, *, imported: int
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Company, month, day, side and cents; the value of a month is split evenly over its declarations."""
    first_day = scene.region.calendar.first_day
    positive = np.where(scene.lives(who), np.maximum(value, 0), 0)
    count = np.where(positive > 0, 1 + rng.poisson(0.8, value.shape), 0)
    row, month = np.nonzero(count)
    times = count[row, month]
    each = np.rint(positive[row, month] / times)
    row, month, each = np.repeat(row, times), np.repeat(month, times), np.repeat(each, times)
    length = np.diff(first_day)[month]
    day = first_day[month] + (rng.random(len(row)) * length).astype(np.int64)
    cents = np.maximum(100, np.rint(each * np.exp(0.3 * rng.standard_normal(len(row)) - 0.045))).astype(
        np.int64
    )
    return who[row], month, day, np.full(len(row), imported), cents


def customs_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Declarations and ratings of a block."""
    rows = declarations(scene, ids)
    known = np.minimum(rows.day + 2, scene.region.calendar.end)
    code = tuple(HS_CODES.get(i.code, "9403") + "000000" for i in INDUSTRIES)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(rows.company),
            "报关单号": codes("BG", rows.company * 10_000 + np.arange(len(rows.company)) % 10_000, 12),
            "进出口": choice(("出口", "进口"), rows.imported),
            "申报日期": dates(rows.day),
            "商品编码": choice(code, scene.region.industry[rows.company]),
            "目的国": choice(COUNTRIES, rows.country),
            "统计美元值": pl.Series(np.rint(rows.cents / RATE).astype(np.int64)).cast(pl.String),
            "统计人民币值": money(rows.cents),
            "获知日期": dates(known),
        }
    )
    return {"customs_declaration": table, "customs_rating": _ratings(scene, ids)}


def _ratings(scene: Scene, ids: Ints) -> pl.DataFrame:
    """Every trader is rated at the start; the rare dishonest one again when governance is at its worst."""
    calendar, who = scene.region.calendar, traders(scene, ids)
    start = int(calendar.first_day[0])
    day = np.maximum(scene.region.established[who] + 60, start - 200)
    level = np.where((uniform(scene.region.seed, who, 1115) < 0.06) & (scene.region.size[who] > 0.5), 0, 1)  # noqa: PLR2004 - few are certified
    worst = scene.fate.governance[who].argmin(axis=1) if len(who) else who
    bad = scene.fate.governance[who].min(axis=1, initial=0) < -2.4  # noqa: PLR2004 - one in a hundred
    company = np.concatenate([who, who[bad]])
    rated = np.concatenate([day, calendar.first_day[worst[bad] + 1] - 1])
    rank = np.concatenate([level, np.full(int(bad.sum()), 2)])
    order = np.lexsort((rated, company))
    company, rated, rank = company[order], rated[order], rank[order]
    known = np.maximum(rated + 3, start)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "等级": choice(LEVELS, rank),
            "认定日期": dates(rated),
            "获知日期": dates(known),
        }
    )
    keep = (known <= calendar.end) & (rated < scene.fate.ended_day[company])
    return table.filter(pl.Series(keep))
