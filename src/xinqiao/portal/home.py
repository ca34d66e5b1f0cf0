"""The public pages: what the platform is for, and the shelf of products with their terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import Query
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import today
from xinqiao.kernel.text import Text
from xinqiao.lending.cost import METHOD, SAMPLE_CNY, Cost, cost_of
from xinqiao.lending.product import Offered, open_products
from xinqiao.portal.authentication import home_of
from xinqiao.portal.loan_words import CLASSES, REPAYMENTS
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
SHOWN = 6
LISTED = 60


def _draw(offer: Offered) -> str:
    """A draw of the day: nobody's product stands first by when it was put on the shelf."""
    return digest(f"{today()}{offer.id}".encode())


@router.get("/", include_in_schema=False)
def home(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """The home page; those who are signed in go to their own."""
    if visit.actor.person is not None or visit.actor.company is not None:
        return RedirectResponse(home_of(visit.actor), 303)
    shelf = open_products(visit.tx)
    return visit.page(
        "home.html",
        shelf=sorted(shelf, key=_draw)[:SHOWN],
        products=len(shelf),
        institutions=len({offer.institution_id for offer in shelf}),
        lowest=min((offer.product.file.pricing.min for offer in shelf), default=None),
        classes=CLASSES,
    )


@router.get("/products", include_in_schema=False)
def shelf_page(
    visit: Annotated[Visit, needs("public.read")],
    kind: Annotated[str, Query(max_length=20)] = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """All products on offer, with rates, fees and what they cost in all at most."""
    shelf = [o for o in open_products(visit.tx) if not kind or o.product.file.class_ == kind]
    shown = shelf[(page - 1) * LISTED : page * LISTED]
    return visit.page(
        "home_products.html",
        shelf=[(offer, dearest(offer)) for offer in shown],
        total=len(shelf),
        pages=range(1, (len(shelf) - 1) // LISTED + 2),
        number=page,
        kind=kind if kind in CLASSES else "",
        classes=CLASSES,
        repayments=REPAYMENTS,
        method=METHOD,
        sample=Text(zh=f"按 {SAMPLE_CNY:,} 元举例", en=f"for CNY {SAMPLE_CNY:,}"),
    )


def dearest(offer: Offered) -> Cost:
    """What a usual loan of this product costs in all at its highest rate."""
    file = offer.product.file
    principal = min(max(SAMPLE_CNY, file.limit.min), file.limit.max)
    return cost_of(
        Decimal(principal),
        file.pricing.max,
        file.tenor.usual,
        file.repayment.ways[0],
        file.fees,
        plan=file.repayment,
    )
