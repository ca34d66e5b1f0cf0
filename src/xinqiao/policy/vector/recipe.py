"""How a value was reckoned, so that one row of it can be reckoned again in decimals.

A recipe is the name of a plain column, a written number, or an operation on recipes::

    ("*", ("/", "c2", "12.0"), "v7")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, DecimalException
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.policy.logic import ARITHMETIC, exact

Recipe = str | tuple["str | Recipe", ...]
"""An operation's name comes first; ``choose`` has the column of its condition next."""


def columns_of(recipe: Recipe) -> tuple[str, ...]:
    """The columns a recipe reads, each once."""
    return tuple(dict.fromkeys(name for name in _leaves(recipe) if not is_written(name)))


def is_written(name: str) -> bool:
    """Whether ``name`` is a written number and not a column, buffer or constant."""
    return name[0] not in "cvkAN"


def _leaves(recipe: Recipe) -> Iterator[str]:
    if isinstance(recipe, str):
        yield recipe
    else:
        for part in recipe[1:]:
            yield from _leaves(part)


class Cook:
    """Reckons a recipe in decimals, as a single decision does."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.names = columns_of(recipe)

    def values(self, columns: Sequence[npt.NDArray[Any]], rows: npt.NDArray[np.intp]) -> list[Decimal | None]:
        """The exact values of ``rows``; None where there is none."""
        picked = [column[rows].tolist() for column in columns]
        named = [dict(zip(self.names, row, strict=True)) for row in zip(*picked, strict=True)]
        return [self._value(self.recipe, row) for row in (named if picked else [{}] * len(rows))]

    def _value(self, recipe: Recipe, row: Mapping[str, float]) -> Decimal | None:
        if isinstance(recipe, str):
            number = float(recipe) if is_written(recipe) else row[recipe]
            return exact(number) if np.isfinite(number) else None
        word, *parts = recipe
        if word == "choose":
            return self._value(parts[1] if row[str(parts[0])] else parts[2], row)
        sides = [self._value(part, row) for part in parts]
        if None in sides:
            return None
        try:
            return _OPERATIONS[str(word)](*sides)
        except DecimalException:
            return None


_OPERATIONS: dict[str, Callable[..., Decimal]] = {
    "+": ARITHMETIC.add,
    "-": ARITHMETIC.subtract,
    "*": ARITHMETIC.multiply,
    "/": ARITHMETIC.divide,
    "**": ARITHMETIC.power,
    "negative": ARITHMETIC.minus,
    "abs": ARITHMETIC.abs,
    "min": min,
    "max": max,
}
