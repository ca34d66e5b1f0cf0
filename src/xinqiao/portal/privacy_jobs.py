"""Joint computing for an institution's people: what is asked, who would learn what, decisions, results."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.account import audit
from xinqiao.consent.terms import purposes
from xinqiao.kernel.errors import UserError, fail, wording
from xinqiao.kernel.text import Text
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.problems import status_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_proof import proof_of
from xinqiao.privacy.agreement.job_rows import JobRow, Kept
from xinqiao.privacy.job.kind import Kind, kind_of, kinds
from xinqiao.privacy.job.manifest import Manifest, Party

router = APIRouter()
PAGE = "/privacy"
ROWS = 20
"""Rows of a result on the page."""
Read = Annotated[Visit, needs("privacy.read")]
Decide = Annotated[Visit, needs("privacy.decide")]
Words = Annotated[str, Form(max_length=job_rows.WORDS_AT_MOST)]
STATES: dict[str, tuple[Text, str]] = {
    "proposed": (Text(zh="已提出", en="proposed"), "info"),
    "waiting": (Text(zh="待审批", en="waits for a person"), "warn"),
    "approved": (Text(zh="已同意", en="approved"), "info"),
    "signed": (Text(zh="已签署", en="signed here"), "info"),
    "ready": (Text(zh="各方已签", en="signed by all"), "info"),
    "running": (Text(zh="运行中", en="running"), "info"),
    "done": (Text(zh="完成", en="done"), "good"),
    "failed": (Text(zh="失败", en="failed"), "bad"),
    "refused": (Text(zh="已拒绝", en="refused"), "bad"),
    "expired": (Text(zh="已过期", en="expired"), ""),
}
RESULTS: dict[str, Text] = {
    "common": Text(zh="共有主体数", en="common subjects"),
    "ids": Text(zh="本方主体数", en="own subjects"),
    "rows": Text(zh="行数", en="rows"),
    "asked": Text(zh="查询数", en="asked"),
    "found": Text(zh="命中数", en="found"),
    "left": Text(zh="剩余配额", en="quota left"),
    "total": Text(zh="合计", en="total"),
    "sum": Text(zh="合计", en="sum"),
    "mean": Text(zh="均值", en="mean"),
    "variance": Text(zh="方差", en="variance"),
    "at_least": Text(zh="不低于阈值", en="at least the threshold"),
    "auc": Text(zh="区分度 AUC", en="AUC"),
    "ks": Text(zh="区分度 KS", en="KS"),
    "iv": Text(zh="信息值 IV", en="IV"),
}
"""What results call things; other names are shown as they are."""
GOING = ("proposed", "approved", "signed", "ready", "running")
OVER = ("failed", "refused", "expired")
_PLACE = re.compile(r"\{\w+\}")
_NODE = "SELECT name, seen_at, policy -> 'rules' AS rules FROM privacy_node WHERE institution_id = %s"
_GRANTS = (
    "SELECT count(*) FILTER (WHERE NOT revoked AND until > now()) AS held, "
    "count(*) FILTER (WHERE revoked) AS revoked FROM privacy_consent WHERE institution_id = %s"
)
_COMMITTED = (
    "SELECT i.commitment AS input, r.commitment AS result, r.evidence_id AS evidence FROM privacy_input i "
    "LEFT JOIN privacy_result r USING (institution_id, job_id) WHERE institution_id = %s AND job_id = %s "
    "ORDER BY i.attempt DESC LIMIT 1"
)
_SPENT = (
    "SELECT peer, source, kind, count(DISTINCT (job_id, at)) AS used FROM privacy_use "
    "WHERE institution_id = %s GROUP BY peer, source, kind ORDER BY used DESC, peer, source, kind LIMIT 100"
)


def own(visit: Visit) -> UUID:
    """The institution of the visitor. Raises UserError ACC-FORBIDDEN."""
    if visit.actor.institution is None:
        fail("ACC-FORBIDDEN", visit.request.url.path, permission="institution")
    return visit.actor.institution


def words() -> dict[str, Any]:
    """What the templates name things by."""
    return {"states": STATES, "purposes": purposes(), "kinds": kinds(), "wrong": wrong, "results": RESULTS}


def wrong(code: str) -> tuple[Text, Text] | None:
    """What a job ended with, and what to do, in words; the values that the words had were not kept."""
    found = wording().get(code)
    if found is None:
        return None
    what, fix = (
        Text(**{lang: _PLACE.sub("…", getattr(told, lang)) for lang in ("zh", "en")}) for told in found
    )
    return what, fix


@router.get("/privacy")
def jobs_page(visit: Read) -> Response:
    """What waits for a person, what runs, what came of the rest, and the budget."""
    institution = own(visit)
    found = job_rows.jobs(visit.tx)
    return visit.page(
        "privacy_jobs.html",
        node=visit.tx.execute(_NODE, [institution]).fetchone(),
        waiting=[one for one in found if one.state == "waiting"],
        others=[one for one in found if one.state != "waiting"],
        going=sum(one.state in GOING for one in found),
        done=sum(one.state == "done" for one in found),
        over=sum(one.state in OVER for one in found),
        grants=visit.tx.execute(_GRANTS, [institution]).fetchone(),
        spent=visit.tx.execute(_SPENT, [institution]).fetchall(),
        **words(),
    )


@router.get("/privacy/jobs/{job_id}")
def job_page(visit: Read, job_id: UUID) -> Response:
    """One job: what is asked, who learns what, signatures, and our result."""
    return _job(visit, job_id)


def _job(visit: Visit, job_id: UUID, fault: UserError | None = None) -> Response:
    own(visit)
    job, kept = job_rows.one(visit.tx, job_id), job_rows.result(visit.tx, job_id)
    kind, table = _kind(job.manifest), _table(kept)
    return visit.page(
        "privacy_job.html",
        200 if fault is None else status_of(fault),
        fault=fault,
        job=job,
        me=_me(visit, job.manifest),
        learns={} if kind is None else kind.learns(job.manifest),
        roles={} if kind is None else {role.name: role.title for role in kind.roles},
        protocols=() if kind is None else kind.protocols,
        signed=job_rows.signers(visit.tx, job_id),
        events=job_rows.events(visit.tx, job_id),
        kept=kept,
        table=table,
        rows=[] if table is None else table.slice(0, ROWS).to_pylist(),
        committed=visit.tx.execute(_COMMITTED, [job.institution, job_id]).fetchone(),
        **words(),
    )


def _kind(manifest: Manifest) -> Kind | None:
    """The kind, if this program has it and the manifest fits: else nobody here can tell what it reveals."""
    try:
        return kind_of(manifest)
    except UserError:
        return None


def _me(visit: Visit, manifest: Manifest) -> Party | None:
    row = visit.tx.execute(_NODE, [own(visit)]).fetchone()
    return next((p for p in manifest.parties if row is not None and p.name == row["name"]), None)


def _table(kept: Kept | None) -> pa.Table | None:
    if kept is None or kept.delivered is None:
        return None
    return pq.read_table(io.BytesIO(kept.delivered))


@router.post("/privacy/jobs/{job_id}/approve")
def approve_job(visit: Decide, job_id: UUID, shown: Annotated[str, Form(max_length=64)] = "") -> Response:
    """A person agrees to exactly what the page showed; the node signs it within moments."""

    def work(job: JobRow) -> None:
        if shown != job.manifest.digest:
            fail("PRV-MANIFEST-CHANGED", str(job_id))
        if _kind(job.manifest) is None:
            fail("PRV-KIND", str(job_id), kind=job.manifest.kind, version=job.manifest.version)
        job_rows.approve(visit.tx, job_id, visit.actor.name)

    return _decided(visit, job_id, "approved", work)


@router.post("/privacy/jobs/{job_id}/refuse")
def refuse_job(visit: Decide, job_id: UUID, reason: Words = "") -> Response:
    """A person refuses; the others learn that, not the reason."""
    return _decided(
        visit, job_id, "refused", lambda _: job_rows.refuse(visit.tx, job_id, visit.actor.name, reason)
    )


@router.post("/privacy/jobs/{job_id}/again")
def try_again(visit: Decide, job_id: UUID) -> Response:
    """Try a failed job again, within its attempts."""
    return _decided(visit, job_id, "again", lambda _: job_rows.retry(visit.tx, job_id, visit.actor.name))


def _decided(visit: Visit, job_id: UUID, what: str, work: Callable[[JobRow], object]) -> Response:
    job = job_rows.one(visit.tx, job_id)

    def decide() -> Response:
        work(job)
        audit.note(visit.tx, visit.actor, f"privacy.{what}", str(job_id), {"digest": job.manifest.digest})
        return RedirectResponse(f"{PAGE}/jobs/{job_id}", 303)

    return attempt(visit, decide, lambda fault: _job(visit, job_id, fault))


@router.get("/privacy/jobs/{job_id}/result.csv")
def result_file(visit: Read, job_id: UUID) -> Response:
    """The rows that this institution got."""
    table = _table(job_rows.result(visit.tx, job_rows.one(visit.tx, job_id).id))
    if table is None:
        fail("PRV-RESULT-ABSENT", str(job_id))
    audit.note(visit.tx, visit.actor, "privacy.downloaded", str(job_id), {"rows": table.num_rows})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in table.column_names])
    writer.writerows([_safe(cell) for cell in row.values()] for row in table.to_pylist())
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/privacy/jobs/{job_id}/proof.json")
def proof_file(visit: Read, job_id: UUID) -> Response:
    """What ``xinqiao privacy verify`` checks alone and offline: signatures and receipts, no value."""
    job = job_rows.one(visit.tx, job_id)
    me = _me(visit, job.manifest)
    if me is None or job_rows.result(visit.tx, job_id) is None:
        fail("PRV-RESULT-ABSENT", str(job_id))
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.json"'}
    return Response(proof_of(visit.tx, job, me.name).write(), media_type="application/json", headers=headers)


def _safe(cell: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """Text that a spreadsheet would take for a formula begins with a quote."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
