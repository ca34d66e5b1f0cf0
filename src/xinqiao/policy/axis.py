"""One input column of a decision table as a row of numbered pieces.

The values written in the cells of a column cut its domain into pieces that no cell can tell apart::

    cells "< 0.6", "0.6..1.2"   ->   (-inf, 0.6)  {0.6}  (0.6, 1.2)  {1.2}  (1.2, inf)  missing
    codes                                 0         1        2         3        4          5

So a condition on a column is a set of codes, and looking a value up is finding its code.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.expression import Compare, Const, Items, Logic, Node, Unary, walk
from xinqiao.policy.kinds import Base
from xinqiao.policy.logic import Value, exact, kleene_and, kleene_not

Ranges = tuple[tuple[int, int], ...]
"""Known codes as half-open ranges, sorted and apart."""


@dataclass(frozen=True, slots=True)
class CellSet:
    """What a cell says: the known codes it is true for, and its truth when the value is missing."""

    ranges: Ranges
    missing: bool | None


class Axis:
    """The pieces of one column; the last code is "missing", all codes before it are known values.

    Numbers and dates: ``points`` ascending, code ``2i + 1`` is the point ``i`` itself, even codes lie
    between. Texts: code ``i`` is ``points[i]``, then any other text. Grades: the scale, best first.
    Truth values: no, yes.
    """

    def __init__(self, name: str, base: Base, points: Sequence[Any]) -> None:
        self.name = name
        self.base = base
        self.ordered = base in ("number", "date")
        self.points = tuple(sorted(set(points)) if self.ordered else dict.fromkeys(points))
        self.known = len(self.points) * 2 + 1 if self.ordered else len(self.points) + (base == "text")
        self.missing = self.known
        self.size = self.known + 1
        self._place = {point: i * 2 + 1 if self.ordered else i for i, point in enumerate(self.points)}

    def code(self, value: Value) -> int:
        """The code of one value (None: missing)."""
        if value is None:
            return self.missing
        if not self.ordered:
            return self._place.get(value, self.known - 1) if self.base == "text" else self._place[value]
        i = bisect_left(self.points, value)
        return i * 2 + (i < len(self.points) and self.points[i] == value)

    def codes(self, column: NDArray[Any]) -> NDArray[np.intp]:
        """The codes of a column: float64 with NaN missing for numbers, else objects with None missing."""
        if self.base == "number":
            return np.searchsorted(self.edges, column, side="right")
        found = {value: self.code(value) for value in set(column.tolist())}
        return np.fromiter((found[value] for value in column.tolist()), np.intp, len(column))

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """For a column of numbers: the least double of every code from 1 on; the last, NaN, is "missing".

        A double stands for its shortest decimal, so a written number of more digits than a double
        holds (above 2**53) has edges beside it and a piece of its own that no double falls into.
        """
        edges: list[float] = []
        for point in self.points:
            edge = float(point)
            if exact(edge) < point:
                edge = math.nextafter(edge, math.inf)
            edges += [edge, math.nextafter(edge, math.inf) if exact(edge) == point else edge]
        return np.array([*edges, math.nan])

    def cell(self, condition: Node) -> CellSet:
        """The codes for which ``condition``, a cell's tree on this column, is true."""
        match condition:
            case Const(value=bool(value)):
                return CellSet(((0, self.known),) if value else (), value)
            case Unary(operand=operand):
                inner = self.cell(operand)
                return CellSet(self._others(inner.ranges), kleene_not(inner.missing))
            case Logic(parts=parts):
                return self.all_of(self.cell(part) for part in parts)
            case Compare(op=op, right=Items(items=items)):
                places = [self._range("==", item) for item in items]
                ranges = self._union(r for each in places for r in each)
                return CellSet(ranges if op == "in" else self._others(ranges), None)
            case Compare(op=op, right=right):
                return CellSet(self._range(op, right), None)
        raise AssertionError(condition)  # conditions.Cells makes no other tree

    def all_of(self, cells: Iterable[CellSet]) -> CellSet:
        """The set where every one of ``cells`` is true."""
        ranges: Ranges = ((0, self.known),)
        missing: list[bool | None] = []
        for cell in cells:
            both = ((max(a, c), min(b, d)) for a, b in ranges for c, d in cell.ranges)
            ranges = tuple(sorted((low, high) for low, high in both if low < high))
            missing.append(cell.missing)
        return CellSet(ranges, kleene_and(missing))

    def _range(self, op: str, node: Node) -> Ranges:
        place = self._place[written(node)]
        low, high = {
            "==": (place, place + 1),
            "!=": (place, place + 1),
            "<": (0, place),
            "<=": (0, place + 1),
            ">": (place + 1, self.known),
            ">=": (place, self.known),
        }[op]
        return self._others(((low, high),)) if op == "!=" else ((low, high),)

    def _others(self, ranges: Ranges) -> Ranges:
        ends = [0, *(end for pair in ranges for end in pair), self.known]
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return tuple((low, high) for low, high in pairs if low < high)

    @staticmethod
    def _union(ranges: Iterable[tuple[int, int]]) -> Ranges:
        out: list[tuple[int, int]] = []
        for low, high in sorted(ranges):
            if out and low <= out[-1][1]:
                out[-1] = out[-1][0], max(high, out[-1][1])
            else:
                out.append((low, high))
        return tuple(out)


def written(node: Node) -> Decimal | str | bool:
    """The constant of a cell, numbers exact as written."""
    match node:
        case Const(value=bool() | str() as plain):
            return plain
        case Const(value=number):
            return exact(number)
    raise AssertionError(node)  # cells compare with constants only


def make_axis(name: str, base: Base, conditions: Iterable[Node], grades: Sequence[str]) -> Axis:
    """The axis of a column from the trees of all its cells."""
    match base:
        case "grade":
            return Axis(name, base, grades)
        case "bool":
            return Axis(name, base, (False, True))
    sides = (node.right for tree in conditions for node in walk(tree) if isinstance(node, Compare))
    consts = (each for side in sides for each in (side.items if isinstance(side, Items) else (side,)))
    return Axis(name, base, [written(each) for each in consts])
