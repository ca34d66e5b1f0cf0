"""The portrait of a firm for a bank that has its grant: every look is logged and marked with who looked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.routing import APIRouter
from starlette.responses import Response

from xinqiao.consent.terms import SELF, purposes
from xinqiao.db.database import Tx
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError, fail
from xinqiao.lending import case_state
from xinqiao.portal.bank_portrait_view import bank_portrait, own_view
from xinqiao.portal.groupings import division_name, form_name, status_name
from xinqiao.portal.tie_graph import GROUPS
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait.credit_file import read

router = APIRouter()


def own_institution(visit: Visit) -> UUID:
    """The institution this visit acts for. Raises UserError ACC-FORBIDDEN."""
    if visit.actor.institution is None:
        fail("ACC-FORBIDDEN", visit.request.url.path, permission="institution")
    return visit.actor.institution


def _name(tx: Tx, company_id: str) -> str:
    row = tx.execute("SELECT name FROM company WHERE id = %s", [company_id]).fetchone()
    return company_id if row is None else str(row["name"])


@router.get("/bank/companies/{company_id}")
def portrait_page(
    visit: Annotated[Visit, needs("portrait.read")],
    company_id: str,
    purpose: Annotated[str, Query(max_length=40)] = "credit_decision",
) -> Response:
    """A firm as its grant to this bank lets it be seen for ``purpose``."""
    institution, choices = own_institution(visit), {k: p.name for k, p in purposes().items() if k != SELF}
    try:
        with visit.tx.transaction():  # a refusal leaves no trace of the scope it was found under
            file, permit = read(visit.tx, visit.actor, company_id, purpose)
    except UserError as error:
        if error.code != "CST-FORBIDDEN":
            raise
        name = _name(visit.tx, company_id)
        return visit.page(
            "bank_portrait_closed.html", 403, error=error, name=name, company=company_id, purposes=choices,
            purpose=purpose,
        )  # fmt: skip
    view = bank_portrait(visit.tx, file, permit, purpose, own_view(visit.tx, institution, file))
    cases = [c for c in case_state.cases(visit.tx, limit=500) if c.company_id == company_id]
    return visit.page(
        "bank_portrait.html", v=view, purposes=choices, purpose=purpose, ties=GROUPS, cases=cases,
        indicator_names={key: item.name for key, item in indicators().items()},
        status_name=status_name, form_name=form_name, division_name=division_name,
    )  # fmt: skip
