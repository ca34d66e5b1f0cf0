"""Lawsuits, enforcement and the courts' lists.

Firms differ widely in how often they stand before a court; ill liquidity and governance bring more
cases, a default many. A seller whose customer in the region does not pay sues it: such a case is
delivered for both. Judged cases that stay unpaid are enforced, and what can't be enforced is listed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from scipy.special import ndtri

from xinqiao.city.draw import Floats, Ints, Stream, mix, uniform
from xinqiao.city.events import by_company, defaulted, last_day, month_of, occasions, state, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money, only

HISTORY = 24  # months before the period whose cases are known
ROLES = ("原告", "被告", "第三人")
PLAINTIFF, DEFENDANT, THIRD = range(3)
CAUSES = (
    "买卖合同纠纷",
    "金融借款合同纠纷",
    "小额借款合同纠纷",
    "民间借贷纠纷",
    "劳动争议",
    "侵权责任纠纷",
    "物权纠纷",
    "其他",
)
CONTRACT, BANK_LOAN, SMALL_LOAN = range(3)
CAUSE_SHARES = (0.52, 0.03, 0.01, 0.06, 0.20, 0.07, 0.04, 0.07)
CAUSE_SHARES_FAILED = (0.42, 0.18, 0.07, 0.12, 0.15, 0.02, 0.01, 0.03)
RESULTS = ("胜诉", "败诉", "部分支持", "调解", "撤诉")
WON, LOST, PARTLY, SETTLED = range(4)
RESULT_SHARES = {  # by role; of the judged cases
    PLAINTIFF: (0.62, 0.12, 0.12, 0.08, 0.06),
    DEFENDANT: (0.10, 0.68, 0.12, 0.06, 0.04),
    THIRD: (0.3, 0.3, 0.2, 0.1, 0.1),
}
SPREAD = 2.4  # standard deviation of the log of a firm's own rate of cases
BASE = {PLAINTIFF: -7.75, DEFENDANT: -6.1, THIRD: -9.3}
UNPAID = -8.0
SELF_EMPLOYED = -1.2
JUDGED = 0.9
ENFORCED, LIMITED, DISHONEST, BANKRUPT = 0.45, 0.5, 0.3, 0.06


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases as columns of one length; ``other`` is a company of the region on the other side, or -1."""

    company: Ints
    filed: Ints
    role: Ints
    cause: Ints
    other: Ints
    cents: Ints
    judged: Ints
    result: Ints
    number: Ints

    def take(self, index: Ints) -> Cases:
        """The rows at ``index``."""
        return Cases(*(getattr(self, f.name)[index] for f in fields(self)))


def court_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Cases begun by or against the companies of a block, and what followed, by contract."""
    rng = scene.stream(Stream.COURTS, ids)
    cases = _cases(scene, ids, rng)
    enforced, unpaid = _enforcement(scene, cases, rng)
    return {
        "court_case": _case_rows(scene, cases),
        "court_enforcement": enforced,
        "court_list": _lists(scene, ids, unpaid, rng),
    }


def temper(scene: Scene, company: Ints) -> Floats:
    """How often a firm stands before a court, as a standard normal; the same in every block."""
    out: Floats = ndtri(np.clip(uniform(scene.region.seed, company, 61), 1e-6, 1 - 1e-6))
    return out


def _rate(scene: Scene, ids: Ints, base: float) -> Floats:
    """Expected cases by month; shape (len(ids), HISTORY + months)."""
    region = scene.region
    fixed = base + SPREAD * temper(scene, ids) + 0.5 * region.size[ids]
    fixed = fixed + SELF_EMPLOYED * region.self_employed[ids]
    moved = state(scene, ids, liquidity=-0.30, governance=-0.22, history=HISTORY)
    out: Floats = np.exp(fixed[:, None] + moved + 1.5 * defaulted(scene, ids, HISTORY))
    return np.minimum(out, 3.0)


def _cases(scene: Scene, ids: Ints, rng: np.random.Generator) -> Cases:
    parts = []
    for side in (PLAINTIFF, DEFENDANT, THIRD):
        company, day = occasions(scene, ids, rng, _rate(scene, ids, BASE[side]), HISTORY)
        parts.append((company, day, np.full(len(company), side), np.full(len(company), -1)))
    parts.append(_unpaid_sellers(scene, ids, rng))
    company, filed, role, other = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(4)))
    n = len(company)
    failed = (role == DEFENDANT) & (scene.fate.default_day[company] < filed)
    cause = np.where(failed, rng.choice(8, n, p=CAUSE_SHARES_FAILED), rng.choice(8, n, p=CAUSE_SHARES))
    cause = np.where(other >= 0, CONTRACT, cause)
    cause = np.where((role != DEFENDANT) & (cause <= SMALL_LOAN), CONTRACT, cause)
    result = np.zeros(n, dtype=np.int64)
    for which, shares in RESULT_SHARES.items():
        result = np.where(role == which, rng.choice(len(RESULTS), n, p=shares), result)
    judged = np.where(rng.random(n) < JUDGED, filed + 30 + rng.gamma(2.0, 60.0, n).astype(np.int64), NEVER)
    cents = np.exp(rng.normal(11.3 + 0.5 * scene.region.size[company], 1.2)).astype(np.int64) * 100
    number = (mix(scene.region.seed, company, filed, np.arange(n), 62) % np.uint64(10**9)).astype(np.int64)
    return Cases(company, filed, role, cause, other, cents, judged, result, number)


def _unpaid_sellers(scene: Scene, ids: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Sellers of the block sue customers in the region that do not pay, more so after their default."""
    seller, place = np.nonzero(scene.network.buyer[ids] >= 0)
    buyer = scene.network.buyer[ids[seller], place]
    level = UNPAID + 0.6 * temper(scene, buyer)[:, None] + state(scene, buyer, liquidity=-0.6)
    chance = np.minimum(0.5, np.exp(level + 1.8 * defaulted(scene, buyer)))
    chance *= scene.lives(ids[seller]) & scene.lives(buyer)
    pair, month = np.nonzero(rng.random(chance.shape) < chance)
    first_day = scene.region.calendar.first_day
    day = first_day[month] + (rng.random(len(month)) * np.diff(first_day)[month]).astype(np.int64)
    role = np.full(len(pair), PLAINTIFF)
    return ids[seller[pair]], day, role, buyer[pair]


def _mirrored(cases: Cases) -> Cases:
    """Every case, and beside it the row of the defendant in the region."""
    inside = np.flatnonzero(cases.other >= 0)
    order = np.argsort(np.concatenate([np.arange(len(cases.company)), inside]), kind="stable")
    both = cases.take(np.concatenate([np.arange(len(cases.company)), inside])[order])
    mirror = order >= len(cases.company)
    turned = np.array([LOST, WON, PARTLY, SETTLED, SETTLED + 1])[both.result]
    return Cases(
        np.where(mirror, both.other, both.company),
        both.filed,
        np.where(mirror, DEFENDANT, both.role),
        both.cause,
        np.where(mirror, both.company, both.other),
        both.cents,
        both.judged,
        np.where(mirror, turned, both.result),
        both.number,
    )


def _case_rows(scene: Scene, cases: Cases) -> pl.DataFrame:
    rows = _mirrored(cases)
    lag = (mix(scene.region.seed, rows.number, 63) % np.uint64(12)).astype(np.int64)
    silent = uniform(scene.region.seed, rows.number, 64) < 0.08  # noqa: PLR2004 - sums not published
    told = rows.judged < NEVER
    return versions(
        {
            "企业代号": company_codes(rows.company),
            "案号": _numbers(rows.filed, rows.number, "民初"),
            "地位": choice(ROLES, rows.role),
            "案由": choice(CAUSES, rows.cause),
            "立案日期": dates(rows.filed),
            "标的额": only(~silent, money(rows.cents)),
        },
        {"裁判日期": dates(rows.judged), "结果": choice(RESULTS, rows.result)},
        rows.filed + 1 + lag,
        np.where(told, rows.judged + 5 + lag, NEVER),
        scene.region.calendar.end,
    )


def _numbers(day: Ints, number: Ints, word: str) -> pl.Series:
    """Case numbers in their usual form; the court's code 99 does not exist."""
    year = pl.Series(day.astype(np.int32)).cast(pl.Date).dt.year().cast(pl.String)
    return "（" + year + "）示99" + word + codes("", number, 9) + "号"


@dataclass(frozen=True, slots=True)
class _Unpaid:
    """Enforcement that found nothing: company and the day it was broken off."""

    company: Ints
    day: Ints


def _enforcement(scene: Scene, cases: Cases, rng: np.random.Generator) -> tuple[pl.DataFrame, _Unpaid]:
    """Lost cases that stay unpaid: paid later, or broken off when there is nothing to take."""
    rows = _mirrored(cases)
    lost = np.flatnonzero(
        (rows.role == DEFENDANT) & np.isin(rows.result, (LOST, PARTLY)) & (rows.judged < NEVER)
    )
    filed = rows.judged[lost] + 15 + rng.gamma(2.0, 30.0, len(lost)).astype(np.int64)
    liquid = scene.fate.liquidity[rows.company[lost], month_of(scene, filed)]
    failed = scene.fate.default_day[rows.company[lost]] < filed
    chance = np.clip(ENFORCED * np.exp(-0.35 * liquid) * np.where(failed, 1.8, 1.0), 0.0, 0.95)
    keep = (rng.random(len(lost)) < chance) & (filed <= last_day(scene, rows.company[lost]))
    lost, filed, liquid, failed = lost[keep], filed[keep], liquid[keep], failed[keep]
    company, cents = rows.company[lost], rows.cents[lost]
    broken = rng.random(len(lost)) < np.clip(0.25 * np.exp(-0.5 * liquid) + 0.5 * failed, 0.0, 0.95)
    closed = filed + 40 + rng.gamma(2.0, 60.0, len(lost)).astype(np.int64)
    unpaid = np.where(broken, (cents * rng.uniform(0.4, 1.0, len(lost))).astype(np.int64) // 100 * 100, 0)
    table = versions(
        {
            "企业代号": company_codes(company),
            "执行案号": _numbers(filed, rows.number[lost], "执"),
            "立案日期": dates(filed),
            "执行标的": money(cents),
        },
        {
            "未履行额": money(unpaid),
            "终结本次执行日期": dates(np.where(broken, closed, NEVER)),
            "结案日期": dates(np.where(broken, NEVER, closed)),
        },
        filed + 3,
        closed + 3,
        scene.region.calendar.end,
    )
    return table, _Unpaid(company[broken], closed[broken])


LISTS = ("失信被执行人", "限制高消费", "破产")
SUBJECTS = ("企业", "法定代表人", "实际控制人")


def _lists(scene: Scene, ids: Ints, unpaid: _Unpaid, rng: np.random.Generator) -> pl.DataFrame:
    """Entries after enforcement was broken off, for firm and representative, and bankruptcies."""
    n = len(unpaid.company)
    parts = []
    for which, share, whom, lag in ((1, LIMITED, 0, 0), (1, 0.7 * LIMITED, 1, 0), (0, DISHONEST, 0, 30)):
        mine = rng.random(n) < share
        day = unpaid.day[mine] + lag + rng.integers(1, 60, int(mine.sum()))
        parts.append((unpaid.company[mine], day, np.full(len(day), which), np.full(len(day), whom)))
    failed = ids[(scene.fate.default_day[ids] < NEVER) & (rng.random(len(ids)) < BANKRUPT)]
    opened = scene.fate.default_day[failed] + rng.integers(60, 300, len(failed))
    parts.append((failed, opened, np.full(len(failed), 2), np.zeros(len(failed), dtype=np.int64)))
    company, listed, name, subject = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(4)))
    listed = np.where(listed <= last_day(scene, company), listed, NEVER)
    lasts = np.where((rng.random(len(listed)) < 0.45) & (name < 2), rng.integers(90, 730, len(listed)), NEVER)  # noqa: PLR2004 - bankruptcies and most others stay
    removed = np.minimum(listed + lasts, NEVER)
    order = np.arange(len(listed))
    return versions(
        {
            "企业代号": company_codes(company),
            "文书号": "（示）99单"
            + codes("", mix(scene.region.seed, company, listed, order).astype(np.int64) % 10**9, 9),
            "名单": choice(LISTS, name),
            "对象": choice(SUBJECTS, subject),
            "列入日期": dates(listed),
        },
        {"移出日期": dates(removed)},
        listed + 1,
        np.where(removed < NEVER, removed + 1, NEVER),
        scene.region.calendar.end,
    )
