"""Limits of an institution and what is used of them, and its facilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending.product import institution_products
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.loan_view import companies, facility_view
from xinqiao.portal.loan_words import wan_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import (
    facility,
    limit_change,
    line,
    regrouping,  # noqa: F401 - its job is declared by importing it
)
from xinqiao.servicing.inclusive import inclusive
from xinqiao.servicing.line import ORDER, Line

router = APIRouter()
PAGE = limit_change.PAGE
Read = Annotated[Visit, needs("loan.read")]
Approve = Annotated[Visit, needs("loan.approve")]
SHOWN = 20
"""Lines of a kind that are shown, those most used first."""


@router.get(PAGE)
def limits_page(visit: Read) -> Response:
    """All limits as bars, what waits for a second person, and the facilities."""
    return _page(visit)


def _page(visit: Visit, error: UserError | None = None) -> Response:
    institution, tx = own_institution(visit), visit.tx
    views = [facility_view(tx, each) for each in facility.facilities(tx)]
    found = {kind: line.lines(tx, kind=kind, used=True)[:SHOWN] for kind in ORDER}
    products = {each.product.id: each.product.file.name for each in institution_products(tx, institution)}
    known: dict[str, Text | str] = {**products, str(institution): line.NAMES["institution"]}
    known |= {str(each.facility.id): f"{each.company}（{each.product.zh}）" for each in views}
    known |= companies(tx, {one.key for kind in ("company", "group") for one in found[kind]})
    return visit.page(
        "bank_limits.html",
        400 if error else 200,
        lines={kind: [(_named(one, known), one) for one in lines] for kind, lines in found.items()},
        names=line.NAMES,
        kinds=[(kind, line.NAMES[kind]) for kind in limit_change.SET_BY_HAND],
        waiting=limit_change.waiting(tx, institution),
        facilities=views,
        flags={
            each.facility.company_id: inclusive(tx, institution, each.facility.company_id) for each in views
        },
        may_handle=visit.actor.may("loan.handle"),
        may_approve=visit.actor.may("loan.approve"),
        error=error,
    )


def _named(one: Line, known: Mapping[str, Text | str]) -> Text | str:
    return known.get(one.key, one.key)


def _do(visit: Visit, work: Callable[[], object]) -> Response:
    def done() -> Response:
        work()
        return RedirectResponse(PAGE, 303)

    return attempt(visit, done, lambda error: _page(visit, error))


@router.post(PAGE)
def propose(
    visit: Annotated[Visit, needs("loan.handle")],
    kind: Annotated[str, Form(max_length=20)],
    limit_wan: Annotated[str, Form(max_length=16)],
    key: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """Propose a limit in 10,000 CNY."""

    def work() -> None:
        sum_ = wan_of(limit_wan)
        if sum_ is None:
            fail("SRV-LINE", limit_wan[:16])
        of = str(own_institution(visit)) if kind == "institution" else key
        limit_change.propose(visit.tx, visit.actor, kind, of, sum_)

    return _do(visit, work)


@router.post(f"{PAGE}/{{change_id}}/approve")
def approve(visit: Approve, change_id: UUID) -> Response:
    """The second person agrees to a limit."""
    return _do(visit, lambda: limit_change.decide(visit.tx, visit.actor, change_id, agreed=True))


@router.post(f"{PAGE}/{{change_id}}/refuse")
def refuse(visit: Approve, change_id: UUID) -> Response:
    """The second person does not agree."""
    return _do(visit, lambda: limit_change.decide(visit.tx, visit.actor, change_id, agreed=False))


@router.post("/bank/facilities/{facility_id}/freeze")
def freeze(visit: Approve, facility_id: UUID, why: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Nothing more is drawn."""
    return _do(visit, lambda: facility.freeze(visit.tx, visit.actor, facility_id, why))


@router.post("/bank/facilities/{facility_id}/unfreeze")
def unfreeze(visit: Approve, facility_id: UUID, why: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Drawing goes on."""
    return _do(visit, lambda: facility.unfreeze(visit.tx, visit.actor, facility_id, why))
