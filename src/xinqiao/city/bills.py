"""When bills are paid: tax, contributions and supplies are late where liquidity is short."""

from __future__ import annotations

import numpy as np

from xinqiao.city.draw import Floats, Ints, logistic
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene

LIQUIDITY = -1.25  # effect on the logit of paying late
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


def seen(due: Ints, paid: Ints, wait: int = 3) -> tuple[Ints, Ints]:
    """Days on which a bill and, later, its payment are known: one record where paid in time."""
    in_time = paid <= due
    first = np.where(in_time, paid, due) + wait
    return first, np.where(in_time, NEVER, np.minimum(paid, NEVER - wait) + wait)
