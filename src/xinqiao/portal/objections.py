"""A firm's objections, complaints and requests about the information on it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.consent import objections, requests
from xinqiao.consent.terms import data_sets, ordinary_sets
from xinqiao.portal.grants import names, own_company, receivers
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PAGE = "/enterprise/objections"
MAX_CHARS = 4_000


@router.get("/enterprise/objections")
def objections_page(visit: Annotated[Visit, needs("company.own")]) -> Response:
    """What was raised, until when it is answered, and the forms for more."""
    company = own_company(visit)
    return visit.page(
        "enterprise_objections.html",
        objections=objections.of_company(visit.tx, company),
        requests=requests.of_company(visit.tx, company),
        states=objections.STATES,
        kinds=requests.KINDS,
        sets={code: item for code, item in data_sets().items() if code in ordinary_sets()},
        receivers=receivers(visit.tx),
        names=names(visit.tx),
        days=objections.DAYS,
        request_days=requests.DAYS,
    )


@router.post("/enterprise/objections")
def raise_objection(
    visit: Annotated[Visit, needs("company.act")],
    item: Annotated[str, Form(max_length=40)],
    statement: Annotated[str, Form(max_length=MAX_CHARS)],
) -> Response:
    """Object: the mark shows with the next read."""

    def work() -> Response:
        objections.raise_objection(visit.tx, visit.actor, item.strip().upper(), statement)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/enterprise/objections/{objection_id}/withdraw")
def withdraw_objection(visit: Annotated[Visit, needs("company.act")], objection_id: UUID) -> Response:
    """Take an objection back."""

    def work() -> Response:
        objections.withdraw(visit.tx, visit.actor, objection_id)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/enterprise/requests")
def ask_request(
    visit: Annotated[Visit, needs("company.act")],
    kind: Annotated[requests.Kind, Form()],
    statement: Annotated[str, Form(max_length=MAX_CHARS)],
    institution: Annotated[UUID | Literal[""], Form()] = "",
) -> Response:
    """Complain, or ask to see, copy, correct, delete or explain."""
    about = institution or None

    def work() -> Response:
        requests.ask(visit.tx, visit.actor, kind, statement, about)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)
