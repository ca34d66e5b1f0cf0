"""A decision table compiled once: from the codes of its columns straight to its answer.

The columns are read one after the other. After each, a state says which rows can still hit; equal
states are one, so a table of 20,000 rows becomes a few small arrays (a layered decision diagram)::

    state = layers[0][0][code of column 0]; state = layers[1][state][code of column 1]; ...

The last state is the answer. A row *possible* and not *certain* hangs on a missing value. Sets of
rows are whole numbers, bit ``i`` for row ``i``. A table too tangled for the arrays (many columns
of ranges that cross each other) is answered by those sets, one intersection a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.expression import Logic, Node, names
from xinqiao.policy.axis import Axis, CellSet, make_axis
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.conditions import ANY
from xinqiao.policy.format import Hit
from xinqiao.policy.kinds import Kind
from xinqiao.policy.logic import Value

MAX_CELLS = 1_000_000
"""Most cells of all layers together; a table that needs more is answered by sets."""

MAX_HITS = 2_000_000
"""Most rows named in all answers together; where very many rows hit at once, likewise."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the table gives: the rows that count (0-based), or a fault and the names to blame.

    Faults are keys of ``wording.WORDS``; an empty name blames the table itself.
    """

    hits: tuple[int, ...]
    fault: str = ""
    blamed: tuple[str, ...] = ()


State = tuple[int, int, int]
"""Rows possible, rows certain, and the columns found missing while a row hangs on them (bits)."""


class Rows:
    """The rows of a table as sets: which can hit for every code of every column."""

    def __init__(self, step: TableStep, axes: tuple[Axis, ...], cells: list[list[CellSet]]) -> None:
        self.axes = axes
        self.hit: Hit = step.table.hit
        self.cells = cells
        self.possible = [_sweep(axis, column) for axis, column in zip(axes, cells, strict=True)]
        self.certain_missing = [_bits(i for i, c in enumerate(col) if c.missing) for col in cells]
        full = (1 << len(step.rows)) - 1
        self.start: State = (full, full, 0)
        self.open_after = [full]
        for axis, column in zip(reversed(axes[1:]), reversed(cells[1:]), strict=True):
            anything = _bits(i for i, cell in enumerate(column) if is_any(axis, cell))
            self.open_after.insert(0, self.open_after[0] & anything)

    def after(self, state: State, j: int, code: int) -> State:
        """The state once column ``j`` is known to have ``code``."""
        possible, certain, gone = state
        possible &= self.possible[j][code]
        if code == self.axes[j].missing:
            certain &= self.certain_missing[j]
            gone |= 1 << j
        else:
            certain &= possible
        stop = (possible if self.hit == "first" else possible ^ certain) & self.open_after[j]
        if stop:  # the first such row ends the search, whatever the columns to come
            keep = ((stop & -stop) << 1) - 1
            possible, certain = possible & keep, certain & keep
        return possible, certain, gone if possible != certain else 0

    def answer(self, state: State) -> Answer:
        """The answer of the state after the last column."""
        possible, certain, gone = state
        unknown = possible ^ certain
        if unknown and (self.hit != "first" or not certain or _lowest(unknown) < _lowest(certain)):
            row = _lowest(unknown)
            columns = (j for j in range(len(self.axes)) if gone >> j & 1)
            blamed = (self.axes[j].name for j in columns if self.cells[j][row].missing is None)
            return Answer((), "table_missing", tuple(blamed))
        if not certain:
            return Answer((), "table_no_row", ("",))
        if self.hit == "unique" and certain & (certain - 1):
            return Answer((), "table_several_rows", ("",))
        return Answer((_lowest(certain),) if self.hit == "first" else tuple(members(certain)))


class Lookup:
    """A table ready to be looked up; equal ``answers`` stand once.

    ``lists`` are the layers as plain lists, none for a table too tangled for them.
    ``answers`` only grows, and only for a table too tangled to be worked out beforehand.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.axes = rows.axes
        self.answers: list[Answer] = []
        self._hits = 0
        self._index: dict[Answer, int] = {}
        self._met: dict[tuple[int, ...], int] = {}
        self.layers = self._layers()
        self.lists: list[list[list[int]]] = [layer.tolist() for layer in self.layers or ()]

    def find(self, values: Sequence[Value]) -> int:
        """The answer (its place in ``answers``) for one value a column."""
        codes = [axis.code(value) for axis, value in zip(self.axes, values, strict=True)]
        if self.layers is None:
            return self._tangled(tuple(codes))
        state = 0
        for layer, code in zip(self.lists, codes, strict=True):
            state = layer[state][code]
        return state

    def find_codes(self, codes: Sequence[NDArray[np.integer]]) -> NDArray[np.intp]:
        """The same for columns of codes, one array a column."""
        if self.layers is not None:
            state = np.zeros(len(codes[0]), np.int32)
            for layer, column in zip(self.layers, codes, strict=True):
                state = layer.ravel()[state * np.intp(layer.shape[1]) + column]
            return state.astype(np.intp)
        combos, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
        found = [self._tangled(tuple(combo)) for combo in combos.tolist()]
        return np.array(found, np.intp)[inverse.ravel()]

    def _tangled(self, codes: tuple[int, ...]) -> int:
        if codes not in self._met:
            state = self.rows.start
            for j, code in enumerate(codes):
                state = self.rows.after(state, j, code)
            if len(self._met) >= MAX_CELLS:
                self._met.clear()
            self._met[codes] = self._answer(state)
        return self._met[codes]

    def _answer(self, state: State) -> int:
        answer = self.rows.answer(state)
        if answer not in self._index:
            self._index[answer] = len(self.answers)
            self.answers.append(answer)
            self._hits += len(answer.hits)
        return self._index[answer]

    def _layers(self) -> list[NDArray[np.int32]] | None:
        """One array a column, (states, codes) -> next state; None when they would be too large."""
        states: dict[State, int] = {self.rows.start: 0}
        layers: list[NDArray[np.int32]] = []
        room = MAX_CELLS
        for j, axis in enumerate(self.axes):
            room -= len(states) * axis.size
            if room < 0:
                return None
            last = j == len(self.axes) - 1
            found: dict[State, int] = {}
            layer = []
            for state in states:
                layer.append(self._next(state, j, found, last=last))
                if self._hits > MAX_HITS:
                    return None
            layers.append(np.array(layer, np.int32))
            states = found
        return layers

    def _next(self, state: State, j: int, found: dict[State, int], *, last: bool) -> list[int]:
        """The next states of ``state`` for every code of column ``j``; codes of equal rows are one."""
        masks, missing = self.rows.possible[j], self.axes[j].missing
        memo: dict[int, int] = {}
        out = []
        for code, mask in enumerate(masks):
            key = mask & state[0] if code != missing else -1
            if key not in memo:
                after = self.rows.after(state, j, code)
                memo[key] = self._answer(after) if last else found.setdefault(after, len(found))
            out.append(memo[key])
        return out


def compile_lookup(step: TableStep, grades: Sequence[str], kinds: Mapping[str, Kind]) -> Lookup:
    """The table of ``step``; ``grades`` best first, ``kinds`` of all names of the policy."""
    return Lookup(rows_of(step, grades, kinds))


def rows_of(step: TableStep, grades: Sequence[str], kinds: Mapping[str, Kind]) -> Rows:
    """The rows of the table of ``step`` as sets."""
    columns = _columns(step)
    axes = []
    cells = []
    for name, column in zip(step.table.inputs, columns, strict=True):
        distinct = {id(tree): tree for tree in column}
        axis = make_axis(name, kinds[name].base, distinct.values(), grades)
        known = {key: axis.cell(tree) for key, tree in distinct.items()}
        axes.append(axis)
        cells.append([known[id(tree)] for tree in column])
    return Rows(step, tuple(axes), cells)


def _columns(step: TableStep) -> list[list[Node]]:
    """The conditions of every column, row by row."""
    place = {name: j for j, name in enumerate(step.table.inputs)}
    out: list[list[Node]] = [[ANY] * len(step.rows) for _ in place]
    where: dict[int, int] = {}
    for i, (condition, _) in enumerate(step.rows):
        for part in condition.parts if isinstance(condition, Logic) else ():
            if id(part) not in where:
                where[id(part)] = place[names(part)[0]]
            out[where[id(part)]][i] = part
    return out


def is_any(axis: Axis, cell: CellSet) -> bool:
    """Whether the cell holds for every value, missing too."""
    return cell.missing is True and cell.ranges == ((0, axis.known),)


def _sweep(axis: Axis, column: Sequence[CellSet]) -> list[int]:
    """For every code the set of rows whose cell may hold."""
    turns: list[list[int]] = [[] for _ in range(axis.size)]
    for row, cell in enumerate(column):
        for low, high in cell.ranges:
            turns[low].append(row)
            turns[high].append(row)
    out: list[int] = []
    current = 0
    for rows in turns[:-1]:
        current ^= _bits(rows)
        out.append(current)
    return [*out, _bits(row for row, cell in enumerate(column) if cell.missing is not False)]


def _bits(rows: Iterator[int] | Sequence[int]) -> int:
    """The set of ``rows`` as a whole number; a row that stands twice cancels out."""
    places = list(rows)
    if len(places) <= 8:  # noqa: PLR2004 - a few shifts cost less than an array of bytes
        out = 0
        for place in places:
            out ^= 1 << place
        return out
    flags = bytearray(max(places) // 8 + 1)
    for place in places:
        flags[place >> 3] ^= 1 << (place & 7)
    return int.from_bytes(flags, "little")


def _lowest(rows: int) -> int:
    return (rows & -rows).bit_length() - 1


def members(rows: int) -> Iterator[int]:
    """The rows of a set, ascending."""
    while rows:
        yield _lowest(rows)
        rows &= rows - 1
