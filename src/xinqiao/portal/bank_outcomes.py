"""What became of loans, told by the bank: a file or one loan at a time; training labels come from it."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import fail
from xinqiao.lending import outcome
from xinqiao.lending.outcome import BAD_DAYS, HORIZON_MONTHS, KINDS, Kind, Outcome
from xinqiao.lending.upload import SAID, known_companies
from xinqiao.portal.bank_scorecards import sent
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PATH = "/bank/outcomes"
Handles = Annotated[Visit, needs("case.handle")]
NEVER = UUID(int=0)


@router.get("/bank/outcomes")
def outcomes_page(visit: Handles) -> Response:
    """Every loan as last seen, and how many labels that makes."""
    labels = outcome.labels(visit.tx, visit.actor.institution or NEVER)
    return visit.page(
        "bank_outcomes.html",
        loans=outcome.latest(visit.tx),
        counts=outcome.counts(visit.tx),
        labels=len(labels),
        bads=sum(label.bad for label in labels),
        kinds=KINDS,
        months=HORIZON_MONTHS,
        days=BAD_DAYS,
        limits=SAID,
        today=today(),
    )


@router.post("/bank/outcomes")
def tell(
    visit: Handles,
    *,
    company: Annotated[str, Form(max_length=60)],
    loan: Annotated[str, Form(min_length=1, max_length=64)],
    granted_on: Annotated[date, Form()],
    seen_on: Annotated[date, Form()],
    kind: Annotated[Kind, Form()],
    days_overdue: Annotated[int, Form(ge=0, le=10_000)] = 0,
    balance_cny: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Tell of one loan."""

    def work() -> Response:
        told = company.strip().upper()
        known = known_companies(visit.tx, [told])
        if told not in known:
            fail("BWB-ROW", loan, column="company", detail=f"{told} 不在登记库 not in the register")
        balance = _amount(balance_cny)
        row = Outcome(known[told], loan.strip(), granted_on, seen_on, kind, days_overdue, balance)
        outcome.report(visit.tx, visit.actor, [row])
        return RedirectResponse(PATH, 303)

    return visit.once(work)


def _amount(text: str) -> Decimal | None:
    return outcome.amount({"balance_cny": text}, "balance_cny", "balance_cny")


@router.post("/bank/outcomes/file")
def tell_file(visit: Handles, file: Annotated[UploadFile, File()]) -> Response:
    """Tell of the loans of a file, all or none."""
    data, name = sent(file)

    def work() -> Response:
        outcome.upload(visit.tx, visit.actor, data, name)
        return RedirectResponse(PATH, 303)

    return visit.once(work)


@router.get("/bank/outcomes/labels.csv")
def labels_file(visit: Handles) -> Response:
    """The labels as CSV: company, loan, day granted, 1 where it defaulted within the horizon."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["company_id", "loan", "granted_on", "bad"])
    for label in outcome.labels(visit.tx, visit.actor.institution or NEVER):
        writer.writerow([label.company_id, label.loan, label.granted_on, int(label.bad)])
    headers = {"Content-Disposition": 'attachment; filename="labels.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
