"""The card by bin-dummy ridge: every bin of every variable has a coefficient, all fitted together.

The coefficients of ranges are steps from one bin to the next, in log odds of bad. A ridge on the steps
draws neighbours together (a random walk as prior), so many bins cost little; a stated direction is a
bound on their sign. Other bins (categories, specials, missing) stand beside the average range.

Rows enter only through codes: gradient and Hessian are counts by code and by pair of codes, so a fit
needs no matrix of dummies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import lsq_linear
from scipy.special import expit

from xinqiao.scoring.binning import Specials
from xinqiao.scoring.card import Scale, Variable
from xinqiao.scoring.codes import Codes
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.fine import Terms, fine_variables, write_card
from xinqiao.scoring.fitter import CardClassifier
from xinqiao.scoring.logistic import log_loss_sum
from xinqiao.scoring.validation import OutOfFold, Splits, folds_of

MAX_STEPS = 50
TOLERANCE = 1e-7  # of the objective, relative
TUNING_ROWS = 30_000
MOST_COEFFICIENTS, FEWEST_BINS = 600, 4  # of ranges together, so that wide tables end in time


class Design:
    """Coefficients of a set of variables: what each says in each bin, its bound and its penalty.

    ``basis[v]`` (bins, coefficients) turns variable v's coefficients into log odds by bin; the first
    "variable" is the intercept, of one bin. ``ridge`` and ``lower`` are by coefficient.
    """

    def __init__(self, variables: Sequence[Variable], codes: Sequence[Codes]) -> None:
        self.variables = tuple(variables)
        self.codes = [np.zeros(len(codes[0]), dtype=np.uint8), *codes]
        self.basis, ridge, lower = [np.ones((1, 1))], [np.full(1, 1e-8)], [np.full(1, -np.inf)]
        for variable, code in zip(variables, codes, strict=True):
            share = np.bincount(code, minlength=len(variable.bins)) / len(code)
            steps = len(variable.edges) if variable.kind == "numeric" else 0
            self.basis.append(_basis(variable, steps, share))
            ridge.append(np.r_[np.full(steps, max(steps, 1) / 4), np.ones(self.basis[-1].shape[1] - steps)])
            bound = np.full(self.basis[-1].shape[1], -np.inf)
            bound[:steps] = 0.0 if variable.sign else -np.inf
            lower.append(bound)
        self.ridge, self.lower = np.concatenate(ridge), np.concatenate(lower)
        self.all = block_diag(*self.basis)
        self.starts = np.cumsum([0, *(len(b) for b in self.basis)])

    def take(self, rows: NDArray[np.intp]) -> list[Codes]:
        """Codes of ``rows``, one array per variable, the intercept's first."""
        return [c[rows] for c in self.codes]

    def tables(self, coefficients: Floats) -> list[Floats]:
        """Log odds by bin, one array per variable, the intercept's first."""
        flat = self.all @ coefficients
        return [flat[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    def log_odds(self, coefficients: Floats, codes: Sequence[Codes]) -> Floats:
        """Log odds of rows, shape (rows,)."""
        out = np.zeros(len(codes[0]))
        for table, code in zip(self.tables(coefficients), codes, strict=True):
            out += table[code]
        return out

    def gradient(self, codes: Sequence[Codes], residual: Floats) -> Floats:
        """Sums of ``residual`` (rows,) by coefficient."""
        counts = [np.bincount(c, residual, len(b)) for c, b in zip(codes, self.basis, strict=True)]
        out: Floats = self.all.T @ np.concatenate(counts)
        return out

    def hessian(self, codes: Sequence[Codes], weight: Floats) -> Floats:
        """Sums of ``weight`` (rows,) by pair of coefficients."""
        total = np.zeros((self.starts[-1], self.starts[-1]))
        sizes = [len(b) for b in self.basis]
        for i, left in enumerate(codes):
            wide = left.astype(np.intp)
            for j in range(i, len(codes)):
                cells = np.bincount(wide * sizes[j] + codes[j], weight, sizes[i] * sizes[j])
                block = cells.reshape(sizes[i], sizes[j])
                total[self.starts[i] : self.starts[i + 1], self.starts[j] : self.starts[j + 1]] = block
                total[self.starts[j] : self.starts[j + 1], self.starts[i] : self.starts[i + 1]] = block.T
        out: Floats = self.all.T @ total @ self.all
        return out


def _basis(variable: Variable, steps: int, share: Floats) -> Floats:
    """Log odds by bin of each coefficient; a bin no row fell in says nothing."""
    bins, ranges = len(variable.bins), steps + 1 if variable.kind == "numeric" else 0
    direction = -1.0 if variable.sign == 1 else 1.0
    step = np.zeros((bins, steps))
    step[:ranges] = direction * (np.arange(ranges)[:, None] > np.arange(steps))
    known = share[:ranges].sum()
    if known > 0:
        step[:ranges] -= share[:ranges] @ step[:ranges] / known
    apart = np.eye(bins)[:, ranges:]
    return np.column_stack([step, apart[:, share[ranges:] > 0]])


def fit_ridge(design: Design, codes: Sequence[Codes], bad: Floats, k: float, start: Floats | None) -> Floats:
    """Coefficients that minimise log-loss + k/2 sum ridge b^2 within the bounds, by Newton steps."""
    ridge = k * design.ridge
    now = np.zeros(len(ridge)) if start is None else start

    def objective(b: Floats) -> float:
        return log_loss_sum(bad, design.log_odds(b, codes)) + float(ridge @ b**2) / 2

    loss = objective(now)
    for _ in range(MAX_STEPS):
        p = expit(design.log_odds(now, codes))
        gradient = design.gradient(codes, p - bad) + ridge * now
        hessian = design.hessian(codes, np.maximum(p * (1 - p), 1e-10)) + np.diag(ridge)
        goal, step = _minimum(hessian, hessian @ now - gradient, design.lower), 1.0
        new, new_loss = goal, objective(goal)
        while new_loss > loss and step > TOLERANCE:
            step /= 2
            new = now + step * (goal - now)
            new_loss = objective(new)
        if new_loss >= loss:
            break
        gain, now, loss = loss - new_loss, new, new_loss
        if gain < TOLERANCE * (1 + loss):
            break
    return now


def _minimum(hessian: Floats, right: Floats, lower: Floats) -> Floats:
    """The minimiser of b'Hb/2 - right'b with b >= lower (bounded least squares on the factor of H)."""
    free: Floats = cho_solve(cho_factor(hessian), right)
    if (free >= lower).all():
        return free
    factor = cholesky(hessian)
    target = solve_triangular(factor, right, trans="T")
    bound = lsq_linear(factor, target, bounds=(lower, np.full(len(lower), np.inf)), method="bvls")
    out: Floats = np.maximum(bound.x, lower)
    return out


class BinDummyRidge(CardClassifier):
    """Points card by ridge regression on bins, jointly fitted.

    The number of fine bins (from ``bins``) and the strength of the ridge (from ``penalties``) are those
    with the least out-of-fold log-loss over ``folds`` folds. A text needs ``min_share`` of the rows
    for a bin of its own. Risk follows the stated ``signs`` (+1 higher is better, -1 worse, 0 free).

    Attributes: ``card_``, ``unseen_`` (out-of-fold scores), ``bins_``, ``penalty_``, ``classes_``.
    """

    fitter = "bin-dummy-ridge"

    def __init__(
        self,
        *,
        signs: Mapping[str, int] | None = None,
        specials: Mapping[str, Specials] | None = None,
        bins: Sequence[int] = (8, 20, 50),
        min_share: float = 0.005,
        penalties: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
        folds: int = 5,
        scale: Scale | None = None,
        digits: int = 0,
        random_state: int = 0,
    ) -> None:
        self.signs = signs
        self.specials = specials
        self.bins = bins
        self.min_share = min_share
        self.penalties = penalties
        self.folds = folds
        self.scale = scale
        self.digits = digits
        self.random_state = random_state

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        self._tune(columns, bad)
        design = self._design(columns, self.bins_)
        fitted = fit_ridge(design, design.codes, bad, self.penalty_, None)
        (intercept,), *effects = design.tables(fitted)
        shares = [
            np.bincount(c, minlength=len(b)) / len(bad)
            for c, b in zip(design.codes, design.basis, strict=True)
        ]
        terms = Terms(design.variables, tuple(shares[1:]), tuple(effects), {}, float(intercept))
        card, dropped = write_card(terms, columns, bad, self.scale or Scale(), self.digits)
        noted = self._provenance(dropped, bad, penalty=self.penalty_, bins=self.bins_)
        self.card_ = card.model_copy(update={"provenance": noted})

    def _design(self, columns: Columns, most: int) -> Design:
        variables = fine_variables(columns, self.signs, self.specials, most=most, min_share=self.min_share)
        return Design(variables, [variable_codes(v, columns.column(v.name)) for v in variables])

    def _tune(self, columns: Columns, bad: Floats) -> None:
        """Choose bins and penalty on at most ``TUNING_ROWS`` rows; without folds the most careful."""
        if len(bad) > TUNING_ROWS:
            rows = np.random.default_rng(self.random_state).permutation(len(bad))[:TUNING_ROWS]
            columns, bad = columns.take(np.sort(rows)), bad[np.sort(rows)]
        splits = folds_of(bad, self.folds, 1, self.random_state)
        self.bins_, self.penalty_ = min(self.bins), max(map(float, self.penalties))
        self.unseen_ = OutOfFold(np.full((1, len(bad)), np.log(bad.mean() / (1 - bad.mean()))), bad)
        best = np.inf
        room = max(FEWEST_BINS, MOST_COEFFICIENTS // len(columns.names))
        for most in sorted({min(most, room) for most in self.bins}) if splits else ():
            design = self._design(columns, most)
            path = self._path(design, bad, splits)
            for penalty, scores in path.items():
                loss = log_loss_sum(bad, scores)
                if loss < best:
                    best, self.bins_, self.penalty_ = loss, most, penalty
                    self.unseen_ = OutOfFold(scores[None, :], bad)

    def _path(self, design: Design, bad: Floats, splits: Splits) -> dict[float, Floats]:
        """Out-of-fold log odds (rows,) of every penalty."""
        penalties = sorted(map(float, self.penalties), reverse=True)
        out = {k: np.empty(len(bad)) for k in penalties}
        for train, test in splits:
            seen, unseen, fitted = design.take(train), design.take(test), None
            for k in penalties:
                fitted = fit_ridge(design, seen, bad[train], k, fitted)
                out[k][test] = design.log_odds(fitted, unseen)
        return out
