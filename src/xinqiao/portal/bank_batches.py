"""Pre-approval of lists: upload, watch the job, download."""

from __future__ import annotations

import csv
import io
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.text import Text
from xinqiao.lending import bank_policy, preapproval
from xinqiao.lending.product import institution_products
from xinqiao.lending.upload import COMPANY, SAID
from xinqiao.policy.load import built_in, load_policy
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.bank_scorecards import sent
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.page import OUTCOMES

router = APIRouter()
SHOWN = 200
COLUMNS = (
    "line",
    "company_id",
    "name",
    "state",
    "outcome",
    "limit_cny",
    "rate",
    "grade",
    "reasons",
    "query_id",
)
Handles = Annotated[Visit, needs("case.handle")]


def choices(visit: Visit) -> dict[str, Text]:
    """Policies a list may be decided by: of products on offer, the bank's own, the platform's."""
    offers = institution_products(visit.tx, own_institution(visit))
    found = {o.product.id: o.product.name for o in offers if o.state == "open"}
    found |= {v.policy: Text(zh=v.policy, en=v.policy) for v in bank_policy.versions(visit.tx)} | found
    return found | {key: load_policy(key).file.name for key in built_in()}


@router.get("/bank/batches")
def batches_page(visit: Handles) -> Response:
    """The bank's lists and a form for another."""
    return visit.page(
        "bank_batches.html",
        batches=preapproval.batches(visit.tx),
        policies=choices(visit),
        limits=SAID,
        most=preapproval.MOST,
        names=COMPANY,
    )


@router.post("/bank/batches")
def start(
    visit: Handles, file: Annotated[UploadFile, File()], policy: Annotated[str, Form(max_length=80)]
) -> Response:
    """Queue a list."""
    data, name = sent(file)

    def work() -> Response:
        made = preapproval.start(visit.tx, visit.actor, data, name, policy)
        return RedirectResponse(f"/bank/batches/{made}", 303)

    return visit.once(work)


@router.get("/bank/batches/{batch_id}")
def batch_page(visit: Handles, batch_id: UUID) -> Response:
    """How far a list is, and its first rows; the page loads itself anew while the job runs."""
    found = preapproval.one(visit.tx, batch_id)
    if found.ended_at is None:
        visit.headers["Refresh"] = "3"
    return visit.page(
        "bank_batch.html",
        b=found,
        counts=preapproval.counts(visit.tx, batch_id),
        rows=preapproval.rows_of(visit.tx, batch_id, SHOWN),
        states=preapproval.STATES,
        outcomes=OUTCOMES,
        shown=SHOWN,
    )


@router.get("/bank/batches/{batch_id}/result.csv")
def result(visit: Handles, batch_id: UUID) -> Response:
    """All rows as CSV."""
    found = preapproval.one(visit.tx, batch_id)
    out = io.StringIO()
    out.write("\ufeff")  # so that spreadsheet programs read it as UTF-8
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in preapproval.rows_of(visit.tx, found.id):
        writer.writerow([_plain(row[name]) for name in COLUMNS])
    headers = {"Content-Disposition": f'attachment; filename="preapproval-{batch_id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(value: object) -> str:
    """A cell that no spreadsheet program takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
