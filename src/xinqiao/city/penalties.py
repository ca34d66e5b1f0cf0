"""Administrative penalties with their repair, licences, the public credit grade and lists."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Ints, Stream
from xinqiao.city.events import by_company, dated, last_day, state, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money, only

KINDS = ("警告", "罚款", "没收", "责令停产停业", "吊销许可证", "其他")
KIND_SHARES = (0.25, 0.62, 0.04, 0.03, 0.01, 0.05)
FINE, CONFISCATION, SUSPENSION, REVOKED = 1, 2, 3, 4
DOMAINS = ("综合", "安全生产", "消防", "食品", "质量", "环境", "税务")
GRAVITIES = ("轻微", "一般", "严重")
SHOWN_DAYS = ((30, 90), (90, 365), (365, 1095))  # from a decision to the end of its showing, by gravity
REPAIRED = 0.5
LICENCES = ("食品经营", "危险化学品", "烟草专卖", "建筑业企业资质", "医疗器械", "道路运输", "其他")
LICENCE_OF = {"C13": 0, "H62": 0, "F52": 0, "E50": 3, "G54": 5, "F51": 6, "C33": 6, "C35": 6, "L72": 6}
LICENSED = {"C13": 0.9, "H62": 0.95, "F52": 0.5, "E50": 0.8, "G54": 0.9, "F51": 0.15}
RENEWED = 0.9
GRADES = ("优", "良", "中", "差")
GRADE_EDGES = np.array([-1.3, -0.3, 0.9])  # of the standing: poor, fair, good, excellent


def penalty_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Penalties, licences, grades and lists of a block of companies, by contract."""
    rng = scene.stream(Stream.PENALTIES, ids)
    return {
        "penalty": _penalties(scene, ids, rng),
        "licence": _licences(scene, ids, rng),
        "public_credit": _grades(scene, ids, rng),
        "credit_list": _lists(scene, ids, rng),
    }


def _domain_shares() -> np.typing.NDArray[np.float64]:
    """Shares of the domains by industry; shape (industries, domains)."""
    table = np.full((len(INDUSTRIES), len(DOMAINS)), 0.05)
    table[:, 0], table[:, 6] = 0.45, 0.2
    for row, industry in enumerate(INDUSTRIES):
        if industry.code in {"C13", "H62", "F52"}:
            table[row, 3:5] = 0.45, 0.15
        if industry.code in {"C33", "C35", "E50", "G54"}:
            table[row, 1:3] = 0.3, 0.15
        if industry.code in {"C33", "C13"}:
            table[row, 5] = 0.25
    out: np.typing.NDArray[np.float64] = table.cumsum(axis=1) / table.sum(axis=1, keepdims=True)
    return out


def _penalties(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    size = scene.region.size[ids]
    company, day = dated(
        scene,
        ids,
        rng,
        base=-5.0 + 0.3 * size,
        governance=-0.5,
        liquidity=-0.1,
        after_default=0.7,
        history=24,
    )
    n = len(company)
    kind = rng.choice(len(KINDS), n, p=KIND_SHARES)
    shares = _domain_shares()[scene.region.industry[company]]
    domain = (rng.random(n)[:, None] > shares).sum(axis=1)
    gravity = np.where(kind >= SUSPENSION, 2, rng.choice(3, n, p=(0.4, 0.52, 0.08)))
    gravity = np.where(kind == len(KINDS) - 1, 0, gravity)
    cents = np.exp(rng.normal(8.2 + 1.2 * gravity, 1.0)).astype(np.int64) // 100 * 10_000
    fined = (kind == FINE) | (kind == CONFISCATION)
    low, high = np.array(SHOWN_DAYS)[gravity].T
    shown = day + high
    repaired = np.where(
        rng.random(n) < REPAIRED, day + low + (rng.random(n) * (high - low)).astype(np.int64), NEVER
    )
    repaired = np.where(repaired <= last_day(scene, company), repaired, NEVER)
    return versions(
        {
            "企业代号": company_codes(company),
            "决定书号": "示罚" + codes("", ids[0] * 1000 + np.arange(n), 10),
            "处罚种类": choice(KINDS, kind),
            "领域": choice(DOMAINS, domain),
            "情节": only(rng.random(n) < 0.97, choice(GRAVITIES, gravity)),  # noqa: PLR2004 - a few don't say
            "罚没金额": only(fined, money(cents)),
            "决定日期": dates(day),
            "公示截止": dates(shown),
        },
        {"修复日期": dates(repaired)},
        day + 1 + rng.integers(0, 8, n),
        np.where(repaired < NEVER, repaired + 3, NEVER),
        scene.region.calendar.end,
    )


def _licences(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Five-year licences; most are renewed a month before they end."""
    region = scene.region
    code = [INDUSTRIES[i].code for i in region.industry[ids]]
    has = rng.random(len(ids)) < np.array([LICENSED.get(c, 0.03) for c in code])
    company = ids[has]
    kind = np.array([LICENCE_OF.get(c, 6) for c in code], dtype=np.int64)[has]
    first = np.maximum(
        region.established[company] + 20, region.calendar.first_day[0] - rng.integers(0, 1700, len(company))
    )
    until = first + 5 * 365
    renew = (rng.random(len(company)) < RENEWED) & (until - 30 <= last_day(scene, company))
    index = np.concatenate([np.arange(len(company)), np.flatnonzero(renew)])
    again = np.arange(len(index)) >= len(company)
    known = np.where(again, until[index] - 30, first[index] + 7)
    index, again_, known = by_company(index, again.astype(np.int64), known)
    end = np.where(again_ == 1, until[index] + 5 * 365, until[index])
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company[index]),
            "许可证号": "示许" + codes("", company[index] + 1, 8),
            "许可类别": choice(LICENCES, kind[index]),
            "有效期起": dates(first[index]),
            "有效期止": dates(end),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= region.calendar.end))


def _grades(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """The city's monthly grade: governance and some liquidity, seen with noise that lasts."""
    calendar = scene.region.calendar
    lasting = rng.standard_normal((len(ids), 1))
    noise = 0.8 * lasting + 0.35 * rng.standard_normal((len(ids), calendar.months))
    standing = 0.55 * state(scene, ids, governance=1.0) + state(scene, ids, liquidity=0.15) + noise
    grade = 3 - np.searchsorted(GRADE_EDGES, standing.ravel()).reshape(standing.shape)
    row, month = np.nonzero(scene.lives(ids) & (rng.random(standing.shape) < 0.985))  # noqa: PLR2004 - some months are lost
    first_day = calendar.first_day
    known = first_day[month + 1] + 9
    table = pl.DataFrame(
        {
            "企业代号": company_codes(ids[row]),
            "月份": dates(first_day[month]),
            "等级": choice(GRADES, grade[row, month]),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= calendar.end))


def _lists(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    company, day = dated(scene, ids, rng, base=-9.6, governance=-1.0, after_default=2.0)
    removed = np.where(rng.random(len(day)) < 0.3, day + rng.integers(300, 1000, len(day)), NEVER)  # noqa: PLR2004 - three in ten
    known = scene.schemes
    mine = (known.confirmed >= ids[0]) & (known.confirmed <= ids[-1])
    name = np.repeat([0, 1], [len(day), int(mine.sum())])
    company = np.concatenate([company, known.confirmed[mine]])
    day = np.concatenate([day, known.confirmed_day[mine]])
    removed = np.concatenate([removed, np.full(int(mine.sum()), NEVER)])
    company, day, name, removed = by_company(company, day, name, removed)
    return versions(
        {
            "企业代号": company_codes(company),
            "名单": choice(("严重失信主体名单", "确认欺诈"), name),
            "列入日期": dates(day),
        },
        {"移出日期": dates(removed)},
        day + 2,
        np.where(removed < NEVER, removed + 2, NEVER),
        scene.region.calendar.end,
    )
