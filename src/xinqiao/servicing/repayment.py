"""Repaying (还款): on time, in part, early, late, all at once; and taking a booking back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.lending.case_product import product_of
from xinqiao.loan import engine
from xinqiao.loan.engine import Loan
from xinqiao.loan.engine import Payoff as Quote
from xinqiao.loan.event import Disburse, Payoff, Repay, Reverse
from xinqiao.servicing import book
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.loan_row import LoanRow

CENT = Decimal("0.01")
Early = Literal["next", "shorter", "smaller"]


def repay(
    tx: Tx,
    actor: Actor,
    loan_id: UUID,
    amount_cny: Decimal,
    *,
    early: Early | None = None,
    key: str | None = None,
    on: date | None = None,
) -> Loan:
    """Money comes in on a loan, on its institution's business day unless told; the terms say what it covers.

    ``early``: what becomes of more than is due. A company can't repay more than it owes. Raises UserError
    SRV-LOAN-ABSENT, SRV-AMOUNT-OWED, SRV-EARLY-STATE, SRV-DAY, SRV-KEY-STATE, LON-*.
    """
    row = book.loan(tx, loan_id)
    day = on or business_day(tx, row.institution_id)
    _sum(loan_id, amount_cny)
    if actor.side == "enterprise" and not book.booked(tx, row, key):
        total = quote(tx, loan_id, day).total
        if amount_cny > total:
            fail("SRV-AMOUNT-OWED", str(loan_id), owed=f"{total:,.2f}")
        _not_too_early(tx, row, amount_cny, day)
    return book.post(tx, actor, loan_id, Repay(on=day, amount=amount_cny, early=early), key=key)


def settle_whole(
    tx: Tx, actor: Actor, loan_id: UUID, *, key: str | None = None, on: date | None = None
) -> Loan:
    """Repay all that is owed, the fee for doing so early included. Raises as ``repay`` does."""
    row = book.loan(tx, loan_id)
    day = on or business_day(tx, row.institution_id)
    found = book.booked(tx, row, key)
    if found is not None and isinstance(found.event, Payoff):
        return book.post(tx, actor, loan_id, found.event, key=key)
    with acting(tx, SYSTEM):
        book.loan(tx, loan_id, lock=True)  # what is quoted is what is paid
    total = quote(tx, loan_id, day).total
    if actor.side == "enterprise":
        _not_too_early(tx, row, total, day)
    return book.post(tx, actor, loan_id, Payoff(on=day, amount=total), key=key)


def _not_too_early(tx: Tx, row: LoanRow, amount_cny: Decimal, day: date) -> None:
    """Before the product allows early repayment a company pays up to its next instalment, no more."""
    with acting(tx, SYSTEM):
        product = product_of(tx, row.institution_id, row.product_id, row.product_version)
    since = add_months(row.drawn_on, product.file.prepayment.after_months)
    if day >= since:
        return
    loan = book.engine_loan(tx, row.id)
    ahead = engine.next_due(loan, day)
    open_ = [each for each in engine.rows(loan, day) if ahead is None or each.due <= ahead]
    due = sum((r.principal + r.interest + r.fee + r.penalty - r.paid - r.waived for r in open_), Decimal(0))
    if amount_cny > due:
        fail("SRV-EARLY-STATE", str(row.id), since=since, most=f"{due:,.2f}")


def quote(tx: Tx, loan_id: UUID, on: date | None = None) -> Quote:
    """What would settle a loan on a day (its institution's business day unless told), part by part.

    Raises UserError SRV-LOAN-ABSENT.
    """
    row = book.loan(tx, loan_id)
    return engine.payoff(book.engine_loan(tx, loan_id), on or business_day(tx, row.institution_id))


def reverse(tx: Tx, actor: Actor, loan_id: UUID, seq: int, *, key: str | None = None) -> Loan:
    """Take back the booking number ``seq``: the loan is worked out without it, the journal is countered.

    The principal it had repaid counts in the limits again, even beyond them. Raises UserError
    SRV-LOAN-ABSENT, SRV-EVENT-ABSENT, SRV-REVERSE-STATE (a drawing, a reversal, or reversed before).
    """
    row = book.loan(tx, loan_id)
    day = business_day(tx, row.institution_id)
    with acting(tx, SYSTEM):
        book.loan(tx, loan_id, lock=True)
    told = book.events(tx, loan_id)
    found = next((each.event for each in told if each.seq == seq), None)
    if found is None:
        fail("SRV-EVENT-ABSENT", f"{loan_id}/{seq}")
    before = {each.event.seq for each in told if isinstance(each.event, Reverse)}
    again = key is not None and any(each.key == key for each in told)
    if isinstance(found, Disburse | Reverse) or (seq in before and not again):
        fail("SRV-REVERSE-STATE", f"{loan_id}/{seq}")
    return book.post(tx, actor, loan_id, Reverse(on=day, seq=seq), key=key)


def _sum(loan_id: UUID, amount_cny: Decimal) -> None:
    if amount_cny <= 0 or amount_cny != amount_cny.quantize(CENT):
        fail("SRV-SUM", str(loan_id))
