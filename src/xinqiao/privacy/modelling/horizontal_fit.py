"""A scorecard from sums alone: what a bank adds up over its rows, and what is decided from all banks' sums.

Three sums in turn: rows by cell of an agreed grid (from which bins of about as many rows are cut), goods and
bads by bin (from which WOE), and at each Newton step the log loss with its first and second derivatives.
Sums travel as whole numbers of 2^-48, so that adding is exact and its order has no part in the result.
What is decided from them is rounded before it is told: in full, a share's continued fraction is the counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST, ROWS_AT_MOST
from xinqiao.privacy.modelling.horizontal_terms import (
    CELLS_OF_SCORES,
    QUALITY_DIGITS,
    STEP_DIGITS,
    WOE_DIGITS,
    Terms,
)
from xinqiao.scoring.binning import short_cut, unfilled
from xinqiao.scoring.card import Card, Provenance, Scale, Variable
from xinqiao.scoring.columns import Floats

POINT_BITS = 48
CLOSE = 10**-STEP_DIGITS / 2
"""Newton's steps end when no coefficient moves more."""
SMALLEST_STEP = 1e-6


@dataclass(slots=True)
class Rows:
    """A bank's own rows."""

    values: Mapping[str, Floats]
    bad: Floats
    codes: list[NDArray[np.intp]] = field(default_factory=list)
    matrix: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def cells(self, terms: Terms) -> list[int]:
        """Rows by cell of each feature in turn."""
        counts: list[int] = []
        for name in terms.features:
            known = self.values[name][~np.isnan(self.values[name])]
            places = np.searchsorted(terms.inner(name), known, side="right")
            counts += np.bincount(places, minlength=terms.cells).tolist()
        return counts

    def bins(self, edges: Sequence[Floats], terms: Terms) -> list[int]:
        """Goods, then bads, by bin of each feature, missing last; rows are coded on the way."""
        counts: list[int] = []
        for name, cuts in zip(terms.features, edges, strict=True):
            values, missing = self.values[name], len(cuts) + 1
            codes = np.where(np.isnan(values), missing, np.searchsorted(cuts, values, side="right"))
            self.codes.append(codes)
            for bad in (0, 1):
                counts += np.bincount(codes[self.bad == bad], minlength=missing + 1).tolist()
        return counts

    def valued(self, woe: Sequence[Floats]) -> None:
        """Set the matrix: ones, and minus the WOE of each feature, so that more is worse."""
        columns = [-table[codes] for table, codes in zip(woe, self.codes, strict=True)]
        self.matrix = np.column_stack([np.ones(len(self.bad)), *columns])

    def derivatives(self, theta: Floats) -> list[int]:
        """Log loss, its slopes and the upper triangle of its curvature at ``theta``, in 2^-48."""
        odds = self.matrix @ theta
        p = expit(odds)
        loss = float((np.logaddexp(0.0, odds) - self.bad * odds).sum())
        curve = (self.matrix.T * (p * (1 - p))) @ self.matrix
        told = [loss, *(self.matrix.T @ (p - self.bad)), *curve[np.triu_indices(len(theta))]]
        return [round(math.ldexp(float(value), POINT_BITS)) for value in told]

    def scores(self, theta: Floats, span: tuple[float, float]) -> list[int]:
        """Goods, then bads, by cell of the log odds."""
        low, high = span
        share = (self.matrix @ theta - low) / max(high - low, 1e-12)
        places = np.clip((share * CELLS_OF_SCORES).astype(np.intp), 0, CELLS_OF_SCORES - 1)
        counts = [np.bincount(places[self.bad == bad], minlength=CELLS_OF_SCORES) for bad in (0, 1)]
        return [int(n) for n in np.concatenate(counts)]


def rows_of(table: pa.Table, terms: Terms, where: str) -> Rows:
    """Raises UserError PRV-HORIZONTAL-LABEL, PRV-HORIZONTAL-COLUMN, PRV-HORIZONTAL-FEW."""
    values = {name: _numbers(table, name, where) for name in (terms.target, *terms.features)}
    bad = values.pop(terms.target)
    if not np.isin(bad, (0.0, 1.0)).all():
        fail("PRV-HORIZONTAL-LABEL", where, column=terms.target)
    if len(bad) < terms.rows_at_least:
        fail("PRV-HORIZONTAL-FEW", where, rows=len(bad), least=terms.rows_at_least)
    return Rows(values, bad)


def _numbers(table: pa.Table, name: str, where: str) -> Floats:
    column = table.column(name)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or _exact(column.type)):
        fail("PRV-HORIZONTAL-COLUMN", where, column=name, found=str(column.type))
    told: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return told


def _exact(kind: Any) -> bool:  # noqa: ANN401 - an Arrow type
    return bool(pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


def check_counts(sums: Sequence[int]) -> None:
    """Raises UserError PRV-MESSAGE where sums are no counts; whose part was none, the masks hide."""
    if not all(0 <= count <= PARTIES_AT_MOST * ROWS_AT_MOST for count in sums):
        fail("PRV-MESSAGE", "all", detail="counts")


def cut(cells: Sequence[int], terms: Terms) -> Floats:
    """Edges of each feature's bins, one row a feature, NaN where there are fewer. Raises PRV-MESSAGE."""
    check_counts(cells)
    told = np.full((len(terms.features), terms.bins - 1), np.nan)
    for n, name in enumerate(terms.features):
        below = np.cumsum(cells[n * terms.cells : (n + 1) * terms.cells])[:-1]
        inner, total = terms.inner(name), sum(cells[n * terms.cells : (n + 1) * terms.cells])
        wanted = np.arange(1, terms.bins) * total / terms.bins
        places = np.unique(np.searchsorted(below, wanted, side="left"))
        chosen = [p for p in places if p < len(below) and 0 < below[p] < total]
        near = (terms.ranges[name][1] - terms.ranges[name][0]) / terms.cells / 4
        edges = [short_cut(float(inner[p]) - near, float(inner[p]) + near) for p in chosen]
        told[n, : len(edges)] = edges
    return told


def edges_of(told: Floats, terms: Terms) -> list[Floats]:
    """The other way round."""
    rows = told.reshape(len(terms.features), terms.bins - 1)
    return [np.unique(row[~np.isnan(row)]) for row in rows]


def evidence(counts: Sequence[int], edges: Sequence[Floats], terms: Terms) -> Floats:
    """Of all features' bins in turn: WOE = ln((good/all good) / (bad/all bad)); then the bad share.

    All rounded to WOE_DIGITS, the share within (0, 1). Raises UserError PRV-HORIZONTAL-LABEL where all rows
    are good or all are bad, PRV-MESSAGE for counts that can't be.
    """
    check_counts(counts)
    told, at = [], 0
    for cuts in edges:
        size = len(cuts) + 2
        good, bad = (np.array(counts[at + k * size : at + (k + 1) * size], np.float64) for k in (0, 1))
        at += 2 * size
        goods, bads = good.sum(), bad.sum()
        if not goods or not bads:
            fail("PRV-HORIZONTAL-LABEL", "all", column=terms.target)
        share = bads / (goods + bads)
        soft_good, soft_bad = good + terms.smoothing * (1 - share), bad + terms.smoothing * share
        told.append(np.round(np.log(soft_good / goods) - np.log(soft_bad / bads), WOE_DIGITS))
    least = 10.0**-WOE_DIGITS
    return np.array([*np.concatenate(told), np.clip(round(share, WOE_DIGITS), least, 1 - least)])


def woe_of(told: Floats, edges: Sequence[Floats]) -> list[Floats]:
    """WOE by feature."""
    return np.split(told[:-1], np.cumsum([len(cuts) + 2 for cuts in edges])[:-1].tolist())


@dataclass(slots=True)
class Newton:
    """Newton's steps, halved while the objective doesn't fall, from sums at the point that was tried."""

    terms: Terms
    trial: Floats
    best: Floats | None = None
    lowest: float = math.inf
    direction: Floats = field(default_factory=lambda: np.empty(0))
    step: float = 1.0
    taken: int = 0

    def next(self, sums: Sequence[int]) -> Floats:
        """1 and the final coefficients, or 0 and where to look next; to STEP_DIGITS."""
        size = len(self.trial)
        told = np.array([math.ldexp(value, -POINT_BITS) for value in sums])
        loss = told[0] + self.terms.ridge / 2 * float(self.trial[1:] @ self.trial[1:])
        self.taken += 1
        if loss <= self.lowest + 1e-12 * abs(self.lowest):
            self.best, self.lowest, self.step = self.trial, loss, 1.0
            penalty = self.terms.ridge * np.r_[0.0, np.ones(size - 1)]
            curve = np.zeros((size, size))
            curve[np.triu_indices(size)] = told[size + 1 :]
            curve = curve + np.triu(curve, 1).T + np.diag(penalty) + 1e-9 * np.eye(size)
            self.direction = -np.linalg.solve(curve, told[1 : size + 1] + penalty * self.trial)
        else:
            self.step /= 2
        best = self.trial if self.best is None else self.best
        far = self.step * np.abs(self.direction).max()
        if far < CLOSE or self.step < SMALLEST_STEP or self.taken >= self.terms.steps:
            return np.array([1.0, *np.round(best, STEP_DIGITS)])
        self.trial = np.round(best + self.step * self.direction, STEP_DIGITS)
        return np.array([0.0, *self.trial])


def span_of(theta: Floats, woe: Sequence[Floats]) -> tuple[float, float]:
    """Lowest and highest log odds that the model can give."""
    ends = [(b * -table).tolist() for b, table in zip(theta[1:], woe, strict=True)]
    return float(theta[0] + sum(map(min, ends))), float(theta[0] + sum(map(max, ends)))


def quality(counts: Sequence[int]) -> Floats:
    """AUC (ties half) and KS of the scores' cells, to QUALITY_DIGITS."""
    good, bad = np.array(counts, np.float64).reshape(2, -1)
    below_good, below_bad = np.cumsum(good) - good, np.cumsum(bad)
    auc = float((bad * (below_good + good / 2)).sum() / (good.sum() * bad.sum()))
    ks = float(np.abs((below_good + good) / good.sum() - below_bad / bad.sum()).max())
    return np.round([auc, ks], QUALITY_DIGITS)


def card_of(theta: Floats, edges: Sequence[Floats], woe: Sequence[Floats], terms: Terms) -> Card:
    """The points card. It holds no counts: those are the lead's alone."""
    scale = Scale()
    variables: list[Variable] = []
    for b, cuts, table, name in zip(theta[1:], edges, woe, terms.features, strict=True):
        shape = unfilled(name, edges=tuple(cuts.tolist()))
        points = np.round(scale.factor * b * table, terms.digits) + 0.0
        bins = tuple(
            each.model_copy(update={"woe": float(w), "points": float(p)})
            for each, w, p in zip(shape.bins, table, points, strict=True)
        )
        variables.append(shape.model_copy(update={"bins": bins, "coefficient": float(b)}))
    base = round(scale.offset - scale.factor * float(theta[0]), terms.digits)
    origin = Provenance(fitter="horizontal-logistic", target=terms.target, settings={"ridge": terms.ridge})
    return Card(
        scale=scale, digits=terms.digits, base_points=base, variables=tuple(variables), provenance=origin
    )
