"""Cells of decision tables, turned into the trees every other expression becomes.

An input cell is ``-`` (any), a value, ``>= 0.8``, a range ``0.2..0.5`` (both ends in),
``[0.2..0.5)`` (``(`` or ``)`` leaves an end out), a list ``[A, B]``, a grade span ``A..C``,
or ``not`` before a list, span or value.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import Compare, Const, Items, Logic, Name, Node, Unary
from xinqiao.policy.format import Cell
from xinqiao.policy.kinds import Base, Kind

_COMPARISON = re.compile(r"(<=|>=|==|!=|<|>)\s*(.+)")
_RANGE = re.compile(r"([\[(]?)\s*([^\s\[\]()]+?)\s*\.\.\s*([^\s\[\]()]+)\s*([\])]?)")
_LIST = re.compile(r"\[(.*)\]")
ANY = Const(1, value=True)


class Cells:
    """Reads the cells of one policy; ``grades`` best first."""

    def __init__(self, grades: tuple[str, ...]) -> None:
        self.grades = grades
        self._read: dict[tuple[str, Base, type, Cell], Node] = {}

    def condition(self, name: str, kind: Kind, cell: Cell, where: str) -> Node:
        """The tree of an input cell: a condition on ``name``, which has ``kind``; equal cells share it.

        Raises UserError POL-ROW or POL-GRADE.
        """
        key = name, kind.base, type(cell), cell
        if key not in self._read:
            self._read[key] = self._condition(name, kind, cell, where)
        return self._read[key]

    def _condition(self, name: str, kind: Kind, cell: Cell, where: str) -> Node:  # noqa: PLR0911 - one return per form
        if not isinstance(cell, str):
            return Compare(1, "==", Name(1, name), self._plain(cell, kind, where))
        text = cell.strip()
        if text == "-":
            return ANY
        if text.startswith("not "):
            inner = self._condition(name, kind, text[4:], where)
            if inner is ANY:
                fail("POL-ROW", where, detail=f"{text!r} is never true")
            return Unary(1, "not", inner)
        if found := _COMPARISON.fullmatch(text):
            return Compare(1, found[1], Name(1, name), self._constant(found[2], kind, where))
        if found := _RANGE.fullmatch(text):
            return self._range(name, kind, found, where)
        if found := _LIST.fullmatch(text):
            items = tuple(self._constant(item.strip(), kind, where) for item in found[1].split(","))
            return Compare(1, "in", Name(1, name), Items(1, items))
        return Compare(1, "==", Name(1, name), self._constant(text, kind, where))

    def output(self, kind: Kind, cell: Cell, where: str) -> Const:
        """The value of an output cell, which must have ``kind``."""
        if isinstance(cell, str):
            return self._constant(cell.strip(), kind, where)
        return self._plain(cell, kind, where)

    def _plain(self, value: bool | float, kind: Kind, where: str) -> Const:  # noqa: FBT001 - the value of a cell, not a switch
        base = "bool" if isinstance(value, bool) else "number"
        if base != kind.base:
            fail("POL-ROW", where, detail=f"{value!r} in a column of {kind}")
        if not math.isfinite(value):  # YAML writes .nan and .inf as numbers
            fail("POL-ROW", where, detail=f"{value!r} is not a number")
        return Const(1, value)

    def _constant(self, text: str, kind: Kind, where: str) -> Const:
        match kind.base:
            case "number":
                return Const(1, _number(text, where))
            case "grade":
                if text not in self.grades:
                    fail("POL-GRADE", where, grade=text, known=", ".join(self.grades))
            case "bool":
                if text not in ("true", "false"):
                    fail("POL-ROW", where, detail=f"{text!r} in a column of {kind}")
                return Const(1, text == "true")
            case _ if not text:
                fail("POL-ROW", where, detail="an empty value")
        return Const(1, text)

    def _range(self, name: str, kind: Kind, found: re.Match[str], where: str) -> Node:
        opening, low_text, high_text, closing = found.groups()
        if bool(opening) != bool(closing):
            fail("POL-ROW", where, detail=f"{found[0]}: brackets on both ends or on none")
        low, high = self._constant(low_text, kind, where), self._constant(high_text, kind, where)
        if kind.base == "grade":
            return self._span(name, low, high, found, where)
        if kind.base not in ("number", "date"):
            fail("POL-ROW", where, detail=f"{found[0]}: {kind} has no ranges")
        if not _ordered(low, high, strict="(" in opening or ")" in closing):
            fail("POL-ROW", where, detail=f"{found[0]}: the range is empty")
        lower = Compare(1, ">" if opening == "(" else ">=", Name(1, name), low)
        upper = Compare(1, "<" if closing == ")" else "<=", Name(1, name), high)
        return Logic(1, "and", (lower, upper))

    def _span(self, name: str, best: Const, worst: Const, found: re.Match[str], where: str) -> Node:
        first, last = self.grades.index(str(best.value)), self.grades.index(str(worst.value))
        if first > last or found[1]:
            fail("POL-ROW", where, detail=f"{found[0]}: a span goes from the better to the worse grade")
        span = tuple(Const(1, grade) for grade in self.grades[first : last + 1])
        return Compare(1, "in", Name(1, name), Items(1, span))


def _number(text: str, where: str) -> int | float:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        fail("POL-ROW", where, detail=f"{text!r} is not a number")
    return int(value) if value == value.to_integral_value() and value.adjusted() < 18 else float(text)  # noqa: PLR2004 - int64 holds 18 digits


def _ordered(low: Const, high: Const, *, strict: bool) -> bool:
    a, b = (c.value for c in (low, high))
    if isinstance(a, str) or isinstance(b, str):
        return str(a) < str(b) or (str(a) == str(b) and not strict)
    return a < b or (a == b and not strict)
