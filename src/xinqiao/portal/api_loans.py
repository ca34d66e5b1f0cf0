"""API: facilities and loans for a bank's own systems, and the repayments and drawdowns they book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from xinqiao.kernel.text import Text
from xinqiao.loan.classification import Class
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, Id, In, Money, Out, answer, once
from xinqiao.portal.loan_statement import of_loan
from xinqiao.portal.loan_story import said
from xinqiao.portal.loan_view import key_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import book, drawdown, facility
from xinqiao.servicing.facility import Facility
from xinqiao.servicing.loan_row import LoanRow
from xinqiao.servicing.use_of_funds import Funds

router = APIRouter(prefix=VERSION, tags=["loans 贷款"], responses=PROBLEMS)
Reader = Annotated[Visit, needs("loan.read")]
Writer = Annotated[Visit, needs("api.bank")]
Day = Annotated[date | None, Query()]
After = Annotated[UUID | None, Query()]
Limit = Annotated[int, Query(ge=1, le=500)]


class FacilityOut(Out):
    """A limit under a signed contract. ``available_cny``: what can be drawn now."""

    id: UUID
    application_id: UUID
    company_id: str
    product_id: str
    product_version: str
    amount_cny: Decimal
    available_cny: Decimal
    rate: Decimal
    term_months: int
    repayment: str
    drawdown: str
    valid_from: date
    valid_until: date
    state: str


class Facilities(Out):
    """The facilities of your institution, the newest first."""

    items: tuple[FacilityOut, ...]


class LoanOut(Out):
    """A loan as its book stands at the end of ``posted_on``; sums in CNY, ``rate`` a year."""

    id: UUID
    facility_id: UUID
    company_id: str
    product_id: str
    product_version: str
    state: str
    risk_class: str
    drawn_on: date
    matures_on: date
    rate: Decimal
    repayment: str
    principal_cny: Decimal
    interest_cny: Decimal
    penalty_cny: Decimal
    fee_cny: Decimal
    credit_cny: Decimal
    allowance_cny: Decimal
    next_due: date | None
    unpaid_since: date | None
    days_past_due: int
    posted_on: date
    version: int

    @classmethod
    def of(cls, row: LoanRow) -> LoanOut:
        """As the API tells a loan."""
        same = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(**same, risk_class=row.class_, repayment=row.way)


class Loans(Out):
    """A page of loans, the newest first; ``after``: ask for the next page with it."""

    items: tuple[LoanOut, ...]
    after: UUID | None


class InstalmentOut(Out):
    """An instalment as it stands now."""

    n: int
    due: date
    principal_cny: Decimal
    interest_cny: Decimal
    fee_cny: Decimal
    penalty_cny: Decimal
    paid_cny: Decimal
    settled_on: date | None


class Schedule(Out):
    """The schedule of a loan."""

    loan_id: UUID
    instalments: tuple[InstalmentOut, ...]


class StatementLine(Out):
    """What a booking did to the debt."""

    booked_on: date
    what: Text
    adds_cny: Decimal
    takes_cny: Decimal
    owed_cny: Decimal


class StatementOut(Out):
    """The debt of a loan over some days, both counted."""

    loan_id: UUID
    since: date
    until: date
    opening_cny: Decimal
    closing_cny: Decimal
    lines: tuple[StatementLine, ...]


class EventOut(Out):
    """What happened to a loan; ``seq`` is the version it made."""

    seq: int
    kind: str
    what: Text
    on: date
    booked_on: date


class Events(Out):
    """The events of a loan, the first first."""

    loan_id: UUID
    items: tuple[EventOut, ...]


class DrawdownIn(In):
    """A drawing under a facility; ``months``: the term, as long as may be unless told.

    ``purpose``: what for, by its id; ``payee_*``: the seller, where the product pays it straight.
    """

    facility_id: Id
    amount_cny: Money
    purpose: Annotated[str, Field(max_length=40)]
    payee_name: Annotated[str, Field(max_length=120)] = ""
    payee_account: Annotated[str, Field(max_length=40)] = ""
    months: Annotated[int, Field(ge=1, le=360)] | None = None


@router.get("/facilities", response_model=Facilities, summary="本机构授信 facilities")
def facilities(visit: Reader) -> Response:
    """The facilities of your institution with what is left of each."""
    found = facility.facilities(visit.tx)
    return answer(Facilities(items=tuple(_facility(visit, each) for each in found)))


@router.get("/facilities/{facility_id}", response_model=FacilityOut, summary="一笔授信 one facility")
def one_facility(visit: Reader, facility_id: UUID) -> Response:
    """One facility."""
    return answer(_facility(visit, facility.facility(visit.tx, facility_id)))


def _facility(visit: Visit, found: Facility) -> FacilityOut:
    told = {name: getattr(found, name) for name in FacilityOut.model_fields if hasattr(found, name)}
    left = facility.available(visit.tx, found.id)
    return FacilityOut(**told, application_id=found.case_id, repayment=found.way, available_cny=left)


@router.post(
    "/drawdowns",
    response_model=LoanOut,
    status_code=201,
    dependencies=WRITES,
    summary="提款 draw under a facility",
)
def draw(visit: Writer, told: DrawdownIn) -> Response:
    """Draw for a company that asked your institution to; every limit is minded."""

    def work() -> LoanOut:
        made = drawdown.draw(
            visit.tx,
            visit.actor,
            told.facility_id,
            told.amount_cny,
            funds=Funds(told.purpose, told.payee_name, told.payee_account),
            months=told.months,
            key=key_of(visit),
        )
        return LoanOut.of(book.loan(visit.tx, made))

    return once(visit, work, 201)


@router.get("/loans", response_model=Loans, summary="本机构贷款 loans")
def listed(
    visit: Reader,
    *,
    state: Annotated[Literal["open", "closed", "written_off"] | None, Query()] = None,
    risk_class: Annotated[Class | None, Query()] = None,
    overdue: Annotated[bool | None, Query()] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """The loans of your institution, the newest first."""
    found = book.loans(visit.tx, state=state, class_=risk_class, overdue=overdue, after=after, limit=limit)
    following = found[-1].id if len(found) == limit else None
    return answer(Loans(items=tuple(map(LoanOut.of, found)), after=following))


@router.get("/loans/{loan_id}", response_model=LoanOut, summary="一笔贷款 one loan")
def shown(visit: Reader, loan_id: UUID) -> Response:
    """One loan as its book stands."""
    return answer(LoanOut.of(book.loan(visit.tx, loan_id)))


@router.get("/loans/{loan_id}/schedule", response_model=Schedule, summary="还款计划 schedule")
def schedule(visit: Reader, loan_id: UUID) -> Response:
    """The instalments of a loan as they stand now."""
    book.loan(visit.tx, loan_id)
    found = [
        InstalmentOut.model_validate(each, from_attributes=True)
        for each in book.instalments(visit.tx, loan_id)
    ]
    return answer(Schedule(loan_id=loan_id, instalments=tuple(found)))


@router.get("/loans/{loan_id}/events", response_model=Events, summary="经过 events")
def events(visit: Reader, loan_id: UUID) -> Response:
    """All that happened to a loan."""
    book.loan(visit.tx, loan_id)
    told = [
        EventOut(seq=each.seq, kind=each.kind, what=said(each.event), on=each.on, booked_on=each.booked_on)
        for each in book.events(visit.tx, loan_id)
    ]
    return answer(Events(loan_id=loan_id, items=tuple(told)))


@router.get("/loans/{loan_id}/statement", response_model=StatementOut, summary="对账单 statement")
def statement(visit: Reader, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The statement of a loan, of all its days unless told."""
    found = of_loan(visit, loan_id, since, until)
    told = [
        StatementLine(booked_on=e.on, what=e.words, adds_cny=e.adds, takes_cny=e.takes, owed_cny=e.owed)
        for e in found.lines
    ]
    return answer(
        StatementOut(
            loan_id=loan_id,
            since=found.since,
            until=found.until,
            opening_cny=found.opening,
            closing_cny=found.closing,
            lines=tuple(told),
        )
    )
