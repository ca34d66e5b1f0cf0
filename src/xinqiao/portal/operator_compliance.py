"""The operator's compliance page: objections and requests to answer, stopped readers, the compliance file."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.account.audit import note
from xinqiao.consent import compliance, objections, records, requests, supply, watch
from xinqiao.consent.terms import data_sets
from xinqiao.kernel.errors import fail
from xinqiao.portal.disclosure import ROLES
from xinqiao.portal.grants import names
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.materials import package
from xinqiao.source.holder import sources

router = APIRouter()
PAGE = "/operator/compliance"
Admin = Annotated[Visit, needs("platform.admin")]


@router.get("/operator/compliance")
def compliance_page(visit: Admin) -> Response:
    """What is due, what is late, what is stopped."""
    told = names(visit.tx)
    return visit.page(
        "operator_compliance.html",
        overview=compliance.overview(visit.tx),
        roles=ROLES,
        objections=objections.queue(visit.tx),
        requests=requests.queue(visit.tx),
        blocks=watch.blocks(visit.tx, opened=True),
        lifted=watch.blocks(visit.tx, opened=False)[:10],
        names=told,
        sets=data_sets(),
        states=objections.STATES,
        kinds=requests.KINDS,
        soon=objections.DAYS - objections.WARN_DAYS,
    )


@router.get("/operator/compliance/chain")
def chain_page(visit: Admin) -> Response:
    """Walk the whole query log and say whether it is whole."""
    holds, lines = compliance.chain_holds(visit.tx)
    return visit.page("operator_chain.html", holds=holds, lines=lines)


@router.get("/operator/compliance/file")
def file_page(visit: Admin, kind: Annotated[records.Kind, Query()] = "impact_assessment") -> Response:
    """The compliance file and the supply agreements, with the forms to add to them."""
    holders = visit.tx.execute(
        "SELECT id, name, name_en FROM institution WHERE kind = 'holder' ORDER BY name"
    ).fetchall()
    return visit.page(
        "operator_file.html",
        kind=kind,
        records=records.records(visit.tx),
        kinds=records.KINDS,
        parts=records.PARTS,
        agreements=supply.agreements(visit.tx),
        holders=holders,
        names=names(visit.tx),
        sources=sources(),
    )


@router.get("/operator/compliance/package")
def package_file(visit: Admin) -> Response:
    """The materials a supervisor asks for, in one archive."""
    with_name = {"Content-Disposition": 'attachment; filename="materials.zip"'}
    return Response(package(visit.tx), media_type="application/zip", headers=with_name)


@router.get("/operator/compliance/requests/{request_id}/papers")
def papers_file(visit: Admin, request_id: UUID) -> Response:
    """The file on a complaint, to be passed on."""
    with_name = {"Content-Disposition": f'attachment; filename="request-{request_id}.json"'}
    note(visit.tx, visit.actor, "request.exported", str(request_id))
    return Response(requests.papers(visit.tx, request_id), media_type="application/json", headers=with_name)


@router.post("/operator/compliance/objections/{objection_id}/check")
def check_objection(visit: Admin, objection_id: UUID) -> Response:
    """Take an objection up."""

    def work() -> Response:
        objections.begin_check(visit.tx, visit.actor, objection_id)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/operator/compliance/objections/{objection_id}/answer")
def answer_objection(
    visit: Admin,
    objection_id: UUID,
    outcome: Annotated[objections.Outcome, Form()],
    words: Annotated[str, Form(max_length=4000)],
) -> Response:
    """Settle an objection in writing."""

    def work() -> Response:
        objections.answer(visit.tx, visit.actor, objection_id, outcome, words)
        note(visit.tx, visit.actor, "objection.answered", str(objection_id), {"outcome": outcome})
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/operator/compliance/requests/{request_id}/answer")
def answer_request(visit: Admin, request_id: UUID, words: Annotated[str, Form(max_length=4000)]) -> Response:
    """Answer a complaint or request in writing."""

    def work() -> Response:
        requests.answer(visit.tx, visit.actor, request_id, words)
        note(visit.tx, visit.actor, "request.answered", str(request_id))
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/operator/compliance/blocks/{block_id}/lift")
def lift_block(visit: Admin, block_id: UUID, finding: Annotated[str, Form(max_length=2000)]) -> Response:
    """Let an institution read again."""

    def work() -> Response:
        watch.lift(visit.tx, visit.actor, block_id, finding)
        return RedirectResponse(PAGE, 303)

    return visit.once(work)


@router.post("/operator/compliance/file")
def add_record(
    visit: Admin,
    kind: Annotated[records.Kind, Form()],
    title: Annotated[str, Form(max_length=200)],
    part: Annotated[list[str], Form()],
) -> Response:
    """Add a record to the compliance file; its parts come in the order of the kind's template."""
    body = dict(zip(records.PARTS[kind], part, strict=False))

    def work() -> Response:
        records.add(visit.tx, visit.actor, kind, title, body)
        note(visit.tx, visit.actor, "record.added", kind)
        return RedirectResponse(f"{PAGE}/file", 303)

    return visit.once(work)


@router.post("/operator/compliance/agreements")
def add_agreement(
    visit: Admin,
    *,
    institution: Annotated[UUID, Form()],
    source: Annotated[list[str], Form()],
    begins_on: Annotated[date, Form()],
    ends_on: Annotated[date, Form()],
    duties: Annotated[str, Form(max_length=2000)],
) -> Response:
    """Record a supply agreement with a data holder."""
    unknown = [code for code in source if code not in sources()]
    if unknown or ends_on < begins_on or not duties.strip():
        fail("CST-RECORD", "agreement", missing=", ".join(unknown) or "begins_on <= ends_on, duties")

    def work() -> Response:
        supply.agree(
            visit.tx, institution, source, begins_on=begins_on, ends_on=ends_on, duties=duties.strip()
        )
        note(visit.tx, visit.actor, "agreement.recorded", str(institution), {"sources": source})
        return RedirectResponse(f"{PAGE}/file", 303)

    return visit.once(work)
