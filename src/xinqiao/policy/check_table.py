"""What is wrong with a decision table as a whole: rows never reached, gaps and overlaps.

All of it is read off the layered arrays of ``lookup``: which answers can be reached at all when every
column stays within its possible values, and by which codes. That is exact for tables of any size
that ``lookup`` can work out; no case is sampled. Overlaps are found pair by pair, by sets of rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, reduce
from math import isqrt, prod
from operator import and_, or_

import numpy as np
from numpy.typing import NDArray

from xinqiao.policy.axis import Axis
from xinqiao.policy.check_range import Reach
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.lookup import Lookup, members
from xinqiao.policy.wording import show

MAX_EXAMPLES = 3
"""Most gaps of one table that are put in words."""

MAX_BOXES = 1_000
"""Most boxes looked at to find the largest gaps."""

Box = tuple[NDArray[np.intp], ...]
"""A set of codes a column: any combination of them."""


class TableFaults:
    """The faults of one table whose columns take the values of ``reaches``."""

    def __init__(self, step: TableStep, lookup: Lookup, reaches: Mapping[str, Reach]) -> None:
        self.step = step
        self.lookup = lookup
        self.rows = lookup.rows
        self._pairs: dict[tuple[int, int, int], int] = {}
        self.codes = [possible_codes(axis, reaches[axis.name]) for axis in lookup.axes]
        self.words = [_Words(axis, codes) for axis, codes in zip(lookup.axes, self.codes, strict=True)]

    @property
    def worked_out(self) -> bool:
        """Whether the table is simple enough to be looked at whole."""
        return self.lookup.layers is not None

    def unreached(self) -> list[int]:
        """Rows that never count, whatever the values, missing ones too.

        In a table not worked out, a row that only several others together cover is not found.
        """
        rows = range(len(self.step.rows))
        if self.rows.hit != "first":
            return [row for row in rows if self.impossible_column(row)]
        if not self.worked_out:
            return [row for row in rows if self.impossible_column(row) or self._held(row)]
        pairs = zip(self.lookup.axes, self.codes, strict=True)
        answers = self._states([np.append(codes, axis.missing) for axis, codes in pairs])[-1]
        hit = {row for i in answers.tolist() for row in self.lookup.answers[i].hits}
        return [row for row in rows if row not in hit]

    def impossible_column(self, row: int) -> str | None:
        """The column whose cell in ``row`` no possible value satisfies."""
        for j, axis in enumerate(self.lookup.axes):
            if not len(self._own(j, row)) and self.rows.cells[j][row].missing is not True:
                return axis.name
        return None

    def covering(self, row: int) -> list[int]:
        """The earlier rows that answer where ``row`` would: one if one does it all."""
        held = self._held(row)
        return list(members(held & -held)) or list(members(self._met(row)))

    def gaps(self) -> list[str]:
        """Where no row hits, in words, up to ``MAX_EXAMPLES``; none in a table not worked out."""
        if not self.worked_out:
            return []
        boxes = itertools.islice(self._boxes("table_no_row"), MAX_BOXES)
        merged = _merged([tuple(tuple(codes.tolist()) for codes in box) for box in boxes])
        return [self._describe(box) for box in merged[:MAX_EXAMPLES]]

    def overlaps(self) -> list[tuple[int, int]]:
        """Pairs of rows of a ``unique`` table that can hit together: each later row with the first such."""
        if self.rows.hit != "unique":
            return []
        met = ((next(members(self._met(row)), None), row) for row in range(len(self.step.rows)))
        return [(first, row) for first, row in met if first is not None and not self.impossible_column(row)]

    def example(self, first: int, second: int) -> str:
        """Where both rows hit, in words."""
        pairs = ((self._own(j, first), self._own(j, second)) for j in range(len(self.lookup.axes)))
        return self._describe([np.intersect1d(*pair) for pair in pairs])

    # pairs of rows ----------------------------------------------------------------------------

    def _met(self, row: int) -> int:
        """The set of earlier rows that share a value of every column with ``row``."""
        return self._with(row, [runs.any_of for runs in self._runs], 0)

    def _held(self, row: int) -> int:
        """The set of earlier rows that hold wherever ``row`` does."""
        return self._with(row, [runs.all_of for runs in self._runs], 1)

    def _with(self, row: int, finds: Sequence[Callable[[int, int], int]], kind: int) -> int:
        found = (1 << row) - 1
        for j, find in enumerate(finds):
            cell = self.rows.cells[j][row]
            key = j, kind, id(cell)
            if key not in self._pairs:
                places = np.searchsorted(self.codes[j], np.array(cell.ranges, np.intp).reshape(-1, 2))
                sets = [find(low, high) for low, high in places.tolist()]
                self._pairs[key] = reduce(and_ if kind else or_, sets, -1 if kind else 0)
            found &= self._pairs[key]
        return found

    @cached_property
    def _runs(self) -> list[_Runs]:
        pairs = zip(self.rows.possible, self.codes, strict=True)
        return [_Runs([possible[code] for code in codes.tolist()]) for possible, codes in pairs]

    # boxes ------------------------------------------------------------------------------------

    def _own(self, j: int, row: int) -> NDArray[np.intp]:
        """The possible codes that the cell of ``row`` in column ``j`` is true for."""
        codes = self.codes[j]
        inside = np.zeros(len(codes), bool)
        for low, high in self.rows.cells[j][row].ranges:
            inside |= (codes >= low) & (codes < high)
        return codes[inside]

    @cached_property
    def _reached(self) -> list[NDArray[np.intp]]:
        """The states and answers that known values lead to."""
        return self._states(self.codes)

    def _states(self, codes: Sequence[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        """The states that can be reached before each column, and at last the answers."""
        out = [np.zeros(1, np.intp)]
        for layer, column in zip(self.lookup.layers or (), codes, strict=True):
            out.append(np.unique(layer[np.ix_(out[-1], column)]).astype(np.intp))
        return out

    def _boxes(self, fault: str) -> Iterator[Box]:
        for i in self._reached[-1].tolist():
            if self.lookup.answers[i].fault == fault:
                yield from self._paths(i)

    def _paths(self, answer: int) -> Iterator[Box]:
        """Boxes that lead to ``answer``, together all the ways there."""
        yield from self._back(len(self.lookup.axes) - 1, answer)

    def _back(self, j: int, target: int) -> Iterator[Box]:
        if j < 0:
            yield ()
            return
        layer, states = (self.lookup.layers or [])[j], self._reached
        part = layer[np.ix_(states[j], self.codes[j])] == target
        for k in np.flatnonzero(part.any(axis=1)).tolist():
            for box in self._back(j - 1, int(states[j][k])):
                yield (*box, self.codes[j][part[k]])

    def _describe(self, box: Sequence[Sequence[int] | NDArray[np.intp]]) -> str:
        """The box as an expression would have it: the columns that matter only, ``-`` when none does."""
        parts = [words.of(np.array(codes)) for words, codes in zip(self.words, box, strict=True)]
        return " and ".join(part for part in parts if part) or "-"


class _Runs:
    """Unions and intersections of sets over runs of codes, most of them by blocks made before."""

    def __init__(self, sets: list[int]) -> None:
        self.sets = sets
        self.size = max(isqrt(len(sets)), 1)
        starts = range(0, len(sets), self.size)
        self.unions = [reduce(or_, sets[i : i + self.size]) for i in starts]
        self.sections = [reduce(and_, sets[i : i + self.size]) for i in starts]

    def any_of(self, low: int, high: int) -> int:
        """The rows in any set from ``low`` to before ``high``."""
        return reduce(or_, self._parts(low, high, self.unions), 0)

    def all_of(self, low: int, high: int) -> int:
        """The rows in every one of them; all rows (-1) when there is none."""
        return reduce(and_, self._parts(low, high, self.sections), -1)

    def _parts(self, low: int, high: int, blocks: list[int]) -> Iterator[int]:
        first, last = -(-low // self.size), high // self.size
        if first >= last:
            yield from self.sets[low:high]
            return
        yield from self.sets[low : first * self.size]
        yield from blocks[first:last]
        yield from self.sets[last * self.size : high]


def _merged(boxes: list[tuple[tuple[int, ...], ...]]) -> list[tuple[tuple[int, ...], ...]]:
    """The boxes with those that differ in one column only made one, the largest first."""
    for j in range(len(boxes[0]) if boxes else 0):
        alike: dict[tuple[tuple[int, ...], ...], set[int]] = {}
        for box in boxes:
            alike.setdefault((*box[:j], *box[j + 1 :]), set()).update(box[j])
        boxes = [(*rest[:j], tuple(sorted(codes)), *rest[j:]) for rest, codes in alike.items()]
    return sorted(boxes, key=lambda box: (-prod(map(len, box)), box))


def possible_codes(axis: Axis, span: Reach) -> NDArray[np.intp]:
    """The codes of ``axis`` that a value within ``span`` can have, "missing" left out."""
    if axis.base != "number":
        if span.values is None:
            return np.arange(axis.known)
        return np.unique(np.array([axis.code(value) for value in span.values], np.intp))
    return np.array([code for code in range(axis.known) if _touches(axis, code, span)], np.intp)


def _touches(axis: Axis, code: int, span: Reach) -> bool:
    i, is_point = divmod(code, 2)
    if is_point:
        point = axis.points[i]
        return bool(span.low <= point <= span.high) and not (
            span.whole and point != point.to_integral_value()
        )
    low = axis.points[i - 1] if i else Decimal("-Infinity")
    high = axis.points[i] if i < len(axis.points) else Decimal("Infinity")
    if span.whole and low.is_finite() and high.is_finite() and low.__floor__() + 1 >= high:
        return False
    return bool(low < span.high and span.low < high)


class _Words:
    """Sets of codes of one axis in words."""

    def __init__(self, axis: Axis, possible: NDArray[np.intp]) -> None:
        self.axis = axis
        self.possible = possible

    def of(self, codes: NDArray[np.intp]) -> str:
        """The set, or nothing when it is every possible value."""
        if len(codes) == len(self.possible):
            return ""
        name = self.axis.name
        runs = [
            [code for _, code in run]
            for _, run in itertools.groupby(
                enumerate(codes.tolist()), key=lambda pair: self._place(pair[1]) - pair[0]
            )
        ]
        if self.axis.base in ("text", "bool"):
            return f"{name} = {', '.join(self._one(code) for code in codes.tolist())}"
        if self.axis.base == "grade":
            spans = [_span(str(self.axis.points[run[0]]), str(self.axis.points[run[-1]])) for run in runs]
            return f"{name} = {', '.join(spans)}"
        return " / ".join(self._between(run[0], run[-1]) for run in runs)

    def _place(self, code: int) -> int:
        return int(np.searchsorted(self.possible, code))

    def _one(self, code: int) -> str:
        if self.axis.base == "text":
            points = self.axis.points
            return str(points[code]) if code < len(points) else f"not [{', '.join(map(str, points))}]"
        return "true" if code else "false"

    def _between(self, first: int, last: int) -> str:
        """A run of pieces of an ordered column, as cells are written."""
        name, points = self.axis.name, self.axis.points
        open_low, open_high = first == self.possible[0], last == self.possible[-1]
        if first == last and first % 2:
            return f"{name} = {show(points[first // 2])}"
        low = "" if open_low else f"{'>=' if first % 2 else '>'} {show(points[(first - 1) // 2])}"
        high = "" if open_high else f"{'<=' if last % 2 else '<'} {show(points[last // 2])}"
        return " and ".join(f"{name} {end}" for end in (low, high) if end)


def _span(best: str, worst: str) -> str:
    return best if best == worst else f"{best}..{worst}"
