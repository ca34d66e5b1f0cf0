"""Values of expressions and three-valued logic (Kleene 1938): true, false, unknown.

``None`` is a missing value or an unknown condition. Numbers are Decimal with 34 digits (IEEE 754
decimal128), so money is exact and repeatable.
"""

from __future__ import annotations

from collections.abc import Iterable
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

from xinqiao.policy.format import Rounding

Value = Decimal | str | bool | None
Given = Value | float
"""A value as it was given: a float stands for its shortest decimal."""

ARITHMETIC = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_GUARDED = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
_MODES: dict[Rounding, str] = {
    "down": ROUND_DOWN,
    "up": ROUND_UP,
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
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
    """``value`` as a whole multiple of ``step`` (> 0), rounded by ``mode``.

    The last six of 34 digits only guard: 4,000,000 / 12 * 3 is a million, not a step less.
    """
    steps = _GUARDED.divide(value, step).to_integral_value(_MODES[mode], ARITHMETIC)
    return ARITHMETIC.multiply(steps, step)


@lru_cache(maxsize=4096, typed=True)
def exact(value: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth."""
    return Decimal(repr(value))


def exact_of(value: Given) -> Value:
    """A given value with numbers as Decimals."""
    return exact(value) if isinstance(value, float) else value


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
