"""Values of expressions under three-valued logic (Kleene 1938): true, false, unknown.

``None`` is a missing value or an unknown condition. A comparison with a missing value is unknown;
arithmetic on one is missing, and so is division by zero; only ``missing(x)`` sees it.
Numbers are Decimal with 34 digits (IEEE 754 decimal128), so money is exact and repeatable.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from functools import lru_cache
from typing import Any

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
    children,
)
from xinqiao.policy.format import Rounding

Value = Decimal | str | bool | None
Given = Value | float
"""A value as it was given: a float stands for its shortest decimal."""

ARITHMETIC = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_MODES: dict[Rounding, str] = {
    "down": ROUND_DOWN,
    "up": ROUND_UP,
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def kleene_and(parts: Iterable[bool | None]) -> bool | None:
    """False when any part is false, else unknown when any is unknown."""
    unknown = False
    for part in parts:
        if part is False:
            return False
        unknown |= part is None
    return None if unknown else True


def kleene_or(parts: Iterable[bool | None]) -> bool | None:
    """True when any part is true, else unknown when any is unknown."""
    return kleene_not(kleene_and(kleene_not(part) for part in parts))


def kleene_not(part: bool | None) -> bool | None:  # noqa: FBT001 - a truth value, not a switch
    """Unknown stays unknown."""
    return None if part is None else not part


def round_to(value: Decimal, step: Decimal, mode: Rounding) -> Decimal:
    """``value`` as a whole multiple of ``step`` (> 0), rounded by ``mode``."""
    steps = ARITHMETIC.divide(value, step).to_integral_value(_MODES[mode], ARITHMETIC)
    return ARITHMETIC.multiply(steps, step)


@lru_cache(maxsize=4096, typed=True)
def exact(value: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth."""
    return Decimal(repr(value))


def exact_of(value: Given) -> Value:
    """A given value with numbers as Decimals."""
    return exact(value) if isinstance(value, float) else value


class Evaluator:
    """Evaluates trees over ``values``; every name of a checked policy must be in there.

    ``rank`` gives each grade its place, best first.
    """

    def __init__(self, values: Mapping[str, Value], rank: Mapping[str, int]) -> None:
        self.values = values
        self.rank = rank

    def truth(self, node: Node) -> bool | None:
        """The truth of a condition."""
        value = self.value(node)
        if value is None or isinstance(value, bool):
            return value
        message = f"not a condition: {node}"  # the checker lets no such policy through
        raise TypeError(message)

    def number(self, node: Node) -> Decimal | None:
        """The value of a numeric expression."""
        value = self.value(node)
        if value is None or isinstance(value, Decimal):
            return value
        message = f"not a number: {node}"
        raise TypeError(message)

    def value(self, node: Node) -> Value:  # noqa: C901, PLR0911 - one return per node kind
        """The value of any expression."""
        match node:
            case Name(id=name):
                return self.values[name]
            case Const(value=bool() | str() as plain):
                return plain
            case Const(value=number):
                return exact(number)
            case Logic(op="and", parts=parts):
                return kleene_and(self.truth(part) for part in parts)
            case Logic(parts=parts):
                return kleene_or(self.truth(part) for part in parts)
            case Compare():
                return self._compare(node)
            case Unary(op="not", operand=operand):
                return kleene_not(self.truth(operand))
            case Unary(operand=operand):
                number_ = self.number(operand)
                return None if number_ is None else ARITHMETIC.minus(number_)
            case Binary(op=op, left=left, right=right):
                return arithmetic(op, self.number(left), self.number(right))
            case Choose(test=test, then=then, other=other):
                chosen = self.truth(test)
                return None if chosen is None else self.value(then if chosen else other)
            case Call(function=function, args=args):
                return self._call(function, args)
            case _:
                message = f"cannot be evaluated: {node}"
                raise TypeError(message)

    def blame(self, node: Node) -> tuple[str, ...]:
        """The missing names that leave ``node`` without a value, each once.

        An empty name stands for a place where known values give none (division by zero).
        """
        if isinstance(node, Name):
            return (node.id,) if self.values[node.id] is None else ()
        if self.value(node) is not None:
            return ()
        parts: tuple[Node, ...] = children(node)
        if isinstance(node, Choose):
            chosen = self.truth(node.test)
            parts = (node.test,) if chosen is None else (node.then if chosen else node.other,)
        elif isinstance(node, Compare) and isinstance(node.right, Items):
            parts = (node.left, *node.right.items)
        found = tuple(dict.fromkeys(name for part in parts for name in self.blame(part)))
        return found or ("",)

    def _compare(self, node: Compare) -> bool | None:
        left = self.value(node.left)
        if node.op not in ("in", "not-in"):
            return compare(node.op, left, self.value(node.right))
        items = node.right.items if isinstance(node.right, Items) else ()
        found = kleene_or(compare("==", left, self.value(item)) for item in items)
        if left is None:
            return None
        return found if node.op == "in" else kleene_not(found)

    def _call(self, function: str, args: tuple[Node, ...]) -> Value:
        values = [self.value(arg) for arg in args]
        if function == "missing":
            return values[0] is None
        if any(value is None for value in values):
            return None
        if function in ("worse_than", "better_than"):
            left, right = (self.rank[str(value)] for value in values)
            return left > right if function == "worse_than" else left < right
        return apply(function, [value for value in values if isinstance(value, Decimal)])


def compare(op: str, left: Value, right: Value) -> bool | None:
    """One comparison; unknown when a side is missing."""
    return None if left is None or right is None else _COMPARE[op](left, right)


def arithmetic(op: str, left: Decimal | None, right: Decimal | None) -> Decimal | None:  # noqa: PLR0911 - one return per operator
    """One operation; missing when a side is, on division by zero and on overflow."""
    if left is None or right is None:
        return None
    try:
        match op:
            case "+":
                return ARITHMETIC.add(left, right)
            case "-":
                return ARITHMETIC.subtract(left, right)
            case "*":
                return ARITHMETIC.multiply(left, right)
            case "/":
                return ARITHMETIC.divide(left, right)
            case _:
                return ARITHMETIC.power(left, right)
    except DecimalException:
        return None


def apply(function: str, values: list[Decimal]) -> Decimal | None:
    """A numeric function of known numbers; missing where it has no value."""
    try:
        match function:
            case "min":
                return min(values)
            case "max":
                return max(values)
            case "abs":
                return ARITHMETIC.abs(values[0])
            case "round_down":
                return round_to(values[0], values[1], "down")
            case _:
                return round_to(values[0], values[1], "half_up")
    except DecimalException:
        return None
