"""From a tree of `kernel.expression` to an Ibis value.

Rules of arithmetic, the same on every engine: ``+ -`` keep integers exact; ``*``, ``/`` and ``**``
are done in float64, so that no product of cents overflows; division by zero is null.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import ibis

from xinqiao.indicator.function import AGGREGATE, SCALAR, Value
from xinqiao.kernel.expression import (
    Binary,
    Call,
    Choose,
    Compare,
    Const,
    Items,
    Logic,
    Name,
    Node,
    Unary,
    walk,
)

_HOURS = 24
AS_OF = "as_of"
"""The name of the date T in every expression."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: the columns of a table, and the date T."""

    table: Value
    as_of: date

    def compile(self, node: Node) -> Value:  # noqa: PLR0911 - one return per node kind
        """The Ibis value of ``node``; names and functions were checked when the catalog was loaded."""
        match node:
            case Const(value=value):
                return _literal(value)
            case Name(id=name):
                return ibis.literal(self.as_of) if name == AS_OF else self.table[name]
            case Unary(op="-", operand=operand):
                return -self.compile(operand)
            case Unary(operand=operand):
                return ~self.compile(operand)
            case Binary(op=op, left=left, right=right):
                return _arithmetic(op, self.compile(left), self.compile(right))
            case Compare():
                return self._compare(node)
            case Logic(op=op, parts=parts):
                return self._logic(op, parts)
            case Choose(test=test, then=then, other=other):
                return ibis.ifelse(self.compile(test), self.compile(then), self.compile(other))
            case Call():
                return self._call(node)
            case _:
                message = f"no meaning for {type(node).__name__}"
                raise TypeError(message)

    def _compare(self, node: Compare) -> Value:  # noqa: PLR0911 - one return per operator
        if (clock := _clock(node)) is not None:
            node = clock
        left = self.compile(node.left)
        if isinstance(node.right, Items):
            known = left.isin([self.compile(item) for item in node.right.items])
            return ~known if node.op == "not-in" else known
        right = self.compile(node.right)
        match node.op:
            case "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case "<=":
                return left <= right
            case ">":
                return left > right
            case _:
                return left >= right

    def _logic(self, op: str, parts: tuple[Node, ...]) -> Value:
        values = [self.compile(part) for part in parts]
        out = values[0]
        for value in values[1:]:
            out = out & value if op == "and" else out | value
        return out

    def _call(self, node: Call) -> Value:
        function = SCALAR.get(node.function) or AGGREGATE[node.function]
        if node.function == "count":
            return function.build(self.as_of, self.table)
        args = [
            arg.value if place >= function.constants_from and isinstance(arg, Const) else self.compile(arg)
            for place, arg in enumerate(node.args)
        ]
        return function.build(self.as_of, *args)


def _clock(node: Compare) -> Compare | None:
    """``hour(t) < 6`` as ``t < "06"``: the lake's times are HH:MM:SS, which sort as texts."""
    match node:
        case Compare(
            op="<" | ">=", left=Call(function="hour", args=(time,)), right=Const(value=int(hour))
        ) if 0 <= hour < _HOURS and not isinstance(hour, bool):
            return replace(node, left=time, right=Const(node.column, f"{hour:02d}"))
        case _:
            return None


def _literal(value: float | str | bool) -> Value:  # noqa: FBT001 - a truth value of the expression language
    if isinstance(value, bool | str):
        return ibis.literal(value)
    return ibis.literal(value, type="int64" if isinstance(value, int) else "float64")


def _arithmetic(op: str, left: Value, right: Value) -> Value:
    if op in {"+", "-"}:
        return left + right if op == "+" else left - right
    left, right = left.cast("float64"), right.cast("float64")
    if op == "*":
        return left * right
    return left / right.nullif(0.0) if op == "/" else left**right


def aggregates(node: Node) -> bool:
    """Whether ``node`` calls an aggregate function."""
    return any(isinstance(n, Call) and n.function in AGGREGATE for n in walk(node))


def zero_over_nothing(node: Node) -> bool:
    """Whether a measure is 0, not missing, for a covered company without rows."""
    return isinstance(node, Call) and node.function in AGGREGATE and AGGREGATE[node.function].zero
