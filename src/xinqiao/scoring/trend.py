"""The trend of risk over a column's ranks, towards which bins of small samples are drawn.

Few companies make bad rates of bins jump; a straight line on the logit scale over ranks does not.
Each company's outcome is mixed with the line's rate at its rank, as if ``weight`` companies that lie
on the line had been added. With many companies the line no longer matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

RIDGE = 0.1  # on the slope per whole range of ranks; keeps a perfectly separating column finite
STEPS = 50
TOLERANCE = 1e-10
LARGEST_STEP = 4.0


def trend_rates(rows: Sequence[float], bads: Sequence[float], sign: int) -> list[float]:
    """Bad rate of each fine bin by logistic regression on its middle rank.

    ``rows`` and ``bads`` count the fine bins in ascending order of value. With ``sign`` +1 (-1) the
    rates fall (rise) or, when the data run the other way, are all the same.
    """
    total, bad = sum(rows), sum(bads)
    rate = bad / total
    if rate in {0.0, 1.0} or len(rows) == 1:
        return [rate] * len(rows)
    ranks, before = [], 0.0
    for n in rows:
        ranks.append((before + n / 2) / total - 0.5)
        before += n
    intercept, slope = _line(ranks, rows, bads, math.log(rate / (1 - rate)))
    if slope * sign > 0:
        return [rate] * len(rows)
    return [_logistic(intercept + slope * r) for r in ranks]


def _line(
    ranks: Sequence[float], rows: Sequence[float], bads: Sequence[float], start: float
) -> tuple[float, float]:
    """Intercept and slope of the log odds, by Newton steps."""
    a, b = start, 0.0
    for _ in range(STEPS):
        g0, g1, h00, h01, h11 = 0.0, RIDGE * b, 0.0, 0.0, RIDGE
        for r, n, bad in zip(ranks, rows, bads, strict=True):
            p = _logistic(a + b * r)
            residual, spread = n * p - bad, n * max(p * (1 - p), 1e-9)
            g0, g1 = g0 + residual, g1 + residual * r
            h00, h01, h11 = h00 + spread, h01 + spread * r, h11 + spread * r * r
        determinant = h00 * h11 - h01 * h01
        da, db = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        damp = max(1.0, abs(da) / LARGEST_STEP, abs(db) / LARGEST_STEP)
        a, b = a - da / damp, b - db / damp
        if abs(da) + abs(db) < TOLERANCE:
            break
    return a, b


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))
