"""API: applications to one's institution, their decisions, and the judgement of the bank's own system."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from xinqiao.kernel.text import Text
from xinqiao.lending import review
from xinqiao.lending.case_event import events
from xinqiao.lending.case_state import Case, cases, get
from xinqiao.lending.decision import of_case
from xinqiao.lending.offer import Terms, offers
from xinqiao.lending.product_format import Repayment
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, In, Money, Out, answer, once
from xinqiao.portal.visit import Visit, needs

router = APIRouter(prefix=VERSION, tags=["applications 申请"], responses=PROBLEMS)
Reader = Annotated[Visit, needs("case.read")]
Writer = Annotated[Visit, needs("api.bank")]
State = Literal[
    "applied",
    "screened",
    "in_review",
    "proposed",
    "returned",
    "offered",
    "refused",
    "accepted",
    "contracted",
    "half_signed",
    "signed",
    "active",
    "closed",
    "declined",
    "handed_on",
    "withdrawn",
    "expired",
]
Version = Annotated[int, Field(ge=1, le=1_000_000, description="申请的版本 version the caller saw")]
Words = Annotated[str, Field(max_length=1000)]


class Application(Out):
    """An application. ``version`` grows with every step; writes name the one they saw."""

    id: UUID
    company_id: str
    product_id: str
    product_version: str
    amount_cny: Decimal
    term_months: int
    use: str
    answers: dict[str, Any]
    grant_id: UUID | None
    state: str
    state_name: Text
    version: int
    applied_at: datetime | None
    decided_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    automatic: bool
    human_review: bool
    decision_id: str | None

    @classmethod
    def of(cls, case: Case) -> Application:
        """As the API tells a case."""
        return cls.model_validate({name: getattr(case, name) for name in cls.model_fields})


class Applications(Out):
    """A page of applications, the newest first; ``after``: ask for the next page with it."""

    items: tuple[Application, ...]
    after: UUID | None


class EventOut(Out):
    """A step of an application."""

    id: UUID
    seq: int
    transition: str
    name: Text
    from_state: str
    to_state: str
    at: datetime
    body: dict[str, Any]


class OfferOut(Out):
    """An offer; ``apr`` has every fee in, as the internal rate of return a month times twelve."""

    id: UUID
    amount_cny: Decimal
    rate: Decimal
    apr: Decimal
    apr_method: str
    term_months: int
    repayment: str
    fees: list[dict[str, Any]]
    automatic: bool
    until: datetime
    state: str


class DecisionOut(Out):
    """A decision; ``record`` is the archived record, ``evidence_id`` where the log commits to its bytes."""

    id: str
    outcome: str
    made_at: datetime
    evidence_id: UUID | None
    record: dict[str, Any]


class Whole(Out):
    """An application with all that happened."""

    application: Application
    events: tuple[EventOut, ...]
    offers: tuple[OfferOut, ...]
    decisions: tuple[DecisionOut, ...]


class TakeIn(In):
    """Take a waiting application up."""

    version: Version


class OfferIn(In):
    """Terms proposed by the bank's own system; a person of the bank agrees in the workbench."""

    version: Version
    amount_cny: Money
    rate: Annotated[Decimal, Field(strict=False, ge=0, le=1, max_digits=9, decimal_places=6)]
    term_months: Annotated[int, Field(ge=1, le=360)]
    repayment: Repayment
    note: Words = ""


class RefusalIn(In):
    """A refusal proposed by the bank's own system; a person of the bank agrees in the workbench."""

    version: Version
    codes: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=20)]
    note: Words = ""


class ReturnIn(In):
    """Return an application to the company for documents or answers."""

    version: Version
    wanted: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=20)
    ]
    note: Words = ""


@router.get("/applications", response_model=Applications, summary="本机构的申请 applications to you")
def listed(
    visit: Reader,
    state: Annotated[State | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The applications to your institution, the newest first."""
    found = cases(visit.tx, states=None if state is None else [state], limit=limit, after=after)
    following = found[-1].id if len(found) == limit else None
    return answer(Applications(items=tuple(map(Application.of, found)), after=following))


@router.get("/applications/{application_id}", response_model=Whole, summary="一笔申请 one application")
def shown(visit: Reader, application_id: UUID) -> Response:
    """One application with its events, offers and decisions."""
    return answer(_whole(visit, application_id))


def _whole(visit: Visit, case_id: UUID) -> Whole:
    tx, case = visit.tx, get(visit.tx, case_id)
    return Whole(
        application=Application.of(case),
        events=tuple(_told(EventOut, each) for each in events(tx, case_id)),
        offers=tuple(_told(OfferOut, each) for each in offers(tx, case_id=case_id)),
        decisions=tuple(
            DecisionOut(
                id=each.id,
                outcome=each.outcome,
                made_at=each.made_at,
                evidence_id=each.evidence_id,
                record=each.content,
            )
            for each in of_case(tx, case_id)
        ),
    )


def _told(model: type[Any], thing: object) -> Any:  # noqa: ANN401 - an instance of the model
    return model.model_validate({name: getattr(thing, name) for name in model.model_fields})


def _after(visit: Visit, case_id: UUID, work: Any) -> Response:  # noqa: ANN401 - called without arguments
    def done() -> Application:
        work()
        return Application.of(get(visit.tx, case_id))

    return once(visit, done)


@router.post(
    "/applications/{application_id}/take",
    response_model=Application,
    dependencies=WRITES,
    summary="受理 take up",
)
def take(visit: Writer, application_id: UUID, told: TakeIn) -> Response:
    """Take up an application that waits for an officer."""
    work = lambda: review.take(visit.tx, visit.actor, application_id, told.version)  # noqa: E731 - one call, deferred
    return _after(visit, application_id, work)


@router.post(
    "/applications/{application_id}/offer",
    response_model=Application,
    dependencies=WRITES,
    summary="提出要约意见 propose an offer",
)
def propose_offer(visit: Writer, application_id: UUID, told: OfferIn) -> Response:
    """Propose an offer; a person of your institution agrees before the company sees it."""
    terms = Terms(told.amount_cny, told.rate, told.term_months, told.repayment)

    def work() -> None:
        review.propose_offer(visit.tx, visit.actor, application_id, told.version, terms=terms, note=told.note)

    return _after(visit, application_id, work)


@router.post(
    "/applications/{application_id}/refusal",
    response_model=Application,
    dependencies=WRITES,
    summary="提出拒绝意见 propose a refusal",
)
def propose_refusal(visit: Writer, application_id: UUID, told: RefusalIn) -> Response:
    """Propose to refuse; a person of your institution agrees before the company is told."""

    def work() -> None:
        review.propose_refusal(
            visit.tx, visit.actor, application_id, told.version, codes=told.codes, note=told.note
        )

    return _after(visit, application_id, work)


@router.post(
    "/applications/{application_id}/return",
    response_model=Application,
    dependencies=WRITES,
    summary="退回补充 return for documents",
)
def give_back(visit: Writer, application_id: UUID, told: ReturnIn) -> Response:
    """Return an application to the company, saying what is wanted."""

    def work() -> None:
        review.give_back(
            visit.tx, visit.actor, application_id, told.version, wanted=told.wanted, note=told.note
        )

    return _after(visit, application_id, work)
