"""Staff: social insurance and housing fund, as the offices that keep them deliver them."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.bills import paid_days
from xinqiao.city.draw import Flags, Floats, Ints, Stream, uniform
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, company_codes, dates, money

MANY = {"C13": 1.5, "C33": 1.4, "C35": 1.5, "E50": 1.3, "H62": 1.4, "G54": 1.1, "I65": 1.5, "L72": 1.1}
FEW = 0.8
WAGE_CENTS = 7_000_00  # average monthly contribution base of the region in the first month
WAGE_GROWTH = 0.05  # a year
FLOOR = 0.6  # of the average base: no contribution below it
INSURANCES = ("养老", "医疗", "失业", "工伤", "生育")
RATES = np.array([0.24, 0.10, 0.01, 0.004, 0.008])  # employer and employee together
NO_INSURANCE_SELF, NO_INSURANCE_FIRM = 0.72, 0.12
ONLY_INJURY = 0.05
LATE = -2.9  # logit of paying late at average liquidity
HOUSING_FUND = 0.42  # share of insured companies
FUND_STATES = ("正常", "缓缴", "降比", "停缴")
FUND_RATES = (0.05, 0.08, 0.10, 0.12)


def headcount(scene: Scene, ids: Ints) -> Ints:
    """People at work by company and month; 0 outside a company's life."""
    region, fate = scene.region, scene.fate
    rng = scene.stream(Stream.STAFF, ids)
    months = np.arange(region.calendar.months)
    base = np.array([MANY.get(i.code, FEW) for i in INDUSTRIES])[region.industry[ids]]
    base = (
        base
        + 0.75 * region.size[ids]
        - 0.6 * region.self_employed[ids]
        + 0.35 * rng.standard_normal(len(ids))
    )
    # staff follows operations slowly: a mean over half a year
    operations = fate.operations[ids].astype(np.float64)
    padded = np.concatenate([np.repeat(operations[:, :1], 5, axis=1), operations], axis=1)
    slow = np.lib.stride_tricks.sliding_window_view(padded, 6, axis=1).mean(axis=2)
    level = base[:, None] + 0.40 * slow + 0.7 * region.trend[ids, None] * months / 12
    level = level - 0.10 * scene.after_default(ids)
    steps = 0.03 * np.cumsum(rng.standard_normal((len(ids), len(months))), axis=1)
    out: Ints = np.maximum(1, np.rint(np.exp(level + steps))).astype(np.int64)
    return np.where(scene.lives(ids), out, 0)


def insured(scene: Scene, ids: Ints) -> Flags:
    """Whether a company pays social insurance at all; shape (len(ids),)."""
    none = np.where(scene.region.self_employed[ids], NO_INSURANCE_SELF, NO_INSURANCE_FIRM)
    out: Flags = (uniform(scene.region.seed, ids, 1061) >= none) & ~scene.schemes.hollow[ids]
    return out


def monthly_wage(scene: Scene, ids: Ints) -> Floats:
    """Contribution base a head in cents, by company and month."""
    own = np.exp(0.22 * (uniform(scene.region.seed, ids, 1062) * 3.4 - 1.7) + 0.06 * scene.region.size[ids])
    years = np.arange(scene.region.calendar.months) // 12
    average = WAGE_CENTS * (1 + WAGE_GROWTH) ** years
    out: Floats = np.round(average * np.maximum(FLOOR, own[:, None]), -3)
    return out


def staff_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Social insurance and housing fund of a block."""
    heads = np.where(insured(scene, ids)[:, None], headcount(scene, ids), 0)
    compliance = 0.55 + 0.45 * uniform(scene.region.seed, ids, 1063)
    people = np.where(heads > 0, np.maximum(1, np.rint(heads * compliance[:, None])), 0).astype(np.int64)
    return {
        "social_insurance": _social(scene, ids, people),
        "housing_fund": _housing(scene, ids, people),
    }


def _social(scene: Scene, ids: Ints, people: Ints) -> pl.DataFrame:
    """One row a company, insurance and month; a late payment gives a second version."""
    rng = scene.stream(Stream.STAFF_PAYMENTS, ids)
    calendar = scene.region.calendar
    first_day = calendar.first_day
    row, month = np.nonzero(people)
    company = ids[row]
    paid = paid_days(scene, company, month, first_day[month + 1] - 1, base=LATE, rng=rng)
    before = np.where(month > 0, people[row, np.maximum(month - 1, 0)], people[row, month])
    change = people[row, month] - before
    turnover = rng.poisson(0.02 * before)
    everything = np.arange(len(INSURANCES))
    injury_only = uniform(scene.region.seed, ids, 1064) < ONLY_INJURY
    held = ~injury_only[row][:, None] | (everything == 3)  # noqa: PLR2004 - the place of the injury insurance
    line, kind = np.nonzero(held)
    count, base = (
        people[row, month][line],
        monthly_wage(scene, ids)[row, month][line] * people[row, month][line],
    )
    due = np.rint(base * RATES[kind]).astype(np.int64)
    known = first_day[month + 1][line] + 9
    settled = paid[line]
    late = settled >= known
    first = np.where(late, 0, due)
    fixed = {
        "企业代号": company_codes(company[line]),
        "险种": choice(INSURANCES, kind),
        "月份": dates(first_day[month][line]),
        "参保人数": pl.Series(count).cast(pl.String),
        "缴费基数": money(base.astype(np.int64)),
        "应缴": money(due),
        "增员": pl.Series((np.maximum(change, 0) + turnover)[line]).cast(pl.String),
        "减员": pl.Series((np.maximum(-change, 0) + turnover)[line]).cast(pl.String),
        "实缴": money(first),
    }
    return _versions(fixed, money(due), known, np.where(late, settled + 9, NEVER), calendar.end)


def _versions(
    fixed: dict[str, pl.Series], full: pl.Series, known: Ints, later: Ints, end: int
) -> pl.DataFrame:
    """The rows, and those settled late once more with all that is due paid."""
    table = pl.DataFrame({**fixed, "获知日期": dates(known)}).filter(pl.Series(known <= end))
    again = pl.DataFrame({**fixed, "实缴": full, "获知日期": dates(later)}).filter(pl.Series(later <= end))
    return pl.concat([table, again])


def _housing(scene: Scene, ids: Ints, people: Ints) -> pl.DataFrame:
    """One row a company and month of those that take part."""
    rng = scene.stream(Stream.HOUSING, ids)
    region, fate = scene.region, scene.fate
    takes_part = uniform(region.seed, ids, 1065) < HOUSING_FUND * np.where(
        region.self_employed[ids], 0.2, 1.0
    )
    row, month = np.nonzero((people > 0) & takes_part[:, None])
    company = ids[row]
    share = 0.6 + 0.4 * uniform(region.seed, company, 1066)
    members = np.maximum(1, np.rint(people[row, month] * share)).astype(np.int64)
    strain = -fate.liquidity[company, month] + 1.5 * (month > fate.default_month[company])
    state = np.searchsorted([2.6, 3.0, 3.4], strain + 0.6 * rng.standard_normal(len(row)))
    rate = np.array(FUND_RATES)[(4 * uniform(region.seed, company, 1067) ** 1.5).astype(np.int64)]
    rate = np.where(state == FUND_STATES.index("降比"), 0.05, rate)
    sums = np.rint(2 * rate * members * monthly_wage(scene, ids)[row, month]).astype(np.int64)
    sums = np.where((state == 1) | (state == len(FUND_STATES) - 1), 0, sums)
    known = region.calendar.first_day[month + 1] + 6
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "月份": dates(region.calendar.first_day[month]),
            "缴存人数": pl.Series(members).cast(pl.String),
            "缴存额": money(sums),
            "缴存比例": pl.Series(rate).cast(pl.String),
            "状态": choice(FUND_STATES, state),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(known <= region.calendar.end))
