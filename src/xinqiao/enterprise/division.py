"""Administrative divisions (行政区划, GB/T 2260), those that are and those that were since 1980.

``catalog/codes/divisions.csv``: code, name, the first edition (yyyymm) a name was seen in, and the last; an
empty ``last`` is in force, an empty ``first`` came after the edition of 2019-04. The months are those of
editions, so a change may have happened up to some years before it is seen.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

AFTER_EDITIONS = "201905"
"""What an empty ``first`` is taken for."""


@dataclass(frozen=True, slots=True)
class Division:
    """One name of a code: ``first`` and ``last`` are the editions (yyyymm) it was seen in, "" open."""

    code: str
    name: str
    first: str
    last: str

    @property
    def current(self) -> bool:
        """Whether the name is in force."""
        return not self.last


@cache
def divisions() -> Mapping[str, tuple[Division, ...]]:
    """Code -> its names, oldest first."""
    file = files("xinqiao").joinpath("catalog", "codes", "divisions.csv")
    found: dict[str, list[Division]] = {}
    for row in csv.DictReader(file.read_text("utf-8").splitlines()):
        found.setdefault(row["code"], []).append(Division(**row))
    return {code: tuple(names) for code, names in found.items()}


def division_on(code: str, day: date | None = None) -> Division | None:
    """The name of ``code`` on ``day`` (None: the latest), or None where the code had none by then or since.

    Before its first edition a code has the first name it came to have: numbers given to people born
    before 1980 were drawn from the divisions of the day they were given.
    """
    names = divisions().get(code, ())
    if day is None:
        return names[-1] if names else None
    month = f"{day:%Y%m}"
    return next((name for name in names if not name.last or month <= name.last), None)


@cache
def full_name(code: str) -> str | None:
    """Province, prefecture and county by their latest names: 浙江省杭州市临平区; None if unknown."""
    own = division_on(code)
    if own is None:
        return None
    levels = dict.fromkeys((code[:2] + "0000", code[:4] + "00", code))
    names = [found.name for level in levels if (found := division_on(level)) is not None]
    nameless = {
        "市辖区",
        "县",
        "省直辖县级行政区划",
        "自治区直辖县级行政区划",
    }  # levels that stand in for none
    return "".join(name for name in names if name not in nameless) or own.name
