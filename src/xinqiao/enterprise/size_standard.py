"""The size standard as a file: which industry has which lower bounds, and which has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from xinqiao.enterprise.industry import classes, find_industry
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Indicator = Literal["staff", "revenue_10k", "assets_10k"]


INDICATORS: tuple[Indicator, ...] = ("staff", "revenue_10k", "assets_10k")


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Document):
    """An indicator of the standard: its unit and the largest value that can be meant."""

    name: Text
    unit: Text
    most: int


class Covered(_Document):
    """An industry of the standard; ``lower``: indicator -> lower bounds of small, medium and large."""

    id: str
    name: Text
    codes: tuple[str, ...]
    lower: dict[Indicator, tuple[int, int, int]]


class NotCovered(_Document):
    """Industries the standard leaves out, and in which words."""

    name: Text
    codes: tuple[str, ...]
    why: Text


class _Standard(_Document):
    id: str
    indicators: dict[Indicator, Measured]
    industries: tuple[Covered, ...]
    not_covered: tuple[NotCovered, ...]


Part = Covered | NotCovered


@dataclass(frozen=True, slots=True)
class Standard:
    """``parts``: full code of an entry of GB/T 4754 -> the lines its classes fall under."""

    indicators: Mapping[Indicator, Measured]
    industries: tuple[Covered, ...]
    parts: Mapping[str, tuple[Part, ...]]


@cache
def standard() -> Standard:
    """The standard in force. Raises UserError ENT-SIZE-CATALOG or what ``kernel.document`` does."""
    file = files("xinqiao").joinpath("catalog", "size", "standard_2017.yaml")
    document, _ = parse(file.read_text("utf-8"), _Standard, file.name)
    return Standard(document.indicators, document.industries, _parts(document, file.name))


def _parts(document: _Standard, where: str) -> dict[str, tuple[Part, ...]]:
    lines: tuple[Part, ...] = (*document.industries, *document.not_covered)
    of_class: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        for code in line.codes:
            entry = find_industry(code)
            if entry is None:
                fail("ENT-SIZE-CATALOG", where, detail=code)
            for each in classes()[entry.code]:
                of_class.setdefault(each.code, []).append(place)
    found: dict[str, tuple[Part, ...]] = {}
    for code, below in classes().items():
        places = [of_class.get(each.code, []) for each in below]
        if wrong := [each.code for each, at in zip(below, places, strict=True) if len(at) != 1]:
            fail("ENT-SIZE-CATALOG", where, detail=", ".join(wrong))
        found[code] = tuple(lines[at] for at in dict.fromkeys(at[0] for at in places))
    return found
