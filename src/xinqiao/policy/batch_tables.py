"""Decision tables on columns: codes in, answers out, outputs and faults by answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.kernel.expression import Const
from xinqiao.policy.axis import Axis
from xinqiao.policy.batch_exact import LEVELS, decimals_of, is_plain
from xinqiao.policy.batch_numbers import LEAST, MOST, Num
from xinqiao.policy.batch_tape import NONE, Ref
from xinqiao.policy.batch_trees import Column, Cond, Trees, Vocabulary, Word
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.kinds import Base
from xinqiao.policy.logic import exact
from xinqiao.policy.lookup import Answer, Lookup

FAULTS = ("table_missing", "table_no_row", "table_several_rows")
Array = npt.NDArray[Any]


class Answers:
    """Arrays by answer, made again when the look-up has met answers it did not know before."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self._made: dict[int, Array] = {}
        self._count = 0
        self._makers: list[Callable[[Answer], Any]] = []
        self._types: list[str] = []

    def add(self, kind: str, of: Callable[[Answer], Any]) -> int:
        """Add an array of ``kind`` with the value ``of`` each answer; returns its place."""
        self._makers.append(of)
        self._types.append(kind)
        return len(self._makers) - 1

    def find(self, codes: Sequence[Array]) -> Array:
        """The answer of every row."""
        return self.lookup.find_codes(codes)

    def array(self, place: int) -> Array:
        """The array at ``place``."""
        if self._count != len(self.lookup.answers):
            self._made.clear()
            self._count = len(self.lookup.answers)
        if place not in self._made:
            values = [self._makers[place](answer) for answer in self.lookup.answers]
            self._made[place] = np.array(values, dtype=self._types[place])
        return self._made[place]

    @property
    def settled(self) -> bool:
        """Whether all answers are known beforehand."""
        return self.lookup.layers is not None


class TableColumns:
    """One table on a tape."""

    def __init__(self, trees: Trees, step: TableStep, lookup: Lookup) -> None:
        self.trees = trees
        self.tape = trees.tape
        self.step = step
        self.answers = Answers(lookup)
        self._name = self.tape.constant(self.answers)
        self._unsure: list[int] = []
        self._answer = self._find(lookup.axes)

    def output(self, place: int, name: str) -> Column:
        """The column of output ``place``."""
        base = self.trees.bases[name]
        gone = self.fault(*FAULTS)
        cells = [outs[place] for _, outs in self.step.rows]
        if base == "number":
            return self._numbers(cells, gone)
        if base == "bool":
            true = self._mask(lambda a: not a.fault and cells[a.hits[0]].value is True)
            return Cond(true, self.tape.but(self.tape.no(gone), true))
        code = self.trees.vocabulary.code
        found = {cell.value: code(base, str(cell.value)) for cell in cells}
        return Word(self._take("i", lambda a: -1 if a.fault else found[cells[a.hits[0]].value]), gone)

    def fault(self, *words: str) -> Ref:
        """The rows in which the table gives nothing for one of the reasons ``words``."""
        return self._mask(lambda a: a.fault in words)

    def blamed(self, name: str) -> Ref:
        """The rows in which the column ``name`` (empty: the table itself) leaves it without answer."""
        return self._mask(lambda a: name in a.blamed)

    def _numbers(self, cells: Sequence[Const], gone: Ref) -> Num:
        numbers = [cell.value for cell in cells if not isinstance(cell.value, str)]
        values = [float(number) for number in numbers]
        plain = all(is_plain(number) for number in numbers)
        if not plain or not all(value == 0 or LEAST <= abs(value) < MOST for value in values):
            return self.trees.numbers.unsure(gone)
        column = self._take("f", lambda a: np.nan if a.fault else max(values[i] for i in a.hits))
        places = max(decimals_of(exact(value)) for value in values)
        return Num(column, gone, decimals=(places,) * len(LEVELS))

    # ------------------------------------------------------------------------------------------

    def _take(self, kind: str, of: Callable[[Answer], Any]) -> Ref:
        place = self.answers.add({"f": "f8", "i": "i4", "b": "?"}[kind], of)
        words = f"take({{0}}.array({place}), {{1}}, out={{out}}, mode='clip')"
        return self.tape.op(kind, words, self._name, self._answer)

    def _mask(self, of: Callable[[Answer], bool]) -> Ref:
        if self.answers.settled and not any(of(answer) for answer in self.answers.lookup.answers):
            return NONE
        return self._take("b", of)

    def _find(self, axes: Sequence[Axis]) -> Ref:
        codes = [self._codes(axis, self.trees.names[axis.name]) for axis in axes]
        places = "".join(f"{{{i}}}, " for i in range(1, len(codes) + 1))
        return self.tape.op("n", f"copyto({{out}}, {{0}}.find(({places})))", self._name, *codes)

    def _codes(self, axis: Axis, column: Column) -> Ref:
        tape = self.tape
        gone = self.trees.unknown(column)
        if isinstance(column, Cond):
            return self._placed("copyto({out}, {1})", axis, gone, tape.solid(column.true))
        if isinstance(column, Num):
            value = self._settled(axis, column)
            return self._placed(f"codes({{1}}, {tape.constant(axis.edges[:-1])}, {{out}})", axis, gone, value)
        if axis.base == "date":
            days = [self.trees.vocabulary.code("date", point) for point in axis.points]
            edges = np.array([float(day + after) for day in days for after in (0, 1)])
            return self._placed(f"codes({{1}}, {tape.constant(edges)}, {{out}})", axis, gone, column.codes)
        table = tape.constant(_places(axis, self.trees.vocabulary))
        return self._placed(f"take({table}, {{1}}, out={{out}}, mode='clip')", axis, gone, column.codes)

    def _placed(self, words: str, axis: Axis, gone: Ref, value: Ref) -> Ref:
        """Codes by ``words``, and the code of missing where ``gone``."""
        words += f"; copyto({{out}}, {axis.missing}, where={{0}})" if gone != NONE else ""
        return self.tape.op("n", words, gone, value)

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
    base: Base = axis.base
    for point in axis.points:
        vocabulary.code(base, point)
    known = vocabulary.grades if base == "grade" else vocabulary.texts
    codes = [axis.code(word) for word in known]
    return np.array([*codes, axis.known - 1], dtype=np.intp)
