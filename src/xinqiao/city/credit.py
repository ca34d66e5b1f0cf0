"""One loan account per company, observed to the end of the period."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Stream, stream
from xinqiao.city.hazard import FIRST_MONTH, NEVER, Fate
from xinqiao.city.region import Region
from xinqiao.city.text import choice, codes, company_codes, dates, money

LENDERS = 5
WAIT_DAYS = 180  # between establishment and the loan
RATED_D = 0.8  # share of defaulted companies the staff rated D
RATINGS = ("A", "B", "C", "D")


def credit_rows(region: Region, fate: Fate) -> pl.DataFrame:
    """Accounts as the bank delivers them, one row per company.

    Every account is opened before the first month in which a default can happen. The rating by the
    bank's staff was given by people who knew the outcome, as in the real set.
    """
    rng = stream(region.seed, Stream.CREDIT)
    n, calendar = region.companies, region.calendar
    latest = int(calendar.first_day[FIRST_MONTH]) - 1
    drawn = int(calendar.first_day[0]) + rng.integers(-720, 330, n)
    opened = np.minimum(np.maximum(drawn, region.established + WAIT_DAYS), latest)
    granted = np.exp(rng.normal(12.6 + 0.55 * region.size, 0.5)) / 10_000
    granted_cents = np.clip(np.rint(granted), 1, 1_000).astype(np.int64) * 1_000_000
    defaulted = fate.default_day < NEVER
    used = np.where(defaulted, rng.uniform(0.5, 1.0, n), rng.beta(2.0, 2.5, n))
    merit = 0.8 * fate.operations.mean(axis=1) + 0.8 * region.size + rng.standard_normal(n)
    good = 2 - np.searchsorted([-0.5, 1.0], merit)
    end = np.full(n, calendar.end)
    return pl.DataFrame(
        {
            "企业代号": company_codes(np.arange(n)),
            "账户编号": codes("ZH", np.arange(n) + 1, 8),
            "贷款机构": codes("B", 1 + rng.integers(0, LENDERS, n), 2),
            "开户日期": dates(opened),
            "观察日": dates(end),
            "授信额度": money(granted_cents),
            "余额": money((granted_cents * used).astype(np.int64)),
            "是否违约": choice(("否", "是"), defaulted.astype(int)),
            "违约日期": dates(fate.default_day),
            "人工评级": choice(RATINGS, np.where(defaulted & (rng.random(n) < RATED_D), 3, good)),
            "获知日期": dates(end),
        }
    )
