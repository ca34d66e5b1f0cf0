"""Decision tables on columns: codes in, answers out, outputs and faults by answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.kernel.expression import Const
from xinqiao.policy.axis import Axis
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.logic import exact
from xinqiao.policy.lookup import Answer, Lookup
from xinqiao.policy.vector.exact import LEVELS, decimals_of, is_plain
from xinqiao.policy.vector.numbers import LEAST, MOST, Num
from xinqiao.policy.vector.tape import NONE, Ref
from xinqiao.policy.vector.trees import Column, Cond, Trees, Vocabulary, Word

FAULTS = ("table_missing", "table_no_row", "table_several_rows")
MAX_CELLS = 256
"""Tables of so many cells at most are looked up by cell: codes and cells are single bytes."""
Array = npt.NDArray[Any]


class Answers:
    """Arrays by the place a look-up gives to a row.

    The place is the row's answer, or in a small table its *cell*, one for every combination of
    codes. Arrays are made again when the look-up has met answers it did not know before.
    """

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.settled = lookup.layers is not None
        self.sizes = [axis.size for axis in lookup.axes]
        self.small = self.settled and math.prod(self.sizes) <= MAX_CELLS
        self._cells = lookup.find_codes(_combinations(self.sizes)) if self.small else None
        self._made: dict[int, Array] = {}
        self._count = 0
        self._makers: list[tuple[str, Callable[[Answer], Any]]] = []

    def add(self, kind: str, of: Callable[[Answer], Any]) -> int:
        """Add an array of ``kind`` with the value ``of`` each answer; returns its number."""
        self._makers.append((kind, of))
        return len(self._makers) - 1

    def find(self, codes: Sequence[Array]) -> Array:
        """The answer of every row."""
        return self.lookup.find_codes(codes)

    def array(self, number: int) -> Array:
        """The array of that number."""
        if self._count != len(self.lookup.answers):
            self._made.clear()
            self._count = len(self.lookup.answers)
        if number not in self._made:
            kind, of = self._makers[number]
            values = np.array([of(answer) for answer in self.lookup.answers], dtype=kind)
            self._made[number] = values if self._cells is None else values[self._cells]
        return self._made[number]


def _combinations(sizes: Sequence[int]) -> list[Array]:
    """The codes of every cell, one array a column."""
    return [grid.ravel() for grid in np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij")]


class TableColumns:
    """One table on a tape."""

    def __init__(self, trees: Trees, step: TableStep, lookup: Lookup) -> None:
        self.trees = trees
        self.tape = trees.tape
        self.step = step
        self.answers = Answers(lookup)
        self._kind = "u" if self.answers.small else "n"
        self._name = self.tape.constant(self.answers)
        self._masks: dict[tuple[bool, ...], Ref] = {}
        self._place = self._find(lookup.axes)

    def output(self, place: int, name: str) -> Column:
        """The column of output ``place``."""
        base = self.trees.bases[name]
        cells = [outs[place] for _, outs in self.step.rows]
        if base == "number":
            return self._numbers(cells)
        gone = self.fault(*FAULTS)
        if base == "bool":
            true = self._mask(lambda a: not a.fault and cells[a.hits[0]].value is True)
            return Cond(true, self.tape.no(gone))
        code = self.trees.vocabulary.code
        found = {cell.value: code(base, str(cell.value)) for cell in cells}
        return Word(self._take("i", lambda a: -1 if a.fault else found[cells[a.hits[0]].value]), gone)

    def fault(self, *words: str) -> Ref:
        """The rows in which the table gives nothing for one of the reasons ``words``."""
        return self._mask(lambda a: a.fault in words)

    def blamed(self, name: str) -> Ref:
        """The rows in which the column ``name`` (empty: the table itself) leaves it without answer."""
        return self._mask(lambda a: name in a.blamed)

    def _numbers(self, cells: Sequence[Const]) -> Num:
        numbers = [cell.value for cell in cells if not isinstance(cell.value, str)]
        values = [float(number) for number in numbers]
        plain = all(is_plain(number) for number in numbers)
        if not plain or not all(value == 0 or LEAST <= abs(value) < MOST for value in values):
            return self.trees.numbers.unsure(self.fault(*FAULTS))
        column = self._take("f", lambda a: np.nan if a.fault else max(values[i] for i in a.hits))
        if self.answers.settled:  # where there is no number there is a fault: quicker than looking up again
            faults = tuple(bool(answer.fault) for answer in self.answers.lookup.answers)
            words = "not_equal({0}, {0}, out={out})"
            self._masks[faults] = self.tape.op("b", words, column) if any(faults) else NONE
        places = max(decimals_of(exact(value)) for value in values)
        return Num(column, self.fault(*FAULTS), decimals=(places,) * len(LEVELS))

    # ------------------------------------------------------------------------------------------

    def _take(self, kind: str, of: Callable[[Answer], Any]) -> Ref:
        number = self.answers.add({"f": "f8", "i": "i4", "b": "?"}[kind], of)
        words = f"take({{0}}.array({number}), {{1}}, out={{out}}, mode='clip')"
        return self.tape.op(kind, words, self._name, self._place)

    def _mask(self, of: Callable[[Answer], bool]) -> Ref:
        if not self.answers.settled:
            return self._take("b", of)
        said = tuple(of(answer) for answer in self.answers.lookup.answers)
        if said not in self._masks:
            self._masks[said] = self._take("b", of) if any(said) else NONE
        return self._masks[said]

    def _find(self, axes: Sequence[Axis]) -> Ref:
        """Where every row finds what the table gives it."""
        codes = [self._codes(axis, self.trees.names[axis.name]) for axis in axes]
        if not self.answers.small:
            places = "".join(f"{{{i}}}, " for i in range(1, len(codes) + 1))
            return self.tape.op("n", f"copyto({{out}}, {{0}}.find(({places})))", self._name, *codes)
        cell = codes[0]
        for code, size in zip(codes[1:], self.answers.sizes[1:], strict=True):
            words = f"multiply({{0}}, {size}, out={{out}}); add({{out}}, {{1}}, out={{out}})"
            cell = self.tape.op("u", words, cell, code)
        return self.tape.op("n", "copyto({out}, {0})", cell)

    def _codes(self, axis: Axis, column: Column) -> Ref:
        tape = self.tape
        gone = self.trees.unknown(column)
        if isinstance(column, Cond):
            return self._placed("copyto({out}, {1})", axis, gone, column.true)
        if isinstance(column, Num):
            value = self._settled(axis, column)
            return self._placed(f"codes({{1}}, {tape.constant(axis.edges[:-1])}, {{out}})", axis, gone, value)
        if axis.base == "date":
            days = [self.trees.vocabulary.code("date", point) for point in axis.points]
            edges = np.array([float(day + after) for day in days for after in (0, 1)])
            return self._placed(f"codes({{1}}, {tape.constant(edges)}, {{out}})", axis, gone, column.codes)
        if axis.base == "grade":
            return self._placed("copyto({out}, {1}, casting='unsafe')", axis, gone, column.codes)
        table = tape.constant(
            _places(axis, self.trees.vocabulary).astype(np.uint8 if self.answers.small else np.intp)
        )
        return self._placed(f"take({table}, {{1}}, out={{out}}, mode='clip')", axis, gone, column.codes)

    def _placed(self, words: str, axis: Axis, gone: Ref, value: Ref) -> Ref:
        """Codes by ``words``, and the code of missing where ``gone``."""
        words += f"; copyto({{out}}, {axis.missing}, where={{0}})" if gone != NONE else ""
        return self.tape.op(self._kind, words, gone, value)

    def _settled(self, axis: Axis, column: Num) -> Ref:
        numbers = self.trees.numbers
        if column.plain:
            return numbers.column(column)
        points = self.tape.constant(np.array([float(point) for point in axis.points]))
        if not all(is_plain(float(point)) and exact(float(point)) == point for point in axis.points):
            numbers.doubt(self.tape.no(column.gone))
        args = (column.value, numbers.error(column))
        near = self.tape.op("b", f"near_edges({{0}}, {{1}}, {points}, {{out}})", *args)
        return numbers.settle(column, self.tape.both(near, self.tape.no(column.gone)))


def _places(axis: Axis, vocabulary: Vocabulary) -> Array:
    """The axis code of every text's number; the last stands for texts first seen later."""
    for point in axis.points:
        vocabulary.code(axis.base, point)
    return np.array([*(axis.code(word) for word in vocabulary.texts), axis.known - 1])
