"""Conditions on a company's values, for one row and for columns alike: three-valued, with NumPy.

The part of the catalog's expression language that a segment needs: comparisons of a name with a written
value, ``in`` a list, ``and``/``or``/``not`` and ``missing(name)``. A comparison with a missing value is
unknown (Kleene); sums and products belong into an indicator.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import (
    Call,
    Compare,
    Const,
    Items,
    Logic,
    Name,
    Node,
    Unary,
    names,
    parse_expression,
)

Flags = NDArray[np.bool_]
Given = Mapping[str, NDArray[Any]]
"""Name -> values: float64 with NaN for missing, or objects str and None."""

_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a condition is true and where it is false, shape (rows,); elsewhere it is unknown."""

    true: Flags
    false: Flags


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition; ``names`` are the columns it reads."""

    node: Node
    names: tuple[str, ...]

    def truth(self, given: Given) -> Truth:
        """Its truth by row."""
        return _truth(self.node, given)


def read_condition(text: str, texts: Collection[str], where: str) -> Condition:
    """The condition written in ``text``; names in ``texts`` hold texts, all others numbers.

    Raises UserError EXPR-* or SCR-CONDITION, naming ``where``.
    """
    node = parse_expression(text, where)
    _check(node, texts, where)
    return Condition(node, names(node))


def _check(node: Node, texts: Collection[str], where: str) -> None:
    """Refuse what is no condition or compares values of two kinds."""
    at = f"{where}:{node.column}"
    match node:
        case Logic(parts=parts):
            for part in parts:
                _check(part, texts, where)
        case Unary(op="not", operand=operand):
            _check(operand, texts, where)
        case Call(function="missing", args=(Name(),)):
            return
        case Compare(op=op):
            name, _, values = _sides(node) or fail("SCR-CONDITION", at, detail="name, value / 名称与写定的值")
            text = name in texts
            if any(isinstance(v, bool) or isinstance(v, str) != text for v in values):
                fail("SCR-CONDITION", at, detail=f"{name}: {'text' if text else 'number'}")
            if text and op in ("<", "<=", ">", ">="):
                fail("SCR-CONDITION", at, detail=f"{name} {op}")
        case _:
            fail("SCR-CONDITION", at, detail=type(node).__name__)


def _sides(node: Compare) -> tuple[str, str, tuple[Any, ...]] | None:
    """Name, operator and written values of a comparison, the name first."""
    match node:
        case Compare(left=Name(id=name), right=Items(items=items)) if all(map(_written, items)):
            return name, node.op, tuple(map(_value, items))
        case Compare(left=Name(id=name), right=right) if _written(right) and node.op in _OPS:
            return name, node.op, (_value(right),)
        case Compare(left=left, right=Name(id=name)) if _written(left) and node.op in _OPS:
            return name, _MIRRORED[node.op], (_value(left),)
        case _:
            return None


def _written(node: Node) -> bool:
    return isinstance(node, Const) or (
        isinstance(node, Unary) and node.op == "-" and isinstance(node.operand, Const)
    )


def _value(node: Node) -> Any:  # noqa: ANN401 - a written number or text
    if isinstance(node, Unary) and isinstance(node.operand, Const):
        return -float(node.operand.value)
    return node.value if isinstance(node, Const) else None


def _truth(node: Node, given: Given) -> Truth:
    match node:
        case Logic(op=op, parts=parts):
            found = [_truth(part, given) for part in parts]
            trues, falses = [t.true for t in found], [t.false for t in found]
            if op == "and":
                return Truth(np.logical_and.reduce(trues), np.logical_or.reduce(falses))
            return Truth(np.logical_or.reduce(trues), np.logical_and.reduce(falses))
        case Unary(operand=operand):
            inner = _truth(operand, given)
            return Truth(inner.false, inner.true)
        case Call(args=(Name(id=name),)):
            absent = _absent(given[name])
            return Truth(absent, ~absent)
        case Compare():
            return _compared(node, given)
        case _:
            raise TypeError(type(node).__name__)  # refused when the condition was read


def _compared(node: Compare, given: Given) -> Truth:
    name, op, values = _sides(node) or ("", "", ())
    column = given[name]
    known = ~_absent(column)
    if op in _OPS:
        holds = np.asarray(_OPS[op](column, values[0]), dtype=bool)
    else:
        holds = np.isin(column, np.asarray(values, dtype=column.dtype)) ^ (op == "not-in")
    return Truth(known & holds, known & ~holds)


def _absent(column: NDArray[Any]) -> Flags:
    if column.dtype == object:
        return np.fromiter((value is None for value in column.tolist()), dtype=bool, count=len(column))
    out: Flags = np.isnan(column)
    return out
