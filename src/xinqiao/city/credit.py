"""Credit: the loan account every company has here, its outcome, and all accounts month by month.

A default is the first day of arrears that were never made good, so days past due count from it and
nothing a lender sees before that day tells of it; earlier, short delays follow liquidity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic
from xinqiao.city.hazard import FIRST_MONTH, NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, money

LENDERS = 5
WAIT_DAYS = 180  # between establishment and the loan
RATED_D = 0.8  # share of defaulted companies the staff rated D
RATINGS = ("A", "B", "C", "D")
OTHER_LINES = 0.6  # mean number of accounts with other lenders
MOST_LINES = 5
TERMS = (6, 12, 12, 24, 36)
CLASSES = ("正常", "关注", "次级", "可疑", "损失")
WORSE_AFTER = (0, 90, 180, 270)  # days past due, to the next class
DELAY = (-4.0, -1.3)  # logit of a short delay in a month: base and liquidity
STEP = 1_000_000  # sums are whole 10,000 CNY


@dataclass(frozen=True, slots=True)
class Lines:
    """Credit accounts: company, place among its accounts (0: the one with an outcome), lender and days."""

    company: Ints
    place: Ints
    lender: Ints
    opened: Ints
    closed: Ints
    granted: Ints
    term: Ints


def credit_lines(scene: Scene, ids: Ints) -> Lines:
    """All accounts of a block, by company and place.

    The first is opened before the first month in which a default can happen; more of the others
    are sought where liquidity is short.
    """
    region, fate, rng = scene.region, scene.fate, scene.stream(Stream.CREDIT_LINES, ids)
    n, calendar = len(ids), region.calendar
    latest = int(calendar.first_day[FIRST_MONTH]) - 1
    drawn = int(calendar.first_day[0]) + rng.integers(-720, 330, n)
    opened = np.minimum(np.maximum(drawn, region.established[ids] + WAIT_DAYS), latest)
    others = np.minimum(rng.poisson(OTHER_LINES, n), MOST_LINES - 1)
    company, place = np.repeat(ids, 1 + others), _places(1 + others)
    m = len(company)
    # of some months drawn, the one with the least liquidity
    months = rng.integers(0, calendar.months, (m, 2))
    month = months[np.arange(m), fate.liquidity[company[:, None], months].argmin(axis=1)]
    later = calendar.first_day[month] + rng.integers(0, 28, m)
    first = place == 0
    begins = np.where(first, opened[company - ids[0]], later)
    term = np.array(TERMS)[rng.integers(0, len(TERMS), m)]
    ends = begins + (term * 30.44).astype(np.int64)
    sums = np.rint(np.exp(rng.normal(12.6 + 0.55 * region.size[company], 0.5)) / 10_000)
    granted = np.clip(np.where(first, sums, sums / 2), 1, 1_000).astype(np.int64) * STEP
    lender = np.where(first, rng.integers(0, LENDERS, m), LENDERS + rng.integers(0, 2 * LENDERS, m))
    never = first | (ends >= fate.default_day[company]) | (ends > calendar.end)
    stands = begins >= region.established[company] + 30  # nobody lends before, nor after a default
    stands &= (begins < fate.default_day[company]) & (begins <= calendar.end)
    keep = np.flatnonzero(first | stands)
    every = (company, place, lender, begins, np.where(never, NEVER, ends), granted, term)
    return Lines(*(column[keep] for column in every))


def _places(count: Ints) -> Ints:
    return np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)


def credit_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Accounts with outcome, and accounts by month, of a block."""
    lines = credit_lines(scene, ids)
    return {"credit": _accounts(scene, ids, lines), "credit_month": _months(scene, ids, lines)}


def _accounts(scene: Scene, ids: Ints, lines: Lines) -> pl.DataFrame:
    """One row per company. The staff who rated it knew the outcome, as in the real set."""
    fate, rng = scene.fate, scene.stream(Stream.CREDIT, ids)
    n, first = len(ids), lines.place == 0
    defaulted = fate.default_day[ids] < NEVER
    used = np.where(defaulted, rng.uniform(0.5, 1.0, n), rng.beta(2.0, 2.5, n))
    latent = fate.operations[ids].mean(axis=1) + fate.liquidity[ids].mean(axis=1)
    merit = 0.6 * latent + 0.8 * scene.region.size[ids] + rng.standard_normal(n)
    good = 2 - np.searchsorted([-0.5, 1.0], merit)
    end = np.full(n, scene.region.calendar.end)
    return pl.DataFrame(
        {
            "企业代号": company_codes(ids),
            "账户编号": codes("ZH", ids + 1, 8),
            "贷款机构": codes("B", 1 + lines.lender[first], 2),
            "开户日期": dates(lines.opened[first]),
            "观察日": dates(end),
            "授信额度": money(lines.granted[first]),
            "余额": money((lines.granted[first] * used).astype(np.int64)),
            "是否违约": choice(("否", "是"), defaulted.astype(int)),
            "违约日期": dates(fate.default_day[ids]),
            "人工评级": choice(RATINGS, np.where(defaulted & (rng.random(n) < RATED_D), 3, good)),
            "获知日期": dates(end),
        }
    )


def _months(scene: Scene, ids: Ints, lines: Lines) -> pl.DataFrame:
    """One row an account and month from its opening on, known some days into the next month."""
    calendar, rng = scene.region.calendar, scene.stream(Stream.CREDIT_MONTHS, ids)
    last_day = calendar.first_day[1:] - 1
    row, month = np.nonzero((lines.opened[:, None] <= last_day) & (last_day < lines.closed[:, None]))
    company = lines.company[row]
    late, days = past_due(scene, company, month, rng)
    liquidity = scene.fate.liquidity[company, month].astype(np.float64)
    used = logistic(0.4 - 0.45 * liquidity + 0.7 * rng.standard_normal(len(row)))
    owed = _owed(lines.granted[row] * used, scene, company, month)
    known = calendar.first_day[month + 1] + 9
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "账户编号": _numbers(lines, row),
            "贷款机构": codes("B", 1 + lines.lender[row], 2),
            "月份": dates(calendar.first_day[month]),
            "开户日期": dates(lines.opened[row]),
            "期限": pl.Series(lines.term[row]).cast(pl.String),
            "授信额度": money(lines.granted[row]),
            "余额": money(owed),
            "逾期天数": pl.Series(days).cast(pl.String),
            "欠息": choice(("否", "是"), (late & (rng.random(len(row)) < 0.6)).astype(np.int64)),  # noqa: PLR2004 - most of the late owe interest
            "五级分类": choice(CLASSES, np.searchsorted(WORSE_AFTER, days)),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= calendar.end))


def _owed(balance: Floats, scene: Scene, company: Ints, month: Ints) -> Ints:
    """After a default the balance stands as it was about then: nothing is drawn any more."""
    after = month > scene.fate.default_month[company]
    out: Ints = np.rint(np.where(after, np.maximum(balance, STEP), balance)).astype(np.int64)
    return out


def _numbers(lines: Lines, row: Ints) -> pl.Series:
    """ZH and the company's number for the first account, ZX for those with other lenders."""
    own = codes("ZH", lines.company[row] + 1, 8)
    other = codes("ZX", lines.company[row] * 10 + lines.place[row], 9)
    return own.zip_with(pl.Series(lines.place[row] == 0), other)


def past_due(scene: Scene, company: Ints, month: Ints, rng: np.random.Generator) -> tuple[Flags, Ints]:
    """Whether late at the end of the month, and the days: short before a default, without end after it."""
    fate, last_day = scene.fate, scene.region.calendar.first_day[month + 1] - 1
    liquidity = fate.liquidity[company, month].astype(np.float64)
    delayed = rng.random(len(month)) < logistic(DELAY[0] + DELAY[1] * liquidity)
    short = 1 + np.minimum(28, rng.exponential(6.0 * np.exp(-0.3 * liquidity))).astype(np.int64)
    since = np.where(last_day >= fate.default_day[company], last_day - fate.default_day[company] + 1, 0)
    days = np.where(since > 0, since, np.where(delayed, short, 0))
    return days > 0, days
