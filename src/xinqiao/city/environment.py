"""Environment: yearly grades, permits, penalties, days above the limits, orders to rectify or stop."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Ints, Stream
from xinqiao.city.events import by_company, dated, last_day, month_of, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money, only

LISTED = {"C13": 0.55, "C33": 0.75, "C35": 0.4, "A01": 0.06, "H62": 0.03}  # share that needs a permit
NO_PERMIT = 0.06
GRADES = ("绿", "蓝", "黄", "红", "黑")
GRADE_EDGES = np.array([-2.6, -1.9, -1.0, 0.8])
KINDS = ("处罚", "超标", "限期整改", "停产整治")
PENALTY, EXCEEDANCE, RECTIFY, STOP = range(4)
BASES = (-5.6, -4.9, -5.9, -8.0)


def environment_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Tables of the environment office for a block of companies, by contract."""
    rng = scene.stream(Stream.ENVIRONMENT, ids)
    share = np.array([LISTED.get(INDUSTRIES[i].code, 0.0) for i in scene.region.industry[ids]])
    firms = ids[(rng.random(len(ids)) < share) & ~scene.region.self_employed[ids]]
    return {
        "environment_permit": _permits(scene, firms, rng),
        "environment_rating": _ratings(scene, firms, rng),
        "environment_event": _events(scene, firms, rng),
    }


def _permits(scene: Scene, firms: Ints, rng: np.random.Generator) -> pl.DataFrame:
    calendar = scene.region.calendar
    n = len(firms)
    first = np.maximum(scene.region.established[firms] + 60, calendar.first_day[0] - rng.integers(0, 1300, n))
    has = rng.random(n) >= NO_PERMIT
    known = np.maximum(first + 10, scene.region.established[firms] + 30)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(firms),
            "名录序号": codes("PW", firms + 1, 7),
            "属于名录": choice(("是",), np.zeros(n, dtype=np.int64)),
            "许可证号": only(has, codes("示排", firms + 1, 8)),
            "有效期起": only(has, dates(first)),
            "有效期止": only(has, dates(first + 5 * 365)),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= calendar.end))


def _ratings(scene: Scene, firms: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Grades of the year before, published each June; four firms in five are graded."""
    calendar = scene.region.calendar
    lasting = rng.standard_normal(len(firms))
    parts = []
    for year in range(calendar.start.year - 2, calendar.day(calendar.months - 1).year):
        rated = int(np.datetime64(f"{year + 1}-06-05", "D").astype(np.int64))
        month = month_of(scene, np.full(len(firms), rated - 180))
        standing = (
            0.6 * scene.fate.governance[firms, month] + 0.7 * lasting + 0.4 * rng.standard_normal(len(firms))
        )
        grade = len(GRADES) - 1 - np.searchsorted(GRADE_EDGES, standing)
        keep = (scene.region.established[firms] < rated - 300) & (rated + 5 <= last_day(scene, firms))
        keep &= rng.random(len(firms)) < 0.8  # noqa: PLR2004 - four in five are graded
        size = int(keep.sum())
        parts.append((firms[keep], np.full(size, year), np.full(size, rated), grade[keep]))
    company, year_, day, grade = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(4)))
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "评价年度": pl.Series(year_).cast(pl.String),
            "等级": choice(GRADES, grade),
            "评价日期": dates(day),
            "获知日期": dates(day + 5),
        }
    )


def _events(scene: Scene, firms: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Penalties are repaired, orders end; exceedances come in runs of days."""
    parts = []
    for which, base in enumerate(BASES):
        company, day = dated(scene, firms, rng, base=base, governance=-0.6, after_default=0.3, history=12)
        if which == EXCEEDANCE:
            run = rng.geometric(0.4, len(company))
            company = np.repeat(company, run)
            day = np.repeat(day, run) + np.arange(len(company)) - np.repeat(np.cumsum(run) - run, run)
        parts.append((company, day, np.full(len(company), which)))
    company, day, kind = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(3)))
    alive = day <= last_day(scene, company)
    company, day, kind = company[alive], day[alive], kind[alive]
    n = len(company)
    fine = np.exp(rng.normal(10.5, 0.8, n)).astype(np.int64) // 100 * 10_000
    closes = np.where(rng.random(n) < 0.8, day + rng.integers(20, 200, n), NEVER)  # noqa: PLR2004 - four in five orders end
    ended = np.where(kind >= RECTIFY, closes, NEVER)
    repaired = np.where(kind == PENALTY, closes, NEVER)
    changed = np.minimum(ended, repaired)
    return versions(
        {
            "企业代号": company_codes(company),
            "编号": "示环" + codes("", (firms[0] if len(firms) else 0) * 1000 + np.arange(n), 10),
            "类别": choice(KINDS, kind),
            "日期": dates(day),
            "罚款": only(kind == PENALTY, money(fine)),
        },
        {"结束日期": dates(ended), "修复日期": dates(repaired)},
        day + 3,
        np.where(changed < NEVER, changed + 3, NEVER),
        scene.region.calendar.end,
    )
