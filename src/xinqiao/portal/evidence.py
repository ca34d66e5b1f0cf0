"""Evidence for people: the state of the log, one's own entries with their proofs, reports to hand on."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from xinqiao.evidence import cosigning, held, proof
from xinqiao.evidence.bundle import Bundle, embed
from xinqiao.evidence.log import record
from xinqiao.evidence.note import Checkpoint, Note
from xinqiao.evidence.sequencer import sequence
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Own = Annotated[Visit, needs("account.own")]
PAGE = 50
KINDS = {
    "grant": Text(zh="授权", en="grant"),
    "revocation": Text(zh="撤销授权", en="revocation"),
    "query": Text(zh="查询", en="read"),
    "decision": Text(zh="决策", en="decision"),
    "offer": Text(zh="报价", en="offer"),
    "acceptance": Text(zh="接受报价", en="acceptance"),
    "contract": Text(zh="合同", en="contract"),
    "model": Text(zh="模型", en="model"),
    "policy": Text(zh="政策", en="policy"),
    "report": Text(zh="报告", en="report"),
    "computation": Text(zh="隐私计算", en="privacy computation"),
}


@router.get("/evidence")
def log_page(
    visit: Annotated[Visit, needs("public.read")], before: Annotated[UUID | None, Query()] = None
) -> Response:
    """The log's state, its witnesses, and what one holds oneself."""
    mine = held.held(visit.tx, PAGE + 1, before) if visit.actor.name else []
    note, key = _state(visit)
    return visit.page(
        "evidence.html",
        checkpoint=None if note is None else Checkpoint.read(note.text),
        note="" if note is None else str(note),
        log_key=key,
        witnesses=held.seen_by(visit.tx),
        stands_still=held.stands_still(visit.tx),
        mine=mine[:PAGE],
        older=mine[PAGE - 1].entry_id if len(mine) > PAGE else None,
        kinds=KINDS,
    )


def _state(visit: Visit) -> tuple[Note | None, str]:
    """The latest checkpoint and the log's key; nothing before the log has begun."""
    try:
        return proof.checkpoint(visit.tx), str(proof.log_key(visit.tx))
    except UserError:
        return None, ""


@router.post("/evidence/witnesses")
def add_witness(
    visit: Annotated[Visit, needs("platform.admin")], key: Annotated[str, Form(max_length=1000)]
) -> Response:
    """Register the public key of a member's witness."""

    def add() -> Response:
        cosigning.add_witness(visit.tx, key, visit.actor.person)
        return RedirectResponse("/evidence", 303)

    return visit.once(add)


@router.get("/evidence/{entry}")
def download(visit: Own, entry: UUID) -> Response:
    """The proof of an entry as a file."""
    return _file(_proved(visit, entry).write(), f"evidence-{entry}.json", "application/json")


@router.post("/evidence/{entry}/report")
def make_report(visit: Own, entry: UUID) -> Response:
    """Write a report about an entry and record its digest, so that the report itself can be verified."""
    found = held.one(visit.tx, entry)
    data = held.document(visit.tx, entry)
    if found is None or data is None:
        fail("EVD-ABSENT", str(entry), what=str(entry))

    def make() -> Response:
        rows = _rows(json.loads(data))
        page = visit.page("evidence_report.html", held=found, rows=rows, kinds=KINDS)
        told = {"of": str(entry), "kind": found.kind}
        text = bytes(page.body).decode()
        made = record(
            visit.tx, "report", told, subject=found.subject, institution=visit.actor.institution, file=text
        )
        return RedirectResponse(f"/evidence/{made}/report", 303)

    return visit.once(make)


@router.get("/evidence/{entry}/report")
def report(visit: Own, entry: UUID) -> Response:
    """A report with its proof at its end."""
    data = held.attached(visit.tx, entry)
    if data is None:
        fail("EVD-ABSENT", str(entry), what=str(entry))
    return _file(embed(data, _proved(visit, entry)), f"report-{entry}.html", "text/html; charset=utf-8")


def _rows(value: Any, name: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """A document as names and values, one a row."""
    if isinstance(value, dict):
        return [row for key in value for row in _rows(value[key], f"{name}.{key}" if name else key)]
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [row for place, item in enumerate(value, 1) for row in _rows(item, f"{name}.{place}")]
    if isinstance(value, list):
        return [(name, ", ".join(str(item) for item in value))]
    return [(name, "" if value is None else str(value))]


def _proved(visit: Visit, entry: UUID) -> Bundle:
    """The proof of an entry, which gets its place in the log now if it has none yet."""
    try:
        told = proof.bundle(visit.tx, entry)
    except UserError as error:
        if error.code != "EVD-WAIT-STATE":
            raise
        sequence(visit.platform.database, visit.platform.keyring)
        told = proof.bundle(visit.tx, entry)
    return told if told.attached is not None else told.model_copy(update={"attached": _decided(visit, entry)})


def _decided(visit: Visit, entry: UUID) -> str | None:
    """The exact record of a decision, for the institution that made it."""
    row = visit.tx.execute("SELECT record FROM decision WHERE evidence_id = %s", [entry]).fetchone()
    return None if row is None else bytes(row["record"]).decode()


def _file(data: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    headers |= {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return Response(data, media_type=kind, headers=headers)
