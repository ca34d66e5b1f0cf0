"""A contract as the institution works on it: drawn up, signed by one or two people; the duty checklist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from xinqiao.consent.grants import Proof
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError
from xinqiao.lending import duty
from xinqiao.lending.case_state import get
from xinqiao.portal.enterprise_apply import attempt, confirm, stale
from xinqiao.portal.enterprise_contract import pdf_answer, told
from xinqiao.portal.loan_words import STATE_KINDS
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import contract_signing as signing
from xinqiao.servicing.contract import Document, draw_up, find, signatures

router = APIRouter()
BASE = "/bank/cases/{case_id}/contract"
DUTY = "/bank/cases/{case_id}/duty"
Reader = Annotated[Visit, needs("case.read")]
Worker = Annotated[Visit, needs("case.handle")]
Password = Annotated[str, Form(max_length=200)]


@router.get(BASE)
def contract_page(visit: Reader, case_id: UUID) -> Response:
    """The contract, who has signed, and what can be done now."""
    return _page(visit, case_id)


@router.get(BASE + "/{document}.pdf")
def download(visit: Reader, case_id: UUID, document: Document) -> Response:
    """The document as it is signed so far."""
    get(visit.tx, case_id)
    return pdf_answer(visit.tx, case_id, document)


@router.post(BASE + "/draw-up")
def draw(visit: Worker, case_id: UUID) -> Response:
    """Draw the contract up now; the platform does it by itself otherwise."""
    return _do(visit, case_id, lambda: draw_up(visit.tx, visit.actor, visit.platform.keyring, case_id))


@router.post(BASE + "/propose")
def propose(visit: Worker, case_id: UUID) -> Response:
    """Ask a second person to sign."""
    return _do(visit, case_id, lambda: signing.propose_signature(visit.tx, visit.actor, case_id))


@router.post(BASE + "/sign")
def sign(visit: Worker, case_id: UUID, version: Annotated[int, Form()], password: Password = "") -> Response:
    """Sign for the institution; where it takes two people, as the second one."""
    refused = confirm(visit, password)
    if refused is not None:
        return _page(visit, case_id, refused)

    def work() -> None:
        proof, ring = Proof("session", visit.confirmed_at or now()), visit.platform.keyring
        signing.countersign(visit.tx, ring, visit.actor, case_id, version=version, proof=proof)

    return _do(visit, case_id, work)


def _do(visit: Visit, case_id: UUID, act: Callable[[], object]) -> Response:
    def work() -> Response:
        act()
        return RedirectResponse(BASE.format(case_id=case_id), 303)

    return attempt(visit, work, lambda error: _page(visit, case_id, error))


def _page(visit: Visit, case_id: UUID, error: UserError | None = None) -> Response:
    case, found = get(visit.tx, case_id), find(visit.tx, case_id)
    asked = signing.waiting(visit.tx, visit.actor, case_id) if found else None
    return visit.page(
        "bank_contract.html",
        400 if error else 200,
        case=case,
        contract=found,
        told=told(visit.tx, case_id) if found else {},
        signed=signatures(visit.tx, found.id) if found else [],
        asked=asked,
        own=asked is not None and asked.proposed_by == visit.actor.person,
        may_handle=visit.actor.may("case.handle"),
        may_approve=visit.actor.may("case.approve"),
        kinds=STATE_KINDS,
        stale=stale(visit),
        error=error,
    )


@router.get(DUTY)
def duty_page(visit: Reader, case_id: UUID) -> Response:
    """The duty checklist of a case: standards, answers so far, exemptions."""
    return _duty(visit, case_id)


@router.post(DUTY)
def answer(visit: Worker, case_id: UUID) -> Response:
    """Answer items: fields ``answer_ITEM`` and ``note_ITEM``; what is left empty stays open."""
    form = visit.request.state.form
    given = {
        item: (str(form.get(f"answer_{item}") or ""), str(form.get(f"note_{item}") or ""))
        for item in duty.checklist().items
        if form.get(f"answer_{item}")
    }

    def work() -> Response:
        duty.answer(visit.tx, visit.actor, case_id, given)
        return RedirectResponse(DUTY.format(case_id=case_id), 303)

    return attempt(visit, work, lambda error: _duty(visit, case_id, error))


@router.get(DUTY + ".csv")
def duty_file(visit: Reader, case_id: UUID) -> Response:
    """The checklist with answers, judgements and events, as a table."""
    headers = {"Content-Disposition": f'attachment; filename="duty-{case_id}.csv"'}
    return Response(duty.export(visit.tx, case_id), media_type="text/csv; charset=utf-8", headers=headers)


def _duty(visit: Visit, case_id: UUID, error: UserError | None = None) -> Response:
    return visit.page(
        "bank_duty.html",
        400 if error else 200,
        case=get(visit.tx, case_id),
        checklist=duty.checklist(),
        latest={each.item: each for each in duty.checks(visit.tx, case_id)},
        may_handle=visit.actor.may("case.handle"),
        error=error,
    )
