"""A part of a worked case as given (算例原文): read by key, so that what isn't known is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.loan.terms import DayCount

DAY_COUNTS: dict[str, DayCount] = {
    "ACT/360": "ACT/360",
    "ACT/364": "ACT/364",
    "ACT/365F": "ACT/365F",
    "ACT/365": "ACT/365F",
    "ACT/ACT": "ACT/ACT",
    "30/360": "30/360",
}
ANY_DAY = date(2024, 1, 1)
"""Where a case draws nothing and names no start."""
LONGEST = 3660
"""Instalments of a case at most: ten years of days."""
CENT_PLACES = 2
FINEST = 9
"""Decimals of an amount at most."""
PRECISEST = 99
DIGITS = 18
"""Digits of a number at most, before the point or of nothing behind it."""
MOST = 10**7
"""A count or a number of days at most."""


def number_of(value: object) -> Decimal | None:
    """A number of a size that money and rates have, written as one; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except (ArithmeticError, ValueError):
        return None
    return found if found.is_finite() and abs(found.adjusted()) <= DIGITS else None


@dataclass(slots=True)
class Given:
    """The terms of a case as given; ``faults`` are what could not be read. Remembers what was asked for."""

    case: str
    values: Mapping[str, Any]
    faults: list[UserError] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def get(self, *names: str) -> Any:  # noqa: ANN401 - plain JSON
        """The value of the first of ``names`` that is there."""
        self.asked.update(names)
        return next((self.values[name] for name in names if self.values.get(name) is not None), None)

    def number(self, *names: str, default: Decimal | None = None) -> Decimal:
        """A number; a fault where it isn't there and there is no default."""
        value = self.get(*names)
        if value is None:
            if default is None:
                raise user_error("LON-CASE-ABSENT", self.case, key=names[0])
            return default
        found = number_of(value)
        if found is None:
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=value)
        return found

    def whole(self, *names: str, default: int | None = None, least: int = 0, most: int = MOST) -> int:
        """A whole number from ``least`` to ``most``; a fault where it isn't one or isn't there."""
        found = self.number(*names, default=None if default is None else Decimal(default))
        if found != found.to_integral_value() or not least <= found <= most:
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=found)
        return int(found)

    def above(self, *names: str) -> Decimal | None:
        """A number above nothing; None where it isn't there."""
        if self.get(*names) is None:
            return None
        found = self.number(*names)
        if found <= 0:
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=found)
        return found

    def word(self, *names: str, default: str) -> str:
        """A word or a phrase; a fault where it is none."""
        value = self.get(*names)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=repr(value))
        return value

    def rows(self, *names: str) -> tuple[Any, ...]:
        """A list; empty where it isn't there, a fault where it is none."""
        value = self.get(*names)
        if not isinstance(value, list | None):
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=value)
        return tuple(value or ())

    def day(self, *names: str) -> date | None:
        """A day; None where it isn't there, a fault where it is none."""
        value = self.get(*names)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=value) from None

    def must_day(self, *names: str) -> date:
        """A day that has to be there."""
        found = self.day(*names)
        if found is None:
            raise user_error("LON-CASE-ABSENT", self.case, key=names[0])
        return found

    def inner(self, *names: str) -> Given:
        """An object inside, whose unknown keys are faults of this one."""
        found = self.get(*names)
        if not isinstance(found, dict | None):
            raise user_error("LON-CASE-WORD", self.case, key=names[0], value=found)
        return Given(self.case, found or {}, self.faults)

    def fault(self, key: str, value: object) -> None:
        """Note a word that isn't known."""
        self.faults.append(user_error("LON-CASE-WORD", self.case, key=key, value=value))

    def finish(self) -> None:
        """Note the keys nothing asked for."""
        for name in self.values:
            if name not in self.asked:
                self.faults.append(user_error("LON-CASE-KEY", self.case, key=name))


def words(value: object) -> str:
    """A phrase in small letters, parted by single spaces."""
    return " ".join(re.split(r"[\s_]+", str(value).lower()))
