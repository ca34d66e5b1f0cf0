"""Which column of somebody's table is which field, by ``catalog/codes/headings.yaml``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail

_WITH_UNIT = re.compile(r"(.+?)\((.+)\)")


class Column(BaseModel):
    """The headings of a field; ``units``: unit in brackets -> what it is worth in the field's own unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headings: tuple[str, ...]
    units: dict[str, str] = {}


class _Headings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, Column]


@dataclass(frozen=True, slots=True)
class Found:
    """The column of a field as the table calls it, and the factor to the field's own unit."""

    column: str
    factor: Decimal


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if not c.isspace() and c != "_")


@cache
def headings() -> dict[str, Column]:
    """Every field with its headings."""
    file = files("xinqiao").joinpath("catalog", "codes", "headings.yaml")
    document, _ = parse(file.read_text("utf-8"), _Headings, file.name)
    return document.columns


def find_headings(
    columns: Sequence[str], fields: Sequence[str], required: Sequence[str], where: str
) -> dict[str, Found]:
    """Field -> its column, for those of ``fields`` that the table has.

    Raises UserError ENT-HEADING (a required field has no column), ENT-HEADING-TWICE (two columns for one
    field), ENT-HEADING-UNIT (a unit in brackets that is not known; a guess would be wrong by a power of ten).
    """
    found: dict[str, Found] = {}
    for column in columns:
        for field in fields:
            factor = _factor(column, headings()[field], where)
            if factor is None:
                continue
            if field in found:
                fail("ENT-HEADING-TWICE", where, first=found[field].column, second=column)
            found[field] = Found(column, factor)
    if missing := [field for field in required if field not in found]:
        wanted = "; ".join("/".join(headings()[field].headings) for field in missing)
        fail("ENT-HEADING", where, wanted=wanted, found=", ".join(columns)[:2_000])
    return found


def _factor(column: str, told: Column, where: str) -> Decimal | None:
    """The factor of the column if its heading is one of the field's, else None."""
    names = {_plain(heading) for heading in told.headings}
    plain = _plain(column)
    if plain in names:
        return Decimal(1)
    match = _WITH_UNIT.fullmatch(plain)
    if match is None or match.group(1) not in names:
        return None
    units = {_plain(unit): Decimal(factor) for unit, factor in told.units.items()}
    if match.group(2) not in units:
        fail("ENT-HEADING-UNIT", where, column=column, units=", ".join(told.units) or "-")
    return units[match.group(2)]
