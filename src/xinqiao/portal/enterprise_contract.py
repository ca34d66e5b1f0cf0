"""A firm's contract: the sheet of the cost read and signed first, then the contract; both to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.consent.grants import Proof
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail
from xinqiao.lending.case_state import get
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.enterprise_apply import attempt, confirm, stale
from xinqiao.portal.loan_words import STATE_KINDS
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import contract_signing as signing
from xinqiao.servicing.contract import Document, contract, pdf, signatures

router = APIRouter()
BASE = "/enterprise/applications/{case_id}/contract"
Act = Annotated[Visit, needs("company.act")]
Password = Annotated[str, Form(max_length=200)]
Agreed = Annotated[str, Form(max_length=3)]


@router.get(BASE)
def contract_page(visit: Annotated[Visit, needs("company.act")], case_id: UUID) -> Response:
    """The sheet in full, the contract, and what is left to sign."""
    return _page(visit, case_id)


@router.get(BASE + "/{document}.pdf")
def download(visit: Annotated[Visit, needs("company.own")], case_id: UUID, document: Document) -> Response:
    """The document as it is signed so far."""
    own_company(visit)
    return pdf_answer(visit.tx, case_id, document)


def pdf_answer(tx: Tx, case_id: UUID, document: Document) -> Response:
    """A document of a contract as a file to save."""
    name = f"{contract(tx, case_id).number}{'-S' if document == 'sheet' else ''}.pdf"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf(tx, case_id, document), media_type="application/pdf", headers=headers)


@router.post(BASE + "/sheet")
def sign_sheet(visit: Act, case_id: UUID, password: Password = "", agreed: Agreed = "") -> Response:
    """Sign the sheet, once it has been read long enough."""

    def work() -> None:
        proof = _proof(visit, agreed)
        signing.sign_sheet(visit.tx, visit.platform.keyring, visit.actor, case_id, proof)

    return _sign(visit, case_id, password, work)


@router.post(BASE + "/sign")
def sign(
    visit: Act, case_id: UUID, version: Annotated[int, Form()], password: Password = "", agreed: Agreed = ""
) -> Response:
    """Sign the contract."""

    def work() -> None:
        proof, ring = _proof(visit, agreed), visit.platform.keyring
        signing.sign(visit.tx, ring, visit.actor, case_id, version=version, proof=proof)

    return _sign(visit, case_id, password, work)


def _proof(visit: Visit, agreed: str) -> Proof:
    if agreed != "yes":
        fail("CST-AGREE", "agreed")
    return Proof("session", visit.confirmed_at or now())


def _sign(visit: Visit, case_id: UUID, password: str, act: Callable[[], None]) -> Response:
    refused = confirm(visit, password)
    if refused is not None:
        return _page(visit, case_id, refused)

    def work() -> Response:
        act()
        return RedirectResponse(BASE.format(case_id=case_id), 303)

    return attempt(visit, work, lambda error: _page(visit, case_id, error))


def _page(visit: Visit, case_id: UUID, error: UserError | None = None) -> Response:
    own_company(visit)
    case, found = get(visit.tx, case_id), contract(visit.tx, case_id)
    signed = signatures(visit.tx, found.id)
    read = any(each.document == "sheet" for each in signed)
    reading = None if read else signing.show_sheet(visit.tx, visit.actor, case_id)
    return visit.page(
        "enterprise_contract.html",
        400 if error else 200,
        case=case,
        contract=found,
        told=told(visit.tx, case_id),
        signed=signed,
        read=read,
        reading=reading,
        kinds=STATE_KINDS,
        stale=stale(visit),
        error=error,
    )


def told(tx: Tx, case_id: UUID) -> dict[str, Any]:
    """What was filled in when the contract was drawn up."""
    row = tx.execute("SELECT content FROM contract WHERE case_id = %s", [case_id]).fetchone()
    assert row is not None  # noqa: S101 - the contract was found
    return dict(row["content"])
