"""The institution's shelf: which products it offers, put on by two people, taken off by one."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.lending import outcome, product, product_draft
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PATH = "/bank/products"


@router.get("/bank/products")
def shelf_page(visit: Annotated[Visit, needs("case.read")]) -> Response:
    """What is on offer, what waits for a second person, what may be put on, and what was taken off."""
    offers = product.institution_products(visit.tx, own_institution(visit))
    held = {(o.product.id, o.product.version) for o in offers}
    catalog = sorted(product.catalog_products().values(), key=lambda p: p.id)
    free = [p for p in catalog if (p.id, p.version) not in held]
    parts = {state: [o for o in offers if o.state == state] for state in ("draft", "open", "closed")}
    drafts = product_draft.drafts(visit.tx) if visit.actor.may("product.edit") else []
    return visit.page("bank_products.html", parts=parts, free=free, catalog=catalog, drafts=drafts)


def _done() -> Response:
    return RedirectResponse(PATH, 303)


@router.post("/bank/products")
def propose(
    visit: Annotated[Visit, needs("product.edit")],
    product_id: Annotated[str, Form(max_length=80)],
    quota_wan: Annotated[str, Form(max_length=12)] = "",
) -> Response:
    """Propose to offer a product of the catalog, within a quota a month (10,000 CNY)."""
    told = outcome.amount({"quota": quota_wan}, "quota", product_id)

    def work() -> Response:
        quota = None if not told else told * Decimal(10_000)
        product.draft_product(visit.tx, visit.actor, product_id, quota_cny=quota)
        return _done()

    return visit.once(work)


@router.post("/bank/products/{offer_id}/release")
def release(visit: Annotated[Visit, needs("product.release")], offer_id: UUID) -> Response:
    """Put a product on the shelf, as the second person."""

    def work() -> Response:
        product.release_product(visit.tx, visit.actor, offer_id)
        return _done()

    return visit.once(work)


@router.post("/bank/products/{offer_id}/close")
def close(visit: Annotated[Visit, needs("product.release")], offer_id: UUID) -> Response:
    """Take a product off the shelf; applications made go on."""

    def work() -> Response:
        product.close_product(visit.tx, visit.actor, offer_id)
        return _done()

    return visit.once(work)
