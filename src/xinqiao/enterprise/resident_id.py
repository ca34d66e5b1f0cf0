"""Resident identity numbers (公民身份号码, GB 11643-1999): division, date of birth, sequence, check digit.

A number is personal information: what is shown or logged here never holds it. Store ``protect.keyed_hash``
and, where the number itself is needed later, ``protect.seal``; show ``masked``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from xinqiao.enterprise.division import division_on, divisions
from xinqiao.enterprise.identifier import Fault, fault, plain

LENGTH = 18
OLDEST_YEARS = 130

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FORM = re.compile(r"[0-9]{17}[0-9X]")
_SHOWN_FIRST, _SHOWN_LAST = 3, 4


@dataclass(frozen=True, slots=True)
class ResidentCheck:
    """The faults of a number, and what may be shown of it; the number itself is not kept."""

    masked: str
    faults: tuple[Fault, ...]

    @property
    def valid(self) -> bool:
        """Whether no fault is an error."""
        return all(each.level != "error" for each in self.faults)


def check_resident_id(text: str, as_of: date) -> ResidentCheck:
    """Every fault of a number as of a day: nobody is born later, or more than 130 years before."""
    code = plain(text)
    return ResidentCheck(masked(code), tuple(_faults(code, as_of)))


def check_digit(first17: str) -> str:
    """Position 18 from the 17 digits before it (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def birth_date(text: str) -> date | None:
    """The date of birth in a number, None if it holds none."""
    digits = plain(text)[6:14]
    try:
        return date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    except ValueError:
        return None


def masked(text: str) -> str:
    """What may be shown: the first three and the last four characters; none of a text of another form."""
    code = plain(text)
    if _FORM.fullmatch(code) is None:
        return "*" * min(len(code), LENGTH)
    return code[:_SHOWN_FIRST] + "*" * (LENGTH - _SHOWN_FIRST - _SHOWN_LAST) + code[-_SHOWN_LAST:]


def _faults(code: str, as_of: date) -> Iterator[Fault]:
    if len(code) != LENGTH:
        yield fault("length", wanted=LENGTH, found=len(code))
        return
    if _FORM.fullmatch(code) is None:
        yield fault("resident_alphabet")
        return
    if code[17] != check_digit(code[:17]):
        yield fault("resident_check")
    born, first = birth_date(code), date(as_of.year - OLDEST_YEARS, 1, 1)
    if born is None:
        yield fault("birth_date")
    elif not first <= born <= as_of:
        yield fault("birth_range", first=first, last=as_of)
    if code[:6] not in divisions():
        yield fault("birth_division_unknown")
    elif born is not None and division_on(code[:6], born) is None:
        yield fault("birth_division_ended")
