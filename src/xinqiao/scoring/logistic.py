"""Ridge logistic regression with lower-bounded coefficients, by Newton steps and NNLS.

Minimises sum_i w_i logloss(y_i, a + x_i b) + 1/2 sum_j k (b_j - m_j)^2 subject to b >= lower; where
the intercept has a prior, its squared distance joins. Each step solves its quadratic model exactly: the
intercept is eliminated by a Schur complement and the rest is non-negative least squares on the Cholesky
factor (Lawson and Hanson, 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import expit

from xinqiao.scoring.codes import Codes, Floats, histograms, joint_terms, sums

MAX_STEPS = 100
TOLERANCE = 1e-9
MAX_PASSES = 4
CLOSE = 1e-3
"""Passes over all rows stop when no coefficient (of standardised columns) moves more."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Intercept and coefficients of log odds of the event."""

    intercept: float
    coefficients: Floats

    def log_odds(self, x: Floats) -> Floats:
        """Log odds, shape (rows,)."""
        out: Floats = x @ self.coefficients + self.intercept
        return out


@dataclass(frozen=True, slots=True)
class Penalty:
    """Ridge strength ``k`` (> 0), prior ``mean`` and ``lower`` bound of the coefficients.

    ``mean`` is one number or one a coefficient. ``level`` draws the intercept too: (strength, mean).
    """

    k: float
    mean: float | Floats = 0.0
    lower: float = 0.0
    level: tuple[float, float] = (0.0, 0.0)


def log_loss_sum(y: Floats, log_odds: Floats, weight: Floats | None = None) -> float:
    """Sum of log losses, in nats."""
    loss = np.logaddexp(0.0, log_odds) - y * log_odds
    return float(loss.sum() if weight is None else loss @ weight)


def fit_logistic(
    x: Floats, y: Floats, penalty: Penalty, weight: Floats | None = None, start: Fit | None = None
) -> Fit:
    """Fit; ``x`` (rows, columns), ``y`` (rows,) in {0, 1} or shares between, both classes present."""
    w = np.ones(len(y)) if weight is None else weight
    now = start or _null(x, y, w, penalty)
    if x.shape[1] == 0:  # scipy's nnls corrupts memory on an empty matrix
        return now
    loss = _objective(now, x, y, w, penalty)
    for _ in range(MAX_STEPS):
        goal = _newton(now, x, y, w, penalty)
        step, new, new_loss = 1.0, goal, _objective(goal, x, y, w, penalty)
        while new_loss > loss and step > TOLERANCE:
            step /= 2
            new = _between(now, goal, step)
            new_loss = _objective(new, x, y, w, penalty)
        if new_loss >= loss:
            break
        gain, now, loss = loss - new_loss, new, new_loss
        if gain < TOLERANCE * (1 + abs(loss)) * 1e-3:
            break
    return now


def _null(x: Floats, y: Floats, w: Floats, penalty: Penalty) -> Fit:
    rate = float(y @ w / w.sum())
    return Fit(float(np.log(rate / (1 - rate))), np.full(x.shape[1], max(penalty.lower, 0.0)))


def _objective(fit: Fit, x: Floats, y: Floats, w: Floats, penalty: Penalty) -> float:
    ridge = float(((fit.coefficients - penalty.mean) ** 2).sum())
    level, centre = penalty.level
    ridge = penalty.k * ridge + level * (fit.intercept - centre) ** 2
    return log_loss_sum(y, fit.log_odds(x), w) + ridge / 2


@dataclass(frozen=True, slots=True)
class _Local:
    """Derivatives of the loss at one fit: by intercept, coefficients, and of second order."""

    g0: float
    g: Floats
    h0: float
    cross: Floats
    inner: Floats


def _newton(fit: Fit, x: Floats, y: Floats, w: Floats, penalty: Penalty) -> Fit:
    """The minimiser of the local quadratic model within the bounds."""
    return _solved(fit, _local(fit, x, y, w), penalty)


def _local(fit: Fit, x: Floats, y: Floats, w: Floats) -> _Local:
    p = expit(fit.log_odds(x))
    h = np.maximum(w * p * (1 - p), 1e-10)
    residual = w * (p - y)
    return _Local(float(residual.sum()), x.T @ residual, float(h.sum()), x.T @ h, (x.T * h) @ x)


def _solved(fit: Fit, at: _Local, penalty: Penalty) -> Fit:
    level, centre = penalty.level
    g0, h0 = at.g0 + level * (fit.intercept - centre), at.h0 + level
    g = at.g + penalty.k * (fit.coefficients - penalty.mean)
    hessian = at.inner + penalty.k * np.eye(len(g)) - np.outer(at.cross, at.cross) / h0
    lower = cholesky(hessian, lower=True)
    target = lower.T @ (fit.coefficients - penalty.lower)
    target -= solve_triangular(lower, g - at.cross * (g0 / h0), lower=True)
    solution, _ = nnls(lower.T, target)
    coefficients = np.asarray(solution, dtype=np.float64) + penalty.lower
    change = float(at.cross @ (coefficients - fit.coefficients))
    return Fit(fit.intercept - (g0 + change) / h0, coefficients)


def fit_logistic_codes(
    tables: Sequence[Floats], codes: Sequence[Codes], y: Floats, penalty: Penalty, rows: NDArray[np.intp]
) -> Fit:
    """The same fit for many rows, column j of which holds ``tables[j][codes[j]]``; codes (rows,) each.

    Starts from the fit of the sample ``rows``, counted as if it were all, and goes on by steps whose
    first derivatives come from all rows and whose second derivatives from the sample.
    """
    x = np.column_stack([table[c[rows]] for table, c in zip(tables, codes, strict=True)])
    w = np.full(len(rows), len(y) / len(rows))
    now = fit_logistic(x, y[rows], penalty, w)
    sampled = _local(now, x, y[rows], w)
    zero = joint_terms([np.zeros(len(table)) for table in tables])
    for _ in range(MAX_PASSES):
        odds = np.full(len(y), now.intercept)
        worth = [b * table for b, table in zip(now.coefficients, tables, strict=True)]
        sums(joint_terms(worth), codes, odds)
        residual = expit(odds) - y
        (margins,) = histograms(zero, codes, [residual])
        g = np.array([m @ table for m, table in zip(margins, tables, strict=True)])
        new = _solved(now, replace(sampled, g0=float(residual.sum()), g=g), penalty)
        moved, now = float(np.abs(new.coefficients - now.coefficients).max(initial=0.0)), new
        if moved < CLOSE:
            break
    return now


def _between(a: Fit, b: Fit, step: float) -> Fit:
    intercept = a.intercept + step * (b.intercept - a.intercept)
    return Fit(intercept, a.coefficients + step * (b.coefficients - a.coefficients))
