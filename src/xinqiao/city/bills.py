"""Bills: tax, contributions and supplies are paid late where liquidity is short, and told when known."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.draw import Floats, Ints, logistic
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.text import dates, money

LIQUIDITY = -1.1  # effect on the logit of paying late
AFTER_DEFAULT = 2.2
EARLY_DAYS = 9
DAYS_LATE = 14.0  # mean, of average liquidity
NEVER_PAID = -3.4, 3.2  # logit of a late bill staying open: base and what a default adds


def paid_days(
    scene: Scene, company: Ints, month: Ints, due: Ints, *, base: float, rng: np.random.Generator
) -> Ints:
    """The day each bill is paid, NEVER where it stays open.

    ``month`` is the month whose liquidity decides, ``due`` the last day in time, ``base`` the logit
    of paying late at average liquidity.
    """
    liquidity = scene.fate.liquidity[company, month].astype(np.float64)
    defaulted = (month > scene.fate.default_month[company]).astype(np.float64)
    draws = rng.random((4, len(company)))
    late = draws[0] < logistic(base + LIQUIDITY * liquidity + AFTER_DEFAULT * defaulted)
    mean: Floats = DAYS_LATE * np.exp(-0.35 * liquidity + 0.9 * defaulted)
    days = 1 + np.minimum(-mean * np.log1p(-draws[1]), 400).astype(np.int64)
    paid = np.where(late, due + days, due - (EARLY_DAYS * draws[2]).astype(np.int64))
    open_ = late & (draws[3] < logistic(NEVER_PAID[0] - 0.5 * liquidity + NEVER_PAID[1] * defaulted))
    return np.where(open_ | (paid >= scene.fate.ended_day[company]), NEVER, paid)


def told(columns: dict[str, pl.Series], known: Ints, end: int) -> pl.DataFrame:
    """The rows known by ``end``, with the day on which they are."""
    return pl.DataFrame({**columns, "获知日期": dates(known)}).filter(pl.Series(known <= end))


def bill_rows(
    bill: dict[str, pl.Series],
    paid_on: tuple[str, Ints],
    sums: dict[str, Ints],
    due: Ints,
    *,
    wait: int,
    end: int,
) -> pl.DataFrame:
    """Bills as delivered: once where paid in time, else open after the due date and again when paid.

    ``paid_on`` is the heading and the day of payment, ``due`` the last day in time, ``sums`` the cents
    by heading that a paid bill shows and an open one shows as 0, ``wait`` the days until either is known.
    """
    heading, paid = paid_on
    in_time = paid <= due
    nothing = money(np.zeros(len(due), dtype=np.int64))
    settled = {**bill, heading: dates(paid), **{name: money(cents) for name, cents in sums.items()}}
    unsettled = {**bill, heading: dates(np.full(len(due), NEVER)), **dict.fromkeys(sums, nothing)}
    parts = (
        (settled, np.where(in_time, due + wait, NEVER)),
        (unsettled, np.where(in_time, NEVER, due + wait)),
        (settled, np.where(in_time, NEVER, paid + wait)),
    )
    return pl.concat([told(columns, known, end) for columns, known in parts])
