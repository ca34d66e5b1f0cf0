"""Working capital a firm needs (营运资金量), by the formula of the rules on working capital loans.

The same formula is a limit template for products: ``limit: {use: working_capital}`` (catalog/components).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from xinqiao.kernel.errors import fail

YEAR_DAYS = 360
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """Days each kind of working capital is tied up, or lent to the firm."""

    stock: Decimal
    receivable: Decimal
    payable: Decimal
    prepaid: Decimal = Decimal(0)
    advances: Decimal = Decimal(0)

    @property
    def days(self) -> Decimal:
        """Days from paying for goods to being paid."""
        return self.stock + self.receivable - self.payable + self.prepaid - self.advances


@dataclass(frozen=True, slots=True)
class Need:
    """Working capital needed, and what of it is still to be lent; CNY, both 0 at least."""

    volume_cny: Decimal
    new_cny: Decimal


def wc_need(
    revenue_cny: Decimal,
    margin: Decimal,
    growth: Decimal,
    turnover: Turnover,
    *,
    own_cny: Decimal = Decimal(0),
    loans_cny: Decimal = Decimal(0),
    other_cny: Decimal = Decimal(0),
) -> Need:
    """Last year's revenue, its profit margin, the growth expected, and how fast working capital turns over.

    Volume = revenue x (1 - margin) x (1 + growth) / turns, turns = 360 / days; new = volume less own funds,
    working capital loans held and other sources. A firm paid before it pays needs none.
    Raises UserError LND-WORKING-CAPITAL for a negative revenue or a margin above 1.
    """
    if revenue_cny < 0 or margin > 1 or growth < -1:
        fail("LND-WORKING-CAPITAL", "wc_need", detail=f"{revenue_cny} / {margin} / {growth}")
    cost = revenue_cny * (1 - margin) * (1 + growth)
    volume = _cents(max(cost * turnover.days / YEAR_DAYS, Decimal(0)))
    return Need(volume, max(volume - own_cny - loans_cny - other_cny, Decimal(0)))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)
