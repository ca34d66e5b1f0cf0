"""Who joins the platform: two operators admit, suspend and keep filings up to date."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from xinqiao.account.approval import open_approvals
from xinqiao.account.granting import decide_grant, propose_filing, propose_institution, propose_status
from xinqiao.account.institution import KINDS, filing_faults, institutions
from xinqiao.enterprise.uscc import check_uscc
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Operator = Annotated[Visit, needs("platform.admin")]
Word = Annotated[str, Form(max_length=200)]


def _home() -> Response:
    return RedirectResponse("/operator/institutions", 303)


@router.get("/operator/institutions")
def institutions_page(visit: Operator) -> Response:
    """All members with what is due about their filings, and what waits for a second operator."""
    on = today()
    own = visit.actor.institution
    waiting = [] if own is None else open_approvals(visit.tx, own, "institution.%")
    return visit.page(
        "operator_institutions.html",
        institutions=[(each, filing_faults(each, on)) for each in institutions(visit.tx)],
        waiting=waiting,
        kinds=KINDS,
    )


@router.post("/operator/institutions")
def admit(
    visit: Operator,
    *,
    kind: Word,
    name: Word,
    uscc: Word,
    first_name: Word,
    first_phone: Word,
    second_name: Word,
    second_phone: Word,
    name_en: Word = "",
    filing_number: Word = "",
    filing_expires_on: Word = "",
) -> Response:
    """Propose a new member with its first two administrators."""
    checked = check_uscc(uscc)
    if not checked.valid:
        detail = [each.text for each in checked.faults]
        told = Text(zh="；".join(d.zh for d in detail), en="; ".join(d.en for d in detail))
        fail("ACC-USCC", "uscc", detail=told)

    def work() -> Response:
        propose_institution(
            visit.tx,
            visit.platform.keyring,
            visit.actor,
            kind=kind,
            name=name,
            name_en=name_en,
            uscc=checked.code,
            people=[(first_name, first_phone), (second_name, second_phone)],
            filing_number=filing_number,
            filing_expires_on=_day(filing_expires_on),
        )
        return _home()

    return visit.once(work)


@router.post("/operator/institutions/{institution_id}/status")
def status(
    visit: Operator, institution_id: UUID, to: Annotated[Literal["active", "suspended"], Form()]
) -> Response:
    """Propose to suspend a member, or to let it work again."""

    def work() -> Response:
        propose_status(visit.tx, visit.actor, institution_id, to)
        return _home()

    return visit.once(work)


@router.post("/operator/institutions/{institution_id}/filing")
def filing(visit: Operator, institution_id: UUID, number: Word, expires_on: Word = "") -> Response:
    """Propose the filing as it now stands."""

    def work() -> Response:
        propose_filing(visit.tx, visit.actor, institution_id, number, _day(expires_on))
        return _home()

    return visit.once(work)


@router.post("/operator/institutions/approvals/{approval_id}")
def decide(
    visit: Operator,
    approval_id: UUID,
    outcome: Annotated[Literal["approved", "refused"], Form()],
    reason: Word = "",
) -> Response:
    """The second operator's decision."""

    def work() -> Response:
        decide_grant(visit.tx, visit.actor, approval_id, outcome, reason)
        return _home()

    return visit.once(work)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise user_error("ACC-DATE", text[:20]) from None
