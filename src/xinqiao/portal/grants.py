"""A firm's grants and who read its data: the list, a new grant for one institution, its end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.consent import grants, own, query_log
from xinqiao.consent.draft import RECEIVERS, Terms, draft
from xinqiao.consent.grants import FRESH, Proof
from xinqiao.consent.terms import data_sets, ordinary_sets, purposes, special_sets
from xinqiao.consent.texts import Kind
from xinqiao.db.database import Row, Tx
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PAGE = "/enterprise/grants"
GRANTABLE = ("pre_approval", "credit_decision", "post_loan")
USUAL = ("INV", "TAX", "SCORE", "LEADS", "CRD", "NET", "XC")
USUAL_DAYS = 180
READING = timedelta(minutes=10)
"""How long somebody may read a text before the proof of who signs is too old."""


def own_company(visit: Visit) -> str:
    """The company this visit acts for. Raises UserError CST-COMPANY-FORBIDDEN."""
    if visit.actor.company is None:
        fail("CST-COMPANY-FORBIDDEN", visit.actor.side)
    return visit.actor.company


def session_proof(visit: Visit) -> Proof:
    """That the person in this visit proved who they are lately. Raises UserError CST-PROOF."""
    if visit.confirmed_at is None:
        fail("CST-PROOF", "session")
    return Proof("session", visit.confirmed_at)


def one_receiver(chosen: list[str]) -> UUID:
    """The single institution chosen. Raises UserError CST-RECEIVER for none, several or "all"."""
    try:
        return UUID(chosen[0] if len(chosen) == 1 else "")
    except ValueError:
        fail("CST-RECEIVER", "institution")


def receivers(tx: Tx) -> list[Row]:
    """Institutions that can be granted something, by name."""
    return tx.execute(
        "SELECT id, name, name_en, kind FROM institution WHERE kind = ANY(%s) AND status = 'active' "
        "ORDER BY kind, name",
        [list(RECEIVERS)],
    ).fetchall()


def names(tx: Tx) -> dict[UUID, Text]:
    """Every institution's name by id."""
    rows = tx.execute("SELECT id, name, name_en FROM institution")
    return {row["id"]: Text(zh=row["name"], en=row["name_en"] or row["name"]) for row in rows}


@router.get("/enterprise/grants")
def grants_page(visit: Annotated[Visit, needs("company.own")]) -> Response:
    """Grants in force and ended, and the latest reads of the firm's data."""
    company = own_company(visit)
    return visit.page(
        "enterprise_grants.html",
        grants=grants.of_company(visit.tx, company),
        reads=query_log.about(visit.tx, company),
        looks=own.this_year(visit.tx, company),
        names=names(visit.tx),
        purposes=purposes(),
        sets=data_sets(),
    )


@router.get("/enterprise/grants/new")
def new_grant_page(
    visit: Annotated[Visit, needs("company.act")], kind: Annotated[Kind, Query()] = "ordinary"
) -> Response:
    """Choose one institution, purposes, data and the last day."""
    own_company(visit)
    allowed = special_sets() if kind == "special" else ordinary_sets()
    return visit.page(
        "enterprise_grant_new.html",
        kind=kind,
        receivers=receivers(visit.tx),
        purposes={code: purposes()[code] for code in GRANTABLE},
        sets={code: item for code, item in data_sets().items() if code in allowed and not item.open},
        usual=USUAL,
        today=today(),
        until=grants.last_day(USUAL_DAYS),
    )


@router.get("/enterprise/grants/text")
def grant_text_page(
    visit: Annotated[Visit, needs("company.act")],
    *,
    until: Annotated[date, Query()],
    institution: Annotated[list[str], Query()],
    purpose: Annotated[list[str] | None, Query()] = None,
    data: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[Kind, Query()] = "ordinary",
) -> Response:
    """The whole text of the grant chosen, to be read before it is signed; asks first who signs."""
    terms = _terms(own_company(visit), institution, purpose, data, until=until, kind=kind)
    if visit.confirmed_at is None or now() - visit.confirmed_at > FRESH - READING:
        here = f"{visit.request.url.path}?{visit.request.url.query}"
        return RedirectResponse(f"/account/confirm?{urlencode({'next': here})}", 303)
    drafted = draft(visit.tx, terms)
    return visit.page(
        "enterprise_grant_text.html",
        draft=drafted,
        terms=terms,
        paragraphs=list(zip(drafted.text.zh.split("\n"), drafted.text.en.split("\n"), strict=True)),
    )


@router.post("/enterprise/grants")
def give_grant(
    visit: Annotated[Visit, needs("company.act")],
    *,
    institution: Annotated[list[str], Form()],
    until: Annotated[date, Form()],
    shown: Annotated[str, Form(max_length=64)],
    purpose: Annotated[list[str] | None, Form()] = None,
    data: Annotated[list[str] | None, Form()] = None,
    kind: Annotated[Kind, Form()] = "ordinary",
    agreed: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Sign the text that was shown."""
    terms = _terms(own_company(visit), institution, purpose, data, until=until, kind=kind)
    if agreed != "yes":
        fail("CST-AGREE", "agreed")

    def work() -> Response:
        grants.give(
            visit.tx,
            visit.actor,
            institution=terms.institution,
            purposes=terms.purposes,
            data_sets=terms.data_sets,
            until=until,
            kind=kind,
            shown=shown,
            proof=session_proof(visit),
        )
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/enterprise/grants/{grant_id}/revoke")
def revoke_grant(
    visit: Annotated[Visit, needs("company.act")],
    grant_id: UUID,
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """End a grant: the next read is refused."""
    own_company(visit)

    def work() -> Response:
        grants.revoke(visit.tx, visit.actor, grant_id, reason)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


def _terms(
    company: str,
    institution: list[str],
    purpose: list[str] | None,
    data: list[str] | None,
    *,
    until: date,
    kind: Kind,
) -> Terms:
    receiver = one_receiver(institution)
    return Terms.of(company, receiver, kind=kind, for_=purpose or [], sets=data or [], until=until)
