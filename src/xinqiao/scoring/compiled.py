"""A card compiled to arrays: one search per column, then table look-ups and integer sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.scoring.card import Card, Variable
from xinqiao.scoring.columns import Column, Columns, Floats, is_text, read_columns

Codes = NDArray[np.uint8]


def variable_codes(variable: Variable, column: Column) -> Codes:
    """Bin codes (uint8, shape (rows,)) of one column.

    Raises UserError SCR-COLUMN-TYPE when texts meet a numeric variable or the reverse.
    """
    text = variable.kind == "categorical"
    if is_text(column) != text and not _all_missing(column):
        found, wanted = ("text", "number") if is_text(column) else ("number", "text")
        fail("SCR-COLUMN-TYPE", "X", column=variable.name, found=found, wanted=wanted)
    if _all_missing(column):
        return np.full(len(column), variable.missing_code, dtype=np.uint8)
    return _text_codes(variable, column) if text else _number_codes(variable, column)


def _all_missing(column: Column) -> bool:
    return bool(pd.isna(column).all())


def _number_codes(variable: Variable, column: Floats) -> Codes:
    codes = np.searchsorted(np.asarray(variable.edges), column, side="right").astype(np.uint8)
    for i, group in enumerate(variable.specials):
        for value in group:
            codes[column == value] = variable.first_special + i
    codes[np.isnan(column)] = variable.missing_code
    return codes


def _text_codes(variable: Variable, column: Column) -> Codes:
    place, distinct = pd.factorize(column, use_na_sentinel=True)
    table = [variable.code(str(value)) for value in distinct]
    return np.asarray([*table, variable.missing_code], dtype=np.uint8)[place]  # -1 picks the last: missing


def bin_codes(card: Card, X: object) -> Codes:
    """Codes of all variables: uint8, shape (rows, variables), in Fortran order (a column is contiguous)."""
    columns = read_columns(X).select(card.names)
    out = np.empty((columns.rows, len(card.variables)), dtype=np.uint8, order="F")
    for i, variable in enumerate(card.variables):
        out[:, i] = variable_codes(variable, columns.data[i])
    return out


def score_codes(card: Card, codes: Codes) -> Floats:
    """Points from stored codes, shape (rows,)."""
    total = np.full(codes.shape[0], card.units(card.base_points), dtype=np.int64)
    for i, variable in enumerate(card.variables):
        table = np.asarray([card.units(b.points) for b in variable.bins], dtype=np.int64)
        total += table[codes[:, i]]
    place = {name: i for i, name in enumerate(card.names)}
    for pair in card.pairs:
        grid = np.asarray([[card.units(p) for p in row] for row in pair.points], dtype=np.int64)
        total += grid[codes[:, place[pair.left]], codes[:, place[pair.right]]]
    points: Floats = total / card.unit
    return points


def score(card: Card, X: object) -> Floats:
    """Points of every row of a pandas, polars or Arrow frame, shape (rows,).

    Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
    """
    return score_codes(card, bin_codes(card, X))


def woe_matrix(variables: tuple[Variable, ...], columns: Columns) -> Floats:
    """WOE of every cell, shape (rows, variables)."""
    out = np.empty((columns.rows, len(variables)), dtype=np.float64, order="F")
    for i, variable in enumerate(variables):
        table = np.asarray([b.woe for b in variable.bins], dtype=np.float64)
        out[:, i] = table[variable_codes(variable, columns.data[i])]
    return out
