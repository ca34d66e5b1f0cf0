"""A firm's own page: its score and what moved it, what would change it, its peers, and who reads what."""

from __future__ import annotations

from typing import Annotated

from fastapi.routing import APIRouter
from starlette.responses import Response

from xinqiao.consent.grants import of_company
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.quantity import quantity
from xinqiao.kernel.text import Text
from xinqiao.portal.credit_view import credit_view
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait.credit_file import read

router = APIRouter()
PUBLIC = Text(zh="公开", en="public")


def own_company(visit: Visit) -> str:
    """The company this visit acts for. Raises UserError LND-COMPANY-FORBIDDEN."""
    if visit.actor.company is None:
        fail("LND-COMPANY-FORBIDDEN", visit.actor.side)
    return visit.actor.company


@router.get("/enterprise")
def credit_page(visit: Annotated[Visit, needs("company.own")]) -> Response:
    """The firm's credit, read from its own file (which the query log tells like any other read)."""
    company = own_company(visit)
    grants = of_company(visit.tx, company)
    try:
        file, allowed = read(visit.tx, visit.actor, company, "self")
    except UserError as error:
        if error.code != "PTR-ABSENT":
            raise
        return visit.page("enterprise_absent.html")
    view = credit_view(visit.tx, file, allowed, grants)
    return visit.page("enterprise_credit.html", view=view, names=indicators(), said=quantity, public=PUBLIC)
