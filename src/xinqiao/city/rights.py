"""Patents, marks and software, their inventors and pledges, and certificates of innovative firms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Floats, Ints, Stream, mix
from xinqiao.city.events import by_company, last_day, month_of, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, only

KINDS = ("发明", "实用新型", "外观设计", "商标", "软件著作权")
INVENTION, UTILITY, DESIGN, MARK, SOFTWARE = range(5)
SHARES = {  # mean number of rights of a middling firm, and their kinds
    "I65": (6.0, (0.10, 0.05, 0.02, 0.15, 0.68)),
    "C35": (5.0, (0.15, 0.50, 0.10, 0.15, 0.10)),
    "C33": (2.5, (0.12, 0.52, 0.14, 0.20, 0.02)),
    "C13": (2.0, (0.06, 0.18, 0.16, 0.58, 0.02)),
}
OTHERS = (0.5, (0.03, 0.12, 0.05, 0.70, 0.10))
OWN, BOUGHT_FIRM, INSURED = 0.92, 0.04, 0.8
WAITS = np.array([700, 240, 200, 300, 60])  # days from application to grant, by kind
CERTIFICATES = ("高新技术企业", "科技型中小企业", "专精特新中小企业", "专精特新小巨人")
YEARS = (3, 1, 3, 3)


@dataclass(frozen=True, slots=True)
class _Rights:
    """Rights applied for: company, kind, day and number, by company."""

    company: Ints
    kind: Ints
    applied: Ints
    number: Ints


def rights_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Rights, inventors, pledges and certificates of a block of companies, by contract."""
    rng = scene.stream(Stream.RIGHTS, ids)
    merit, company, kind, applied = _applications(scene, ids, rng)
    rights = _Rights(company, kind, applied, ids[0] * 10_000 + np.arange(len(company)))
    return {
        "ip_right": _right_rows(scene, rights, rng),
        "ip_inventor": _inventors(scene, rights, rng),
        "ip_pledge": _pledges(scene, rights, rng),
        "qualification": _certificates(scene, ids, merit, rng),
    }


def _applications(scene: Scene, ids: Ints, rng: np.random.Generator) -> tuple[Floats, Ints, Ints, Ints]:
    """How innovative each firm is, then company, kind and day of every application; by company."""
    region = scene.region
    profile = [SHARES.get(INDUSTRIES[i].code, OTHERS) for i in region.industry[ids]]
    merit = rng.standard_normal(len(ids))
    mean = np.array([p[0] for p in profile]) * np.exp(0.9 * merit + 0.5 * region.size[ids] - 0.5)
    count = np.where(region.self_employed[ids], 0, rng.poisson(np.minimum(mean, 120)))
    row = np.repeat(np.arange(len(ids)), count)
    shares = np.array([p[1] for p in profile]).cumsum(axis=1)
    kind = np.minimum((rng.random(len(row))[:, None] > shares[row]).sum(axis=1), SOFTWARE)
    span = np.minimum(region.calendar.end - region.established[ids[row]], 4000)
    applied = region.calendar.end - (span * rng.random(len(row))).astype(np.int64)
    alive = applied <= last_day(scene, ids[row])
    company, kind, applied = by_company(ids[row[alive]], kind[alive], applied[alive])
    return merit, company, kind, applied


def _right_rows(scene: Scene, rights: _Rights, rng: np.random.Generator) -> pl.DataFrame:
    """Most are granted; fees stop being paid when money is short."""
    company, kind, applied, number = rights.company, rights.kind, rights.applied, rights.number
    n, end = len(company), scene.region.calendar.end
    wait = (WAITS[kind] * rng.uniform(0.6, 1.6, n)).astype(np.int64)
    granted = np.where(rng.random(n) < np.where(kind == INVENTION, 0.65, 0.9), applied + wait, NEVER)
    liquid = scene.fate.liquidity[company, month_of(scene, granted)]
    lapses = (rng.random(n) < 0.18 * np.exp(-0.4 * liquid)) & (kind < MARK) & (granted < NEVER)
    lapsed = np.where(lapses, granted + 365 * rng.integers(1, 6, n), NEVER)
    bought = np.isin(company, np.unique(company)[rng.random(len(np.unique(company))) < BOUGHT_FIRM])
    own = rng.random(n) < np.where(bought, 0.2, OWN)
    fixed = {
        "企业代号": company_codes(company),
        "申请号": codes("示知", number, 11),
        "类型": choice(KINDS, kind),
        "申请日": dates(applied),
        "原始申请人为本企业": choice(("否", "是"), own.astype(int)),
    }
    first = versions(
        fixed, {"授权日": dates(granted)}, applied + 30, np.where(granted < NEVER, granted + 7, NEVER), end
    )
    ended = lapsed <= end
    last = pl.DataFrame(
        {**fixed, "授权日": dates(granted), "失效日": dates(lapsed), "获知日期": dates(lapsed + 30)}
    )
    last = last.filter(pl.Series(ended & (lapsed + 30 <= end)))
    blank = pl.lit(None, dtype=pl.String).alias("失效日")
    both = pl.concat([first.with_columns(blank).select(last.columns), last])
    return both.sort("企业代号", "申请号", "获知日期", maintain_order=True)


def _inventors(scene: Scene, rights: _Rights, rng: np.random.Generator) -> pl.DataFrame:
    """One to three inventors of each patent, from the firm's own staff for the most part."""
    company, kind, applied, number = rights.company, rights.kind, rights.applied, rights.number
    patent = np.flatnonzero(kind <= DESIGN)
    many = rng.integers(1, 4, len(patent))
    row = np.repeat(patent, many)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    person = mix(scene.region.seed, company[row], (nth + number[row]) % 6, 71)
    insured = rng.random(len(row)) < INSURED
    known = applied[row] + 30
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company[row]),
            "申请号": codes("示知", number[row], 11),
            "发明人": hashes(person),
            "在本企业参保": only(rng.random(len(row)) < 0.9, choice(("否", "是"), insured.astype(int))),  # noqa: PLR2004 - one in ten unanswered
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= scene.region.calendar.end)).unique(
        ["企业代号", "申请号", "发明人"], keep="first", maintain_order=True
    )


def _pledges(scene: Scene, rights: _Rights, rng: np.random.Generator) -> pl.DataFrame:
    company, kind, applied, number = rights.company, rights.kind, rights.applied, rights.number
    chosen = np.flatnonzero((kind <= UTILITY) & (rng.random(len(company)) < 0.03))  # noqa: PLR2004 - three in a hundred
    n = len(chosen)
    day = np.maximum(applied[chosen] + 900, scene.region.calendar.first_day[0] + rng.integers(-300, 900, n))
    day = np.where(day <= last_day(scene, company[chosen]), day, NEVER)
    released = np.where(rng.random(n) < 0.6, np.minimum(day + rng.integers(300, 1000, n), NEVER), NEVER)  # noqa: PLR2004 - three in five
    return versions(
        {
            "企业代号": company_codes(company[chosen]),
            "登记号": codes("示质", number[chosen], 11),
            "申请号": codes("示知", number[chosen], 11),
            "登记日期": dates(day),
        },
        {"解除日期": dates(released)},
        day + 5,
        np.where(released < NEVER, released + 5, NEVER),
        scene.region.calendar.end,
    )


def _certificates(scene: Scene, ids: Ints, merit: Floats, rng: np.random.Generator) -> pl.DataFrame:
    """Certificates for innovative firms of some size; they run out and are mostly taken again."""
    region = scene.region
    bent = np.array([INDUSTRIES[i].code in SHARES for i in region.industry[ids]])
    parts = []
    for kind, edge in enumerate((1.2, 0.6, 1.8, 2.8)):
        level = merit + 0.5 * region.size[ids] + 0.4 * bent + 0.6 * rng.standard_normal(len(ids))
        firms = ids[(level > edge) & ~region.self_employed[ids] & bent]
        first = np.maximum(
            region.established[firms] + 700, region.calendar.first_day[0] - rng.integers(0, 900, len(firms))
        )
        for turn in range(3 if YEARS[kind] > 1 else 5):
            day = first + turn * YEARS[kind] * 365
            again = (rng.random(len(firms)) < 0.8**turn) & (
                day + 20 <= last_day(scene, firms)
            )  # chance of another turn
            parts.append(
                (firms[again], day[again], np.full(int(again.sum()), kind), np.full(int(again.sum()), turn))
            )
    company, day, kind_, turn_ = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(4)))
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "证书号": "示证" + codes("", kind_ * 10**8 + company * 10 + turn_, 10),
            "资质": choice(CERTIFICATES, kind_),
            "有效期起": dates(day),
            "有效期止": dates(day + 365 * np.array(YEARS)[kind_]),
            "获知日期": dates(day + 20),
        }
    )
