"""API: what settles a loan, what a repayment would do, and booking one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, In, Money, Out, answer, once
from xinqiao.portal.api_loans import Day, LoanOut, Reader, Writer
from xinqiao.portal.loan_view import key_of
from xinqiao.servicing import book, repayment
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.what_if import repaying

router = APIRouter(prefix=VERSION, tags=["loans 贷款"], responses=PROBLEMS)
Early = Literal["next", "shorter", "smaller"]


class PayoffQuote(Out):
    """What settles the loan on a day; ``total_cny`` is the sum less ``credit_cny``."""

    loan_id: UUID
    on: date
    principal_cny: Decimal
    interest_cny: Decimal
    penalty_cny: Decimal
    fee_cny: Decimal
    prepayment_fee_cny: Decimal
    credit_cny: Decimal
    total_cny: Decimal


class RepaymentIn(In):
    """Money that came in. ``early``: what becomes of more than is due; as the contract says unless told."""

    amount_cny: Money
    early: Early | None = None


class DueOut(Out):
    """An instalment still to be paid after a repayment."""

    due: date
    principal_cny: Decimal
    interest_cny: Decimal


class RepaymentEffect(Out):
    """What a repayment would do. ``saved_cny``: interest that need not be paid any more.

    ``credit_cny``: what is beyond the debt and held; ``instalments``: what is still to come afterwards.
    """

    loan_id: UUID
    on: date
    early: Early | None
    amount_cny: Decimal
    principal_cny: Decimal
    interest_cny: Decimal
    fee_cny: Decimal
    penalty_cny: Decimal
    credit_cny: Decimal
    saved_cny: Decimal
    instalments: tuple[DueOut, ...]


@router.get("/loans/{loan_id}/payoff-quote", response_model=PayoffQuote, summary="结清试算 payoff quote")
def payoff_quote(visit: Reader, loan_id: UUID, on: Day = None) -> Response:
    """What settles a loan on a day, your business day unless told."""
    day = on or business_day(visit.tx, book.loan(visit.tx, loan_id).institution_id)
    quote = repayment.quote(visit.tx, loan_id, day)
    told: dict[str, Any] = {
        name: getattr(quote, name.removesuffix("_cny"))
        for name in PayoffQuote.model_fields
        if name.endswith("_cny")
    }
    return answer(PayoffQuote(loan_id=loan_id, on=day, **told))


@router.get(
    "/loans/{loan_id}/repayment-effect",
    response_model=RepaymentEffect,
    summary="还款试算 effect of a repayment",
)
def repayment_effect(
    visit: Reader,
    loan_id: UUID,
    amount_cny: Annotated[Decimal, Query(gt=0, le=10**9, decimal_places=2)],
    early: Annotated[Early | None, Query()] = None,
) -> Response:
    """What a repayment would do on your business day, by each choice of ``early``; nothing is booked."""
    day = business_day(visit.tx, book.loan(visit.tx, loan_id).institution_id)
    effect = repaying(book.engine_loan(visit.tx, loan_id), amount_cny, early, day)
    told: dict[str, Any] = {
        name: getattr(effect, name.removesuffix("_cny"))
        for name in RepaymentEffect.model_fields
        if name.endswith("_cny")
    }
    after = [(row.due, row.principal, row.interest) for row in effect.rows if row.due > day and row.open > 0]
    ahead = tuple(DueOut(due=due, principal_cny=part, interest_cny=rest) for due, part, rest in after)
    return answer(RepaymentEffect(loan_id=loan_id, on=day, early=early, **told, instalments=ahead))


@router.post(
    "/loans/{loan_id}/repayments",
    response_model=LoanOut,
    dependencies=WRITES,
    summary="登记还款 book a repayment",
)
def repay(visit: Writer, loan_id: UUID, told: RepaymentIn) -> Response:
    """Book money that came in on a loan."""

    def work() -> LoanOut:
        repayment.repay(visit.tx, visit.actor, loan_id, told.amount_cny, early=told.early, key=key_of(visit))
        return LoanOut.of(book.loan(visit.tx, loan_id))

    return once(visit, work)
