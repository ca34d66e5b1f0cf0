"""Ridge logistic regression with lower-bounded coefficients, by Newton steps and NNLS.

Minimises sum_i w_i logloss(y_i, a + x_i b) + 1/2 sum_j k (b_j - m_j)^2 subject to b >= lower. Each
step solves its quadratic model exactly: the intercept is eliminated by a Schur complement and the
rest is non-negative least squares on the Cholesky factor (Lawson and Hanson, 1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import expit

from xinqiao.scoring.columns import Floats

MAX_STEPS = 100
TOLERANCE = 1e-9


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
    """Ridge strength ``k`` (> 0), prior ``mean`` and ``lower`` bound, each the same for all coefficients."""

    k: float
    mean: float = 0.0
    lower: float = 0.0


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
    return log_loss_sum(y, fit.log_odds(x), w) + penalty.k * ridge / 2


def _newton(fit: Fit, x: Floats, y: Floats, w: Floats, penalty: Penalty) -> Fit:
    """The minimiser of the local quadratic model within the bounds."""
    p = expit(fit.log_odds(x))
    h = np.maximum(w * p * (1 - p), 1e-10)
    residual = w * (p - y)
    g0, h0 = float(residual.sum()), float(h.sum())
    cross = x.T @ h
    g = x.T @ residual + penalty.k * (fit.coefficients - penalty.mean)
    hessian = (x.T * h) @ x + penalty.k * np.eye(x.shape[1]) - np.outer(cross, cross) / h0
    lower = cholesky(hessian, lower=True)
    target = lower.T @ (fit.coefficients - penalty.lower)
    target -= solve_triangular(lower, g - cross * (g0 / h0), lower=True)
    solution, _ = nnls(lower.T, target)
    coefficients = np.asarray(solution, dtype=np.float64) + penalty.lower
    change = float(cross @ (coefficients - fit.coefficients))
    return Fit(fit.intercept - (g0 + change) / h0, coefficients)


def _between(a: Fit, b: Fit, step: float) -> Fit:
    intercept = a.intercept + step * (b.intercept - a.intercept)
    return Fit(intercept, a.coefficients + step * (b.coefficients - a.coefficients))
