"""The H5 page that outside platforms show in a frame: what is on offer, and the way to one's own credit.

It knows nobody and takes no input: signing in and granting happen in a window of the platform's own, where
the address bar can be read and no other page lies over the buttons.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from xinqiao.account.embed import site
from xinqiao.lending.product import open_products
from xinqiao.portal.rendering import POLICY
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
SHOWN = 12


@router.get("/embed/{site_id}")
def embedded(visit: Annotated[Visit, needs("public.read")], site_id: UUID) -> Response:
    """The page; only the registered origins may frame it."""
    found = site(visit.tx, site_id)
    visit.headers["Content-Security-Policy"] = POLICY.replace(
        "frame-ancestors 'none'", f"frame-ancestors {' '.join(found.origins)}"
    )
    offers = open_products(visit.tx)
    return visit.page("embed.html", shelf=offers[:SHOWN], total=len(offers), address=visit.platform.address)
