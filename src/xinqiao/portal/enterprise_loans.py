"""A firm's own loans: what it may draw and what that costs, what it owes, repaying, asking for a deferral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.lending.cost import METHOD
from xinqiao.loan.cost import effective
from xinqiao.loan.engine import Row, rows
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.loan_story import EARLY, STATES
from xinqiao.portal.loan_view import (
    FacilityView,
    LoanView,
    all_flows,
    facility_view,
    key_of,
    lines,
    loan_view,
    monthly_cost,
)
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import book, deferral, drawdown, facility, repayment
from xinqiao.servicing.use_of_funds import Funds, entrusted, purposes
from xinqiao.servicing.what_if import Effect, repaying, settling

router = APIRouter()
PAGE = "/enterprise/loans"
LIMITS = "/enterprise/loans/facilities"
Own = Annotated[Visit, needs("company.own")]
Act = Annotated[Visit, needs("company.act")]
Amount = Annotated[Decimal, Form(gt=0, le=10**9, decimal_places=2)]
Early = Literal["", "next", "shorter", "smaller"]
EARLY_WAYS = [("", Text(zh="按合同", en="as the contract says")), *EARLY.items()]
TERMS = (1, 3, 6, 9, 12, 18, 24, 36, 48, 60, 84, 120)
ANSWERS = {
    "open": Text(zh="待答复", en="waiting"),
    "granted": Text(zh="已同意", en="granted"),
    "refused": Text(zh="未同意", en="refused"),
    "withdrawn": Text(zh="已撤回", en="taken back"),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a drawing would cost, in CNY; ``nominal`` and ``effective`` a year, every fee in."""

    rows: tuple[Row, ...]
    interest: Decimal
    fees: Decimal
    total: Decimal
    nominal: float
    effective: float


@router.get(PAGE)
def loans_page(visit: Own) -> Response:
    """Limits and loans of the firm."""
    own_company(visit)
    limits = [facility_view(visit.tx, each) for each in facility.facilities(visit.tx)]
    listed = lines(visit.tx, book.loans(visit.tx, limit=500))
    open_ = [each.row for each in listed if each.row.state != "closed"]
    following = min((row.next_due for row in open_ if row.next_due), default=None)
    views = [loan_view(visit, row.id) for row in open_ if row.next_due == following or row.unpaid_since]
    return visit.page(
        "enterprise_loans.html",
        facilities=limits,
        loans=listed,
        states=STATES,
        available=sum((each.available for each in limits), Decimal(0)),
        principal=sum((row.principal_cny for row in open_), Decimal(0)),
        next_due=following,
        next_sum=sum((each.next_sum for each in views if each.row.next_due == following), Decimal(0)),
        overdue=sum((each.due_now for each in views if each.row.unpaid_since), Decimal(0)),
    )


@router.get(f"{LIMITS}/{{facility_id}}")
def facility_page(
    visit: Own,
    facility_id: UUID,
    amount: Annotated[Decimal | None, Query(gt=0, le=10**9, decimal_places=2)] = None,
    months: Annotated[int, Query(ge=1, le=360)] | None = None,
) -> Response:
    """A limit, and what a drawing of ``amount`` would cost."""
    try:
        preview = None if amount is None else _preview(visit.tx, facility_id, amount, months)
    except UserError as error:
        return _facility(visit, facility_id, error, amount=amount, months=months)
    return _facility(visit, facility_id, amount=amount, months=months, preview=preview)


class Asked(BaseModel):
    """What the form of a drawing sends."""

    amount: Annotated[Decimal, Field(gt=0, le=10**9, decimal_places=2)]
    months: Annotated[int, Field(ge=1, le=360)]
    purpose: Annotated[str, Field(max_length=40)] = ""
    payee_name: Annotated[str, Field(max_length=120)] = ""
    payee_account: Annotated[str, Field(max_length=40)] = ""
    agreed: Annotated[str, Field(max_length=3)] = ""


@router.post(f"{LIMITS}/{{facility_id}}/draw")
def draw(visit: Act, facility_id: UUID, asked: Annotated[Asked, Form()]) -> Response:
    """Draw money."""
    funds = Funds(asked.purpose, asked.payee_name, asked.payee_account)

    def work() -> Response:
        if asked.agreed != "yes":
            fail("CST-AGREE", "agreed")
        made = drawdown.draw(
            visit.tx,
            visit.actor,
            facility_id,
            asked.amount,
            funds=funds,
            months=asked.months,
            key=key_of(visit),
        )
        return RedirectResponse(f"{PAGE}/{made}", 303)

    return attempt(visit, work, lambda error: _refused(visit, facility_id, asked, funds, error))


def _refused(visit: Visit, facility_id: UUID, asked: Asked, funds: Funds, error: UserError) -> Response:
    """The page again with what was asked for, its cost where that can be told."""
    try:
        preview = _preview(visit.tx, facility_id, asked.amount, asked.months)
    except UserError:
        preview = None
    return _facility(
        visit, facility_id, error, amount=asked.amount, months=asked.months, preview=preview, funds=funds
    )


def _preview(tx: Tx, facility_id: UUID, amount: Decimal, months: int | None) -> Preview:
    """The very schedule that will be booked, and its cost with every fee, those of guarantors too."""
    found = facility.facility(tx, facility_id)
    loan = drawdown.preview(tx, facility_id, amount, months=months)
    file = product_of(tx, found.institution_id, found.product_id, found.product_version).file
    plan = rows(loan, loan.terms.periods[0][0])
    flows, monthly = all_flows(loan, file), monthly_cost(loan, file)
    interest = sum((row.interest for row in plan), Decimal(0))
    beyond = -sum((sum_ for _, sum_ in flows), Decimal(0))  # all that is paid beyond what is received
    return Preview(plan, interest, beyond - interest, amount + beyond, monthly * 12, effective(monthly))


def _facility(
    visit: Visit,
    facility_id: UUID,
    error: UserError | None = None,
    *,
    amount: Decimal | None = None,
    months: int | None = None,
    preview: Preview | None = None,
    funds: Funds | None = None,
) -> Response:
    own_company(visit)
    shown = facility_view(visit.tx, facility.facility(visit.tx, facility_id))
    found = shown.facility
    file = product_of(visit.tx, found.institution_id, found.product_id, found.product_version).file
    return visit.page(
        "enterprise_facility.html",
        400 if error else 200,
        shown=shown,
        terms=_terms(shown),
        months=months or shown.most_months,
        amount=amount,
        preview=preview,
        funds=funds,
        purposes=list(purposes(file).items()),
        entrusted=amount is not None and entrusted(file, amount),
        loans=lines(visit.tx, book.loans(visit.tx, facility_id=facility_id)),
        states=STATES,
        method=METHOD,
        error=error,
    )


def _terms(shown: FacilityView) -> list[tuple[int, Text]]:
    months = sorted({*(m for m in TERMS if m < shown.most_months), shown.most_months})
    return [(m, Text(zh=f"{m}个月", en=f"{m} months")) for m in months if m]


@router.get(f"{PAGE}/{{loan_id}}")
def loan_page(visit: Own, loan_id: UUID) -> Response:
    """One loan."""
    return _loan(visit, loan_id)


def _loan(visit: Visit, loan_id: UUID, error: UserError | None = None) -> Response:
    own_company(visit)
    asked = deferral.requests(visit.tx, loan_id=loan_id)
    return visit.page(
        "enterprise_loan.html",
        400 if error else 200,
        view=loan_view(visit, loan_id),
        states=STATES,
        requests=asked,
        asked=any(each.state == "open" for each in asked),
        answers=ANSWERS,
        error=error,
    )


@router.get(f"{PAGE}/{{loan_id}}/repay")
def repay_page(
    visit: Own,
    loan_id: UUID,
    amount: Annotated[Decimal | None, Query(gt=0, le=10**9, decimal_places=2)] = None,
    early: Annotated[Early, Query()] = "",
) -> Response:
    """What a repayment would do, and what settles the loan."""
    view = loan_view(visit, loan_id)
    try:
        effect = None if amount is None else repaying(view.engine, amount, early or None, view.on)
    except UserError as error:
        return _repay(visit, view, error, amount=amount, early=early)
    return _repay(visit, view, amount=amount, early=early, effect=effect)


def _repay(
    visit: Visit,
    view: LoanView,
    error: UserError | None = None,
    *,
    amount: Decimal | None = None,
    early: str = "",
    effect: Effect | None = None,
) -> Response:
    own_company(visit)
    settled = settling(view.engine, view.on) if view.row.state != "closed" else None
    return visit.page(
        "enterprise_repay.html",
        400 if error else 200,
        view=view,
        amount=amount,
        early=early,
        early_ways=EARLY_WAYS,
        effect=effect,
        quote=settled[0] if settled else None,
        settled=settled[1] if settled else None,
        error=error,
    )


@router.post(f"{PAGE}/{{loan_id}}/repay")
def repay(visit: Act, loan_id: UUID, amount: Amount, early: Annotated[Early, Form()] = "") -> Response:
    """Repay a sum."""

    def work() -> None:
        repayment.repay(visit.tx, visit.actor, loan_id, amount, early=early or None, key=key_of(visit))

    def again(error: UserError) -> Response:
        return _repay(visit, loan_view(visit, loan_id), error, amount=amount, early=early)

    return attempt(visit, lambda: _then(loan_id, work), again)


@router.post(f"{PAGE}/{{loan_id}}/settle")
def settle(visit: Act, loan_id: UUID, agreed: Annotated[str, Form()] = "") -> Response:
    """Repay all that is owed."""

    def work() -> None:
        if agreed != "yes":
            fail("CST-AGREE", "agreed")
        repayment.settle_whole(visit.tx, visit.actor, loan_id, key=key_of(visit))

    return attempt(
        visit, lambda: _then(loan_id, work), lambda error: _repay(visit, loan_view(visit, loan_id), error)
    )


@router.post(f"{PAGE}/{{loan_id}}/deferral")
def ask_deferral(
    visit: Act,
    loan_id: UUID,
    months: Annotated[int, Form(ge=1, le=360)],
    why: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Ask the bank to let the dues move."""

    def work() -> None:
        deferral.ask(visit.tx, visit.actor, loan_id, months, why)

    return attempt(visit, lambda: _then(loan_id, work), lambda error: _loan(visit, loan_id, error))


@router.post(f"{PAGE}/{{loan_id}}/deferral/{{request_id}}/withdraw")
def withdraw_deferral(visit: Act, loan_id: UUID, request_id: UUID) -> Response:
    """Take the question back."""

    def work() -> None:
        deferral.answer(visit.tx, request_id, "withdrawn")

    return attempt(visit, lambda: _then(loan_id, work), lambda error: _loan(visit, loan_id, error))


def _then(loan_id: UUID, work: Callable[[], None]) -> Response:
    work()
    return RedirectResponse(f"{PAGE}/{loan_id}", 303)
