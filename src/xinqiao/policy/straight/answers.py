"""Decision tables in written code: how the answer is found, and what it gives, rendered."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal

from xinqiao.kernel.canonical import canonical_json
from xinqiao.policy.axis import Axis
from xinqiao.policy.codegen import Code
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.logic import Value
from xinqiao.policy.lookup import Lookup
from xinqiao.policy.straight.pieces import head, value_json
from xinqiao.policy.straight.statements import Local, written
from xinqiao.policy.wording import show

Row = tuple[tuple[Value, ...], tuple[bytes, ...], bytes, bytes] | tuple[None, str, tuple[str, ...]]
"""What a table gives: values, their JSON, head and result of the step; or None, fault, blamed names."""


class Answers(dict[int, Row]):
    """What a table gives for each answer of its lookup, rendered when first met."""

    def __init__(self, step: TableStep, lookup: Lookup) -> None:
        super().__init__()
        self.step = step
        self.lookup = lookup

    def __missing__(self, place: int) -> Row:
        answer, table = self.lookup.answers[place], self.step.table
        if answer.fault:
            row: Row = (None, answer.fault, answer.blamed)
        else:
            values = self._values(answer.hits)
            detail = "row " + ", ".join(str(hit + 1) for hit in answer.hits)
            shown = {name: show(value) for name, value in zip(table.outputs, values, strict=True)}
            pieces = tuple(value_json(value) for value in values)
            row = (values, pieces, head(table.id, "ignore", detail), canonical_json(shown))
        self[place] = row
        return row

    def _values(self, hits: tuple[int, ...]) -> tuple[Value, ...]:
        """The outputs of the rows hit: the first row's, or the greatest of each column (collect-max)."""
        columns = zip(*(self.step.rows[hit][1] for hit in hits), strict=True)
        values = ([written(cell) for cell in column] for column in columns)
        if self.step.table.hit == "collect-max":
            return tuple(max(Decimal(number) for number in column) for column in values)
        return tuple(column[0] for column in values)


def find_answer(code: Code, lookup: Lookup, columns: list[Local]) -> str:
    """Code for the place of the answer: one step a column through the layers of ``lookup``."""
    if not lookup.lists:
        values = ", ".join(_exactly(local) for local in columns)
        return f"{code.constant(lookup.find)}(({values},))"
    state = "0"
    for axis, layer, local in zip(lookup.axes, lookup.lists, columns, strict=True):
        states = code.constant(layer if state != "0" else layer[0])
        place = f"{states}[{state}]" if state != "0" else states
        state = f"{place}[{_code(code, axis, local)}]"
    return state


def _code(code: Code, axis: Axis, local: Local) -> str:
    """The code of one column's value."""
    if local.floating:
        edges = code.constant([edge for edge in axis.edges.tolist() if edge == edge])  # noqa: PLR0124 - all but NaN
        code.constants["bisect_right"] = bisect_right
        return f"({axis.missing} if {local.raw} is None else bisect_right({edges}, {local.raw}))"
    if axis.base in ("grade", "bool"):
        known = {value: axis.code(value) for value in (*axis.points, None)}
        return f"{code.constant(known)}[{_exactly(local)}]"
    return f"{code.constant(axis.code)}({_exactly(local)})"


def _exactly(local: Local) -> str:
    local.used_exactly = True
    return local.exact
