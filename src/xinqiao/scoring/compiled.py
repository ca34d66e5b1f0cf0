"""A card compiled to arrays: codes by comparison, points by tables of integers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.scoring.card import Card, Value, Variable
from xinqiao.scoring.codes import Codes, Floats, Term, chunks, joint_terms, number_codes, sums
from xinqiao.scoring.columns import Column, Columns, Texts, read_columns
from xinqiao.scoring.export.python import to_python

Reference = Literal["peer", "best", "neutral"]
KEPT = 256
"""Compiled cards kept ready: those of a model with segments and industries."""
TARGETS = 32
"""References kept with a card."""


class Coder:
    """Turns the values of one variable into bin codes."""

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.missing = variable.missing_code
        self.edges = np.asarray(variable.edges, dtype=np.float64)
        self.known: dict[float | str, int] = {}
        groups = [*enumerate(variable.specials, variable.first_special), *enumerate(variable.categories)]
        for code, group in groups:
            for value in group:
                self.known.setdefault(value, code)

    def matched(self, values: Floats | Texts) -> Floats | Codes:
        """What ``write`` reads: numbers as they are, texts (and gaps of another type) as codes already.

        Raises UserError SCR-COLUMN-TYPE when texts meet a numeric variable or the reverse.
        """
        categorical = self.variable.kind == "categorical"
        if isinstance(values, Texts):
            if categorical:
                return self._text_codes(values)
            missing, found, wanted = bool((values.codes < 0).all()), "text", "number"
        elif not categorical:
            return values
        else:
            missing, found, wanted = bool(np.isnan(values).all()), "number", "text"
        if not missing:
            fail("SCR-COLUMN-TYPE", "X", column=self.variable.name, found=found, wanted=wanted)
        return np.full(len(values), self.missing, dtype=np.uint8)

    def _text_codes(self, values: Texts) -> Codes:
        other = len(self.variable.categories)
        table = [*(self.known.get(word, other) for word in values.words), self.missing]
        out: Codes = np.asarray(table, dtype=np.uint8)[values.codes]  # -1 picks the last: missing
        return out

    def write(self, matched: Floats | Codes, out: Codes) -> None:
        """Write the codes of ``matched`` (rows,) to ``out`` (rows,)."""
        if matched.dtype == np.uint8:
            out[:] = matched
        else:
            number_codes(matched, self.edges, self.known, self.missing, out)  # type: ignore[arg-type]  # specials of numeric variables are numbers


class Compiled:
    """A card ready to score by the million."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.names = card.names
        self.coders = [Coder(v) for v in card.variables]
        place = {name: i for i, name in enumerate(self.names)}
        self.base = card.units(card.base_points)
        self.tables = [[card.units(b.points) for b in v.bins] for v in card.variables]
        self.grids = [
            (place[p.left], place[p.right], [[card.units(x) for x in row] for row in p.points])
            for p in card.pairs
        ]
        self._targets: dict[tuple[Reference, tuple[Value, ...]], tuple[int, ...]] = {}

    @cached_property
    def terms(self) -> list[Term]:
        """Tables of points for many rows; one row needs none of them."""
        place, card = {name: i for i, name in enumerate(self.names)}, self.card
        out = joint_terms([_units(card, [b.points for b in v.bins]) for v in card.variables])
        for pair in card.pairs:
            sizes = (len(pair.points), len(pair.points[0]))
            table = _units(card, [points for row in pair.points for points in row])
            out.append(Term((place[pair.left], place[pair.right]), sizes, table))
        return out

    def matched(self, columns: Columns) -> list[Floats | Codes]:
        """What the coders read. Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE."""
        chosen = columns.select(self.names)
        return [c.matched(chosen.coded(c.variable.name)) for c in self.coders]

    def codes(self, columns: Columns) -> Codes:
        """Codes of all variables, shape (rows, variables), a column contiguous."""
        out = np.empty((columns.rows, len(self.coders)), dtype=np.uint8, order="F")
        for i, (coder, values) in enumerate(zip(self.coders, self.matched(columns), strict=True)):
            coder.write(values, out[:, i])
        return out

    def score(self, columns: Columns) -> Floats:
        """Points, shape (rows,); codes live for a chunk of rows only."""
        matched = self.matched(columns)
        total = np.full(columns.rows, self.base, dtype=np.int64)
        for part in chunks(columns.rows):
            codes = np.empty((len(matched), part.stop - part.start), dtype=np.uint8)
            for coder, values, out in zip(self.coders, matched, codes, strict=True):
                coder.write(values[part], out)
            sums(self.terms, list(codes), total[part])
        return self.points(total)

    def score_codes(self, codes: Codes) -> Floats:
        """Points from stored codes, shape (rows,)."""
        total = np.full(codes.shape[0], self.base, dtype=np.int64)
        sums(self.terms, [codes[:, i] for i in range(codes.shape[1])], total)
        return self.points(total)

    @cached_property
    def _code(self) -> Callable[[Mapping[str, Value]], tuple[int, ...]]:
        """``codes`` of the card's export to Python: straight-line code for one row."""
        module: dict[str, Any] = {}
        exec(to_python(self.card), module)  # noqa: S102 - source we wrote; names and values are literals
        found: Callable[[Mapping[str, Value]], tuple[int, ...]] = module["codes"]
        return found

    def code_one(self, row: Mapping[str, Value]) -> tuple[int, ...]:
        """``Card.code_one``, quickly. Raises UserError SCR-COLUMN-ABSENT, SCR-INFINITE, SCR-COLUMN-TYPE."""
        try:
            return self._code(row)
        except (KeyError, TypeError, ValueError):
            return self.card.code_one(row)  # says in the user's words what is wrong

    def score_one(self, row: Mapping[str, Value]) -> float:
        """``Card.score_one``, quickly. Raises as ``code_one`` does."""
        return (self.base + sum(self.units_one(self.code_one(row)))) / self.card.unit

    def units_one(self, codes: Sequence[int]) -> list[int]:
        """Units each variable gives a row of ``codes``; two-way terms count to their left variable."""
        out = [table[code] for table, code in zip(self.tables, codes, strict=True)]
        for left, right, grid in self.grids:
            out[left] += grid[codes[left]][codes[right]]
        return out

    def targets(self, reference: Reference, peers: Mapping[str, Value]) -> tuple[int, ...]:
        """Units each variable gives the ``reference``; ``peers`` holds the peer medians by variable."""
        medians = tuple(map(peers.get, self.names))
        found = self._targets.get((reference, medians))
        if found is None:
            pairs = zip(self.card.variables, self.tables, medians, strict=True)
            found = tuple(_target(v, table, median, reference) for v, table, median in pairs)
            if len(self._targets) >= TARGETS:
                self._targets.clear()
            self._targets[reference, medians] = found
        return found

    def points(self, units: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
        """Points of whole units."""
        return np.true_divide(units, self.card.unit)


def _units(card: Card, points: Sequence[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.asarray([card.units(p) for p in points], dtype=np.int64)


def _target(variable: Variable, units: Sequence[int], median: Value, reference: Reference) -> int:
    if reference == "best":
        return max(units[code] for code in variable.named)
    if reference == "neutral" or median is None:
        return 0
    return units[variable.code(median)]


_ready: OrderedDict[int, Compiled] = OrderedDict()


def compile_card(card: Card) -> Compiled:
    """``card`` compiled, once for as long as it is in use."""
    found = _ready.get(id(card))
    if found is None:
        found = _ready[id(card)] = Compiled(card)  # holds the card, so that its id stays its own
        while len(_ready) > KEPT:
            _ready.popitem(last=False)
    return found


def variable_codes(variable: Variable, column: Column | Texts) -> Codes:
    """Bin codes (uint8, shape (rows,)) of one column.

    Raises UserError SCR-COLUMN-TYPE when texts meet a numeric variable or the reverse.
    """
    values = Columns([variable.name], [column], len(column)).coded(variable.name)
    out, coder = np.empty(len(column), dtype=np.uint8), Coder(variable)
    coder.write(coder.matched(values), out)
    return out


def bin_codes(card: Card, X: object) -> Codes:
    """Codes of all variables: uint8, shape (rows, variables), in Fortran order (a column is contiguous)."""
    return compile_card(card).codes(read_columns(X))


def score_codes(card: Card, codes: Codes) -> Floats:
    """Points from stored codes, shape (rows,)."""
    return compile_card(card).score_codes(codes)


def score(card: Card, X: object) -> Floats:
    """Points of every row of a pandas, polars or Arrow frame, shape (rows,).

    Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
    """
    return compile_card(card).score(read_columns(X))


def woe_matrix(variables: tuple[Variable, ...], columns: Columns) -> Floats:
    """WOE of every cell, shape (rows, variables)."""
    out = np.empty((columns.rows, len(variables)), dtype=np.float64, order="F")
    for i, variable in enumerate(variables):
        table = np.asarray([b.woe for b in variable.bins], dtype=np.float64)
        out[:, i] = table[variable_codes(variable, columns.coded(variable.name))]
    return out
