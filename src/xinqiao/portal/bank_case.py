"""One application as the bank works on it: the decision with its trace, the judgement of two people."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.errors import fail
from xinqiao.lending import document, review
from xinqiao.lending.case_event import events
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case, get
from xinqiao.lending.cost import METHOD
from xinqiao.lending.decision import Stored, of_case
from xinqiao.lending.decision import decision as stored_decision
from xinqiao.lending.machine import machine
from xinqiao.lending.offer import Terms, offers
from xinqiao.lending.product_format import Repayment
from xinqiao.lending.proposal import open_proposal, proposals, who
from xinqiao.portal.loan_words import REPAYMENTS, STATE_KINDS
from xinqiao.portal.visit import Visit, needs

router = APIRouter()

Version = Annotated[int, Form(ge=1, le=1_000_000)]
Words = Annotated[str, Form(max_length=1000)]
Amount = Annotated[Decimal, Form(gt=0, le=10**9, decimal_places=2)]
RateInPercent = Annotated[Decimal, Form(ge=0, le=100, decimal_places=4)]
TermMonths = Annotated[int, Form(ge=1, le=360)]


@router.get("/bank/cases/{case_id}", include_in_schema=False)
def case_page(visit: Annotated[Visit, needs("case.read")], case_id: UUID) -> Response:
    """The case with all that is known of it."""
    case, tx = get(visit.tx, case_id), visit.tx
    made = of_case(tx, case_id)
    return visit.page("bank_case.html", **_named(visit, case), **_judged(visit, case, made))


def _named(visit: Visit, case: Case) -> dict[str, Any]:
    tx = visit.tx
    row = tx.execute("SELECT name FROM company WHERE id = %s", [case.company_id]).fetchone()
    return {
        "case": case,
        "company": row["name"] if row else case.company_id,
        "product": product_of(tx, case.institution_id, case.product_id, case.product_version),
        "events": events(tx, case.id),
        "offers": offers(tx, case_id=case.id),
        "documents": document.documents(tx, case.id),
        "remarks": review.remarks(tx, case.id),
        "state": machine().states[case.state],
        "method": METHOD,
        "kinds": STATE_KINDS,
    }


def _judged(visit: Visit, case: Case, made: list[Stored]) -> dict[str, Any]:
    latest = made[-1] if made else None
    waiting = open_proposal(visit.tx, case.id) if case.state == "proposed" else None
    return {
        "stored": latest,
        "decision": latest.decision if latest else None,
        "score": latest.content["score"] if latest else None,
        "proposals": proposals(visit.tx, case.id),
        "waiting": waiting,
        "mine": case.handler_id == who(visit.actor),
        "own": waiting is not None and waiting.proposed_by == who(visit.actor),
        "may_handle": visit.actor.may("case.handle"),
        "may_approve": visit.actor.may("case.approve"),
        "refusals": machine().refusals,
        "ways": REPAYMENTS,
    }


def _then(visit: Visit, case_id: UUID, work: Callable[[], object]) -> Response:
    """Do ``work`` once and show the case again."""

    def done() -> Response:
        work()
        return RedirectResponse(f"/bank/cases/{case_id}", 303)

    return visit.once(done)


@router.post("/bank/cases/{case_id}/take", include_in_schema=False)
def take(visit: Annotated[Visit, needs("case.handle")], case_id: UUID, version: Version) -> Response:
    """Take a waiting case up."""
    return _then(visit, case_id, lambda: review.take(visit.tx, visit.actor, case_id, version))


@router.post("/bank/cases/{case_id}/take-over", include_in_schema=False)
def take_over(visit: Annotated[Visit, needs("case.handle")], case_id: UUID, version: Version) -> Response:
    """Go on with a colleague's case."""
    return _then(visit, case_id, lambda: review.hand_over(visit.tx, visit.actor, case_id, version))


@router.post("/bank/cases/{case_id}/propose", include_in_schema=False)
def propose(
    visit: Annotated[Visit, needs("case.handle")],
    case_id: UUID,
    *,
    version: Version,
    amount_cny: Amount,
    rate_percent: RateInPercent,
    term_months: TermMonths,
    repayment: Annotated[Repayment, Form()],
    note: Words = "",
) -> Response:
    """Propose an offer to a second person."""
    terms = Terms(amount_cny, rate_percent / 100, term_months, repayment)

    def work() -> None:
        review.propose_offer(visit.tx, visit.actor, case_id, version, terms=terms, note=note)

    return _then(visit, case_id, work)


@router.post("/bank/cases/{case_id}/propose-refusal", include_in_schema=False)
def propose_refusal(
    visit: Annotated[Visit, needs("case.handle")],
    case_id: UUID,
    version: Version,
    codes: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
    note: Words = "",
) -> Response:
    """Propose to refuse."""

    def work() -> None:
        review.propose_refusal(visit.tx, visit.actor, case_id, version, codes=codes, note=note)

    return _then(visit, case_id, work)


@router.post("/bank/cases/{case_id}/return", include_in_schema=False)
def give_back(
    visit: Annotated[Visit, needs("case.handle")],
    case_id: UUID,
    version: Version,
    wanted: Words = "",
    note: Words = "",
) -> Response:
    """Return the case for documents, one a line of ``wanted``."""

    def work() -> None:
        review.give_back(visit.tx, visit.actor, case_id, version, wanted=wanted.splitlines(), note=note)

    return _then(visit, case_id, work)


@router.post("/bank/cases/{case_id}/approve", include_in_schema=False)
def approve(visit: Annotated[Visit, needs("case.approve")], case_id: UUID, version: Version) -> Response:
    """The second person agrees."""
    return _then(visit, case_id, lambda: review.approve(visit.tx, visit.actor, case_id, version))


@router.post("/bank/cases/{case_id}/send-back", include_in_schema=False)
def send_back(
    visit: Annotated[Visit, needs("case.approve")], case_id: UUID, version: Version, note: Words = ""
) -> Response:
    """The second person does not agree."""
    return _then(visit, case_id, lambda: review.send_back(visit.tx, visit.actor, case_id, version, note))


@router.post("/bank/cases/{case_id}/remark", include_in_schema=False)
def remark(visit: Annotated[Visit, needs("case.handle")], case_id: UUID, text: Words) -> Response:
    """A remark for colleagues."""
    return _then(visit, case_id, lambda: review.remark(visit.tx, visit.actor, case_id, text))


@router.get("/bank/cases/{case_id}/documents/{document_id}", include_in_schema=False)
def download(visit: Annotated[Visit, needs("case.read")], case_id: UUID, document_id: UUID) -> Response:
    """A document the company handed in, always as a file to save."""
    found, data = document.body(visit.tx, case_id, document_id)
    return file_answer(found, data)


def file_answer(found: document.Document, data: bytes) -> Response:
    """The bytes as an attachment that no browser opens in our name."""
    ending = document.ENDINGS[found.media_type]
    headers = {
        "Content-Disposition": f'attachment; filename="{found.id}.{ending}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return Response(data, media_type=found.media_type, headers=headers)


@router.get("/bank/cases/{case_id}/decisions/{decision_id}", include_in_schema=False)
def record(visit: Annotated[Visit, needs("case.read")], case_id: UUID, decision_id: str) -> Response:
    """The exact bytes of a decision's record, as a file."""
    found = stored_decision(visit.tx, decision_id)
    if found.case_id != case_id:
        fail("LND-DECISION-ABSENT", decision_id[:64])
    headers = {"Content-Disposition": f'attachment; filename="decision-{found.id}.json"'}
    return Response(found.record, media_type="application/json", headers=headers)
