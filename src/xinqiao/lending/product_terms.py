"""A product's conventions as the terms of one loan: what the engine works a loan out by.

Fees paid to a guarantor or a third party are part of the all-in cost (``lending.cost``) but not owed to the
lender, so they are not in the terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from xinqiao.kernel.errors import fail
from xinqiao.lending.ceiling import overdue_rate
from xinqiao.lending.cost import grace_of, season_of
from xinqiao.lending.product_format import Fee, ProductFile, Repayment
from xinqiao.lending.product_load import Product
from xinqiao.loan import terms as loan
from xinqiao.loan.calendar import Period, add_months, periods
from xinqiao.loan.terms import Terms

YEAR_MONTHS = 12


def terms_for(
    product: Product, *, amount: Decimal, rate: Decimal, months: int, way: str, start: date
) -> Terms:
    """The terms of a loan of ``amount`` CNY at ``rate`` a year, drawn on ``start`` for ``months``.

    Raises UserError LND-TERM (a term the product does not offer) or LND-WAY (a way of repayment).
    """
    file = product.file
    if way not in file.repayment.ways:
        fail("LND-WAY", product.id, way=way, offered=", ".join(file.repayment.ways))
    chosen: Repayment = way
    if not 0 < months <= max(file.tenor.months):
        offered = ", ".join(map(str, file.tenor.months))
        fail("LND-TERM", product.id, months=months, offered=offered)
    repayment, spans = file.repayment, _periods(file, chosen, months, start)
    flat = chosen == "flat"
    return Terms(
        principal=amount,
        rate=rate,
        periods=spans,
        way=chosen,
        interest="flat" if flat else "reducing_balance",
        day_count="month" if flat else repayment.day_count,
        every=repayment.every_months,
        season=season_of(repayment) if chosen == "seasonal" else (),
        order=repayment.allocation,
        rounding=loan.Rounding(mode=repayment.rounding),
        grace=grace_of(repayment),
        fees=tuple(_fees(file, spans, months, start)),
        prepayment=_prepayment(file),
        penalty=_penalty(file, rate, start),
    )


def _periods(file: ProductFile, way: Repayment, months: int, start: date) -> tuple[Period, ...]:
    """Periods to the day the loan ends; one alone where all is repaid at the end."""
    ends = add_months(start, months)
    if way == "bullet":
        return ((start, ends),)
    every = file.repayment.every_months
    spans = periods(start, -(-months // every), every)
    return (*spans[:-1], (spans[-1][0], ends))


def _prepayment(file: ProductFile) -> loan.Prepayment:
    return loan.Prepayment(effect=file.prepayment.then, fee=file.prepayment.rate)


def _penalty(file: ProductFile, rate: Decimal, start: date) -> loan.Penalty:
    """What is late bears the rate and the product's share more; a private lender stays under its ceiling."""
    late = overdue_rate(file.lender_type, start, rate, file.penalty.overdue)
    factor = late / rate if rate else 1 + file.penalty.overdue
    return loan.Penalty(factor=factor, compound=file.penalty.compound, grace_days=file.penalty.grace_days)


def _fees(file: ProductFile, spans: tuple[Period, ...], months: int, start: date) -> Iterator[loan.LoanFee]:
    for fee in file.fees:
        if fee.to == "lender":
            yield from _fee(fee, spans, months, start)


def _fee(fee: Fee, spans: tuple[Period, ...], months: int, start: date) -> Iterator[loan.LoanFee]:
    """A fee as the engine charges it: at the drawing, with the instalments, or on the days of a year."""
    match fee.kind:
        case "fixed":
            yield loan.LoanFee(name=fee.id, when="drawing", amount=fee.cny)
        case "upfront":
            yield loan.LoanFee(name=fee.id, when="drawing", share=fee.rate)
        case "monthly" if len(spans) == months:
            yield loan.LoanFee(name=fee.id, when="instalment", share=fee.rate)
        case "monthly":
            for first, due in spans:
                count = (due.year - first.year) * YEAR_MONTHS + due.month - first.month
                yield loan.LoanFee(name=fee.id, when="day", share=fee.rate * count, on=due)
        case _:
            for month in range(0, months, YEAR_MONTHS):
                share = fee.rate * min(YEAR_MONTHS, months - month) / YEAR_MONTHS
                when, on = ("day", add_months(start, month)) if month else ("drawing", None)
                yield loan.LoanFee(name=fee.id, when=when, share=share, on=on)  # type: ignore[arg-type] # literals
