"""The ceiling of private lending (民间借贷): four times the one-year LPR of the day the contract was made.

It binds private lenders alone. Banks and the seven kinds of local financial organisations are not under it;
what they charge in all is bounded by ``cost.COST_CEILING``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from xinqiao.kernel.errors import fail
from xinqiao.lending.lpr import lpr
from xinqiao.lending.product_format import LenderType

TIMES = 4
YEAR_MONTHS = 12


def ceiling(lender: LenderType, contract_day: date) -> Decimal | None:
    """The greatest rate a year, interest and all charges together; None: no such ceiling applies.

    Raises UserError LND-LPR where no rate is known for the day.
    """
    return lpr(contract_day, YEAR_MONTHS) * TIMES if lender == "private" else None


def overdue_rate(lender: LenderType, contract_day: date, rate: Decimal, penalty: Decimal) -> Decimal:
    """The rate a year on what is overdue: the contract's and its penalty, under the same ceiling."""
    bound = ceiling(lender, contract_day)
    wanted = rate * (1 + penalty)
    return wanted if bound is None else min(wanted, bound)


def check_rate(lender: LenderType, contract_day: date, cost: Decimal) -> None:
    """Refuse a contract that costs more a year, all in, than its lender may take. Raises LND-CEILING."""
    bound = ceiling(lender, contract_day)
    if bound is not None and cost > bound:
        fail("LND-CEILING", lender, cost=f"{cost:.2%}", bound=f"{bound:.2%}", on=contract_day)
