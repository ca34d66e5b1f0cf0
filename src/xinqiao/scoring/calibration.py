"""From points to probability of default (PD): strictly falling in points, by sample size.

Below 1,000 companies: Platt scaling with a prior, logit PD = a + b s, where s is the log odds
(bad:good) the card's scale claims and b has a Gaussian prior at 1 (trust the scale); its weight
fades as data grow. From 1,000: beta calibration (Kull et al., 2017), logit PD = a + b ln p - c ln(1-p).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from xinqiao.scoring.card import Frozen
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.logistic import Fit, Penalty, fit_logistic

BETA_FROM_ROWS = 1_000
LEAST_SLOPE = 0.02
DIGITS = 9
Method = Literal["platt", "beta"]


def _softplus(x: float) -> float:
    """ln(1 + e^x) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


class Calibration(Frozen):
    """logit PD = ``intercept`` + ``low`` ln p - ``high`` ln(1-p), p the probability the scale claims.

    Platt scaling is the case ``low`` = ``high``. Both are >= 0.02, so PD falls strictly in points.
    """

    method: Method = "platt"
    intercept: float = 0.0
    low: float = 1.0
    high: float = 1.0
    rows: int = 0
    bads: int = 0

    def pd(self, log_odds: float) -> float:
        """PD of a company whose card claims ``log_odds`` (bad:good)."""
        logit = self.intercept - self.low * _softplus(-log_odds) + self.high * _softplus(log_odds)
        return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0  # noqa: PLR2004 - exp overflows beyond


def choose_method(rows: int) -> Method:
    """Platt with a prior for small samples, beta calibration from 1,000 companies."""
    return "beta" if rows >= BETA_FROM_ROWS else "platt"


def fit_calibration(
    log_odds: Floats, bad: Floats, method: Method | None = None, prior_sd: float = 0.5
) -> Calibration:
    """Fit on out-of-fold log odds; ``log_odds`` has shape (repeats, rows) or (rows,), ``bad`` (rows,).

    Repeats of one company share its weight. ``prior_sd`` is the prior's standard deviation of the
    slopes around 1. Targets are Platt's, (n+1)/(n+2) and 1/(n+2), so certainty is never learned.
    """
    scores = np.atleast_2d(log_odds)
    chosen = method or choose_method(len(bad))
    flat, y = scores.ravel(), np.tile(_platt_targets(bad), len(scores))
    weight = np.full(len(flat), 1 / len(scores))
    low, high = -np.logaddexp(0.0, -flat), np.logaddexp(0.0, flat)  # ln p and -ln(1-p)
    x = (low + high)[:, None] if chosen == "platt" else np.column_stack([low, high])
    fit = fit_logistic(x, y, Penalty(k=prior_sd**-2, mean=1.0, lower=LEAST_SLOPE), weight=weight)
    return _calibration(chosen, fit, bad)


def _platt_targets(bad: Floats) -> Floats:
    bads, goods = bad.sum(), len(bad) - bad.sum()
    out: Floats = np.where(bad > 0, (bads + 1) / (bads + 2), 1 / (goods + 2))
    return out


def _calibration(method: Method, fit: Fit, bad: Floats) -> Calibration:
    slopes = [round(c, DIGITS) for c in fit.coefficients.tolist()]
    return Calibration(
        method=method,
        intercept=round(fit.intercept, DIGITS),
        low=slopes[0],
        high=slopes[-1],
        rows=len(bad),
        bads=int(bad.sum()),
    )
