"""Fine bins for joint fitters: cut without looking at the outcome, joined again where points are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xinqiao.scoring.binning import Specials, filled, short_cut, unfilled
from xinqiao.scoring.card import Card, Dropped, Pair, Scale, Variable
from xinqiao.scoring.columns import Column, Columns, Floats, is_text
from xinqiao.scoring.merging import Rules
from xinqiao.scoring.scorecard import AGAINST

HEAVY = 3  # a value with this many average bins' rows has a bin of its own


def fine_variables(
    columns: Columns,
    signs: Mapping[str, int] | None,
    specials: Mapping[str, Specials] | None,
    *,
    most: int,
    min_share: float,
) -> list[Variable]:
    """Every column in at most ``most`` ordinary bins, which hold about equally many rows.

    A text is a bin of its own when ``min_share`` of the rows have it; the rarer ones are ``other``.
    """
    signs, specials, out = signs or {}, specials or {}, []
    for name in columns.names:
        groups = tuple(tuple(group) for group in specials.get(name, ()))
        taken = [v for group in groups for v in group]
        column = columns.column(name)
        if is_text(column):
            common = _common(column, taken, most, min_share * len(column))
            out.append(unfilled(name, groups, categories=common))
            continue
        plain = column[~(np.isnan(column) | np.isin(column, taken))]
        out.append(unfilled(name, groups, sign=signs.get(name, 0), edges=_edges(plain, most)))
    return out


def _common(column: Column, taken: Sequence[object], most: int, least: float) -> tuple[tuple[str, ...], ...]:
    values, counts = np.unique(column[~pd.isna(column)].astype(str), return_counts=True)
    known = sorted(zip((-counts).tolist(), values.tolist(), strict=True))
    common = [v for n, v in known if -n >= least and v not in taken][:most]
    return tuple((v,) for v in sorted(common))


def _edges(values: Floats, most: int) -> tuple[float, ...]:
    """Cuts into bins of about equally many rows; values seen often have bins of their own."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= most:
        starts = np.arange(1, len(distinct))
    else:
        heavy = counts >= HEAVY * len(values) / most
        slots = max(1, most - 2 * int(heavy.sum()) - 1)
        light = np.cumsum(np.where(heavy, 0, counts)) - np.where(heavy, 0, counts)
        slot = light * slots // max(1, int(counts[~heavy].sum()))
        starts = 1 + np.flatnonzero((np.diff(slot) > 0) | heavy[1:] | heavy[:-1])
    pairs = zip(distinct[starts - 1].tolist(), distinct[starts].tolist(), strict=True)
    return tuple(short_cut(low, high) for low, high in pairs)


def joined(
    variable: Variable, points: Floats, grids: Sequence[NDArray[np.float64]]
) -> tuple[Variable, list[int]]:
    """``variable`` with neighbouring ordinary bins joined where all their points are equal.

    ``points`` (bins,) and ``grids`` (bins, other bins) are by fine bin. Categories of equal points
    are joined wherever they stand; those that equal ``other`` stay named. Gives the first fine bin
    of every bin that stays.
    """
    worth = np.column_stack([points, *grids])
    if variable.kind == "categorical":
        return _joined_categories(variable, worth)
    ranges = len(variable.edges) + 1
    new = [i for i in range(ranges) if i == 0 or (worth[i] != worth[i - 1]).any()]
    edges = tuple(variable.edges[i - 1] for i in new[1:])
    shape = unfilled(variable.name, variable.specials, sign=variable.sign, edges=edges)
    return shape, [*new, *range(ranges, len(variable.bins))]


def _joined_categories(variable: Variable, worth: Floats) -> tuple[Variable, list[int]]:
    groups: dict[tuple[float, ...], list[int]] = {}
    for i in range(len(variable.categories)):
        groups.setdefault(tuple(worth[i].tolist()), []).append(i)
    places = sorted(groups.values(), key=lambda p: (worth[p[0]].tolist(), p))
    named = tuple(tuple(c for i in p for c in variable.categories[i]) for p in places)
    shape = unfilled(variable.name, variable.specials, categories=named)
    return shape, [*(p[0] for p in places), *range(len(variable.categories), len(variable.bins))]


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of terms by fine bin, in log odds of bad.

    For each variable ``shares`` (bins,) of the rows and an effect (bins,); ``grids`` (bins, bins) by
    the positions of their two variables.
    """

    variables: tuple[Variable, ...]
    shares: tuple[Floats, ...]
    effects: tuple[Floats, ...]
    grids: Mapping[tuple[int, int], Floats]
    intercept: float


def write_card(
    terms: Terms, columns: Columns, bad: Floats, scale: Scale, digits: int
) -> tuple[Card, list[Dropped]]:
    """The card that ``terms`` are, their points rounded to ``digits``, and the columns without points."""
    points, grids = _points(terms, scale.factor * 10**digits)
    kept, firsts, dropped = [], {}, []
    for i, fine in enumerate(terms.variables):
        touching = [g if a == i else g.T for (a, b), g in grids.items() if i in {a, b}]
        if not points[i].any() and not touching:
            dropped.append(Dropped(name=fine.name, reason=AGAINST))
            continue
        shape, firsts[i] = joined(fine, points[i], touching)
        kept.append(_pointed(shape, columns.column(fine.name), bad, points[i][firsts[i]] / 10**digits))
    pairs = []
    for (a, b), grid in grids.items():
        rows = (grid[np.ix_(firsts[a], firsts[b])] / 10**digits).tolist()
        pairs.append(Pair(left=terms.variables[a].name, right=terms.variables[b].name, points=rows))
    base = round(scale.offset - scale.factor * terms.intercept, digits)
    card = Card(scale=scale, digits=digits, base_points=base, variables=tuple(kept), pairs=tuple(pairs))
    return card, dropped


def _points(terms: Terms, units: float) -> tuple[list[Floats], dict[tuple[int, int], Floats]]:
    """Whole units of points of every bin and cell.

    What a grid says of one of its variables alone goes to that variable, in whole units: so sums stay
    what they were, and a direction that holds for every term before holds for their sum after.
    """
    points = [np.round(-units * effect) + 0.0 for effect in terms.effects]
    grids = {}
    for (a, b), effect in terms.grids.items():
        grid = np.round(-units * effect) + 0.0
        left = np.round(grid @ terms.shares[b])
        grid -= left[:, None]
        right = np.round(terms.shares[a] @ grid)
        grid -= right
        points[a] += left
        points[b] += right
        if grid.any():
            grids[a, b] = grid
    return points, grids


def _pointed(shape: Variable, column: Column, bad: Floats, points: Floats) -> Variable:
    counted = filled(shape, column, bad, bad, Rules(trend=0.0))
    bins = zip(counted.bins, points.tolist(), strict=True)
    return counted.model_copy(update={"bins": tuple(b.model_copy(update={"points": p}) for b, p in bins)})
