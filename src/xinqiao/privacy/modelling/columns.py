"""A party's own columns as a joint model reads them: cut into bins, then turned so that fitting is quick.

Bins are quantiles and words, cut without a look at any outcome, for only one party has it. Their
indicators are centred and turned into uncorrelated columns (a party's own whitening): what is left to
joint steps is how the parties' columns go together, so few steps are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.scoring.binning import prebins, unfilled
from xinqiao.scoring.card import Card, Scale, Variable
from xinqiao.scoring.columns import Floats, Texts, read_columns
from xinqiao.scoring.compiled import variable_codes

SHRINK = 0.002
"""Ridge on the turned columns, for a row: how far a party's part is drawn to 0 as a whole."""
TO_ZERO, TO_LINE = 1.0, 50.0
"""Ridge as a sum over all rows: on each bin's value, and on how neighbouring ranges leave a straight line."""
ROWS_OF_A_BIN = 5
"""Bins of fewer rows get the variable's average: else points tell a holder its few subjects' outcomes."""
LEAST_SHARE = 1e-3
"""Turned columns of which the ridge would leave less than this share are left out."""
POINT_DIGITS = 2
CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Block:
    """A party's columns: ``codes`` (rows,) of each variable's bins and ``matrix`` (rows, width) as fitted.

    ``turn`` (all bins, width): a bin's value in log odds is its row times the coefficients.
    """

    variables: tuple[Variable, ...]
    codes: tuple[NDArray[np.uint8], ...]
    matrix: Floats
    turn: Floats

    def card(self, coefficients: Floats, base: float | None = None) -> Card:
        """The card of ``coefficients`` (width,) of log odds of bad; ``base``: the intercept, where known."""
        scale, values, start, kept = Scale(), self.turn @ coefficients, 0, []
        for variable, codes in zip(self.variables, self.codes, strict=True):
            size = len(variable.bins)
            count = np.bincount(codes, minlength=size)
            own = values[start : start + size]
            points = np.round(-scale.factor * (own - count @ own / count.sum()), POINT_DIGITS) + 0.0
            start += size
            told = zip(variable.bins, count.tolist(), points.tolist(), strict=True)
            bins = tuple(b.model_copy(update={"count": n, "points": p}) for b, n, p in told)
            kept.append(variable.model_copy(update={"bins": bins}))
        points_at_base = 0.0 if base is None else round(scale.offset - scale.factor * base, POINT_DIGITS)
        return Card(scale=scale, digits=POINT_DIGITS, base_points=points_at_base, variables=tuple(kept))


def block(table: pa.Table, names: Sequence[str], bins: int) -> Block:
    """The columns ``names`` of ``table``, cut into at most ``bins`` bins each (words: twice as many).

    Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
    """
    variables, codes = [], []
    for name in names:
        columns = read_columns(table.select([name]))
        values = columns.coded(name)
        variable = _shape(name, values, bins)
        variables.append(variable)
        codes.append(np.asarray(variable_codes(variable, columns.column(name)), np.uint8))
    matrix, turn = _turned(codes, variables, table.num_rows)
    return Block(tuple(variables), tuple(codes), matrix, turn)


def _shape(name: str, values: Floats | Texts, bins: int) -> Variable:
    if not isinstance(values, Texts):
        return unfilled(name, edges=prebins(name, values, sign=0, specials=(), most=bins).cuts)
    count = np.bincount(values.codes[values.codes >= 0], minlength=len(values.words))
    often = sorted(zip((-count).tolist(), values.words, strict=True))[: 2 * bins]
    return unfilled(name, categories=tuple((word,) for _, word in often))


def _turned(
    codes: Sequence[NDArray[np.uint8]], variables: Sequence[Variable], rows: int
) -> tuple[Floats, Floats]:
    """The columns that are uncorrelated once the ridge is counted in, and how bins' values come back."""
    if not codes:
        return np.empty((rows, 0)), np.empty((0, 0))
    sizes = [len(variable.bins) for variable in variables]
    mean, second = _moments(codes, sizes, rows)
    covariance = second - np.outer(mean, mean)
    held = _held(np.rint(mean * rows), sizes)
    covariance, ridge = held.T @ covariance @ held, held.T @ _ridge(variables) @ held
    lower = np.linalg.cholesky(covariance + ridge / (SHRINK * rows))
    inverse = np.linalg.inv(lower)
    share, axes = np.linalg.eigh(inverse @ covariance @ inverse.T)
    turn = held @ inverse.T @ axes[:, share > LEAST_SHARE]
    matrix = np.tile(-mean @ turn, (rows, 1))
    for own, start in zip(codes, np.cumsum([0, *sizes[:-1]]), strict=True):
        matrix += turn[start + own.astype(np.intp)]
    return matrix, turn


def _held(counts: Floats, sizes: Sequence[int]) -> Floats:
    """(all bins, bins of enough rows): every bin's value from theirs, the average for a bin of few."""
    enough = counts >= ROWS_OF_A_BIN
    held, start, large = np.eye(len(counts)), 0, np.where(enough, counts, 0.0)
    for end in np.cumsum(sizes).tolist():
        few = np.flatnonzero(~enough[start:end]) + start
        held[few, start:end] = large[start:end] / max(large[start:end].sum(), 1.0)
        start = end
    return held[:, enough]


def _ridge(variables: Sequence[Variable]) -> Floats:
    """The ridge's matrix over all bins (Eilers and Marx, Statistical Science 1996, on ranges)."""
    ridge, start = np.eye(sum(len(v.bins) for v in variables)) * TO_ZERO, 0
    for variable in variables:
        ranges = len(variable.edges) + 1 if variable.kind == "numeric" else 0
        if ranges > 2:  # noqa: PLR2004 - a second difference takes three
            bends = np.diff(np.eye(ranges), n=2, axis=0)
            ridge[start : start + ranges, start : start + ranges] += TO_LINE * bends.T @ bends
        start += len(variable.bins)
    return ridge


def _moments(codes: Sequence[NDArray[np.uint8]], sizes: Sequence[int], rows: int) -> tuple[Floats, Floats]:
    """Means of the bins' indicators and of their products."""
    places = np.column_stack([c.astype(np.intp) for c in codes]) + np.cumsum([0, *sizes[:-1]])
    total, second = sum(sizes), np.zeros((sum(sizes), sum(sizes)))
    for start in range(0, rows, CHUNK):
        part = places[start : start + CHUNK]
        shown = np.zeros((len(part), total))
        np.put_along_axis(shown, part, 1.0, axis=1)
        second += shown.T @ shown
    return np.diag(second) / rows, second / rows


def labels(table: pa.Table, name: str, least: int = 1) -> Floats:
    """The outcomes (rows,), 1.0 = bad. Raises UserError PRV-LABEL, PRV-MODEL-FEW (``least`` of either)."""
    bad = read_columns(table.select([name])).column(name)
    if bad.dtype != np.float64 or not np.isin(bad, (0.0, 1.0)).all():
        fail("PRV-LABEL", name, column=name)
    found = int(min(bad.sum(), len(bad) - bad.sum()))
    if found < least:
        fail("PRV-MODEL-FEW", name, found=found, least=least)
    return bad
