"""The loan prime rate (贷款市场报价利率, LPR) of a day, from the dated table of the catalog."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.lending.product_format import LprRow, Part

FIVE_YEARS = 60
"""Terms from here on take the rate for five years and more."""


class _File(Part):
    rates: list[LprRow]


@cache
def lpr_table() -> tuple[LprRow, ...]:
    """All publications, oldest first."""
    path = files("xinqiao").joinpath("catalog", "lpr.yaml")
    rows = parse(path.read_text("utf-8"), _File, path.name)[0].rates
    return tuple(sorted(rows, key=lambda row: row.published))


def lpr(on: date, term_months: int) -> Decimal:
    """The rate in force on a day for a loan of ``term_months``.

    Raises UserError LND-LPR where none is known: a rate is never made up.
    """
    row = published(on)
    rate = None if row is None else row.five_years if term_months >= FIVE_YEARS else row.one_year
    if rate is None:
        fail("LND-LPR", "lpr.yaml", on=on, months=term_months)
    return rate


def published(on: date) -> LprRow | None:
    """The last publication by ``on``."""
    rows = [row for row in lpr_table() if row.published <= on]
    return rows[-1] if rows else None
