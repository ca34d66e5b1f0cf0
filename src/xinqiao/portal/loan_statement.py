"""A loan's statement for its borrower and its bank: on the page, as CSV and as PDF."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.routing import APIRouter
from starlette.responses import Response

from xinqiao.kernel.clock import now
from xinqiao.kernel.quantity import fixed
from xinqiao.kernel.text import Text
from xinqiao.loan import event as events
from xinqiao.portal.loan_story import said
from xinqiao.portal.loan_view import LoanView, loan_view
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import statement as journal
from xinqiao.servicing.statement import ACCOUNTS, Moved, Sums
from xinqiao.servicing.typesetting import typeset

router = APIRouter()
Day = Annotated[date | None, Query()]
Own = Annotated[Visit, needs("company.own")]
Read = Annotated[Visit, needs("loan.read")]
OTHERS = {
    "day_end": Text(zh="计提利息与罚息", en="interest and penalty accrued"),
    "accrual": Text(zh="计提利息与罚息", en="interest and penalty accrued"),
    "counter": Text(zh="冲正对冲", en="counter-entry"),
}
HEADS = ("记账日 booked on", "内容 what", "欠款增加 adds", "欠款减少 takes away", "欠款 owed")


@dataclass(frozen=True, slots=True)
class Line:
    """What a booking did to the debt, in CNY."""

    on: date
    words: Text
    adds: Decimal
    takes: Decimal
    owed: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """The debt from ``since`` to ``until``, both counted, in CNY."""

    view: LoanView
    since: date
    until: date
    opening: Decimal
    lines: tuple[Line, ...]
    closing: Decimal


def of_loan(visit: Visit, loan_id: UUID, since: date | None, until: date | None) -> Statement:
    """The statement of a loan the visit may see: of all its days unless told. Raises SRV-LOAN-ABSENT."""
    view = loan_view(visit, loan_id)
    first, last = since or view.row.drawn_on, until or view.on
    found = journal.statement(visit.tx, loan_id, first, last)
    told = {each.seq: each.event for each, _, _ in view.past}
    lines = tuple(_line(each, told) for each in found.lines if _owed(each.sums))
    return Statement(view, first, last, _owed(found.before), lines, _owed(found.after))


def _line(moved: Moved, told: dict[int, events.Event]) -> Line:
    change = _owed(moved.sums)
    event = told.get(moved.seq or 0)
    words = OTHERS.get(moved.kind) or (Text(zh=moved.kind, en=moved.kind) if event is None else said(event))
    return Line(moved.booked_on, words, max(change, Decimal(0)), max(-change, Decimal(0)), _owed(moved.after))


def _owed(sums: Sums) -> Decimal:
    """What the loan's own accounts come to: what is owed, less what is held for the borrower."""
    return sum((amount for account, amount in sums.items() if account in ACCOUNTS), Decimal(0))


def _page(visit: Visit, loan_id: UUID, back: str, since: date | None, until: date | None) -> Response:
    found = of_loan(visit, loan_id, since, until)
    return visit.page(
        "loan_statement.html",
        back=f"{back}/{loan_id}",
        view=found.view,
        since=found.since,
        until=found.until,
        opening=found.opening,
        closing=found.closing,
        lines=found.lines,
    )


def as_csv(found: Statement) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to see Chinese."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADS)
    writer.writerow([found.since, "期初 before", "", "", found.opening])
    for line in found.lines:
        words = f"{line.words.zh} {line.words.en}"
        writer.writerow([line.on, words, line.adds or "", line.takes or "", line.owed])
    writer.writerow([found.until, "期末 after", "", "", found.closing])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_pdf(visit: Visit, found: Statement) -> bytes:
    """The same for paper. Raises UserError SRV-FONT where no Chinese font is there."""
    view = found.view
    told = {
        "number": str(view.row.id),
        "lender": view.institution.zh,
        "borrower": view.company,
        "product": f"{view.product.zh} {view.product.en}",
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "opening": fixed(found.opening, 2),
        "closing": fixed(found.closing, 2),
        "generated": visit.platform.generated,
        "lines": [_printed(line) for line in found.lines],
    }
    return typeset("statement", told, now())


def _printed(line: Line) -> dict[str, str]:
    sums = {"adds": line.adds, "takes": line.takes}
    told = {name: fixed(sum_, 2) if sum_ else "" for name, sum_ in sums.items()}
    return {
        "on": line.on.isoformat(),
        "zh": line.words.zh,
        "en": line.words.en,
        "owed": fixed(line.owed, 2),
        **told,
    }


def _print(visit: Visit, loan_id: UUID, since: date | None, until: date | None) -> Response:
    data = as_pdf(visit, of_loan(visit, loan_id, since, until))
    headers = {"Content-Disposition": f'attachment; filename="statement-{loan_id}.pdf"'}
    return Response(data, media_type="application/pdf", headers=headers)


def _file(visit: Visit, loan_id: UUID, since: date | None, until: date | None) -> Response:
    found = of_loan(visit, loan_id, since, until)
    headers = {"Content-Disposition": f'attachment; filename="statement-{loan_id}.csv"'}
    return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/enterprise/loans/{loan_id}/statement")
def own_page(visit: Own, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The firm's statement."""
    return _page(visit, loan_id, "/enterprise/loans", since, until)


@router.get("/enterprise/loans/{loan_id}/statement.csv")
def own_csv(visit: Own, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The firm's statement as CSV."""
    return _file(visit, loan_id, since, until)


@router.get("/enterprise/loans/{loan_id}/statement.pdf")
def own_pdf(visit: Own, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The firm's statement as PDF."""
    return _print(visit, loan_id, since, until)


@router.get("/bank/loans/{loan_id}/statement.pdf")
def bank_pdf(visit: Read, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The bank's statement as PDF."""
    return _print(visit, loan_id, since, until)


@router.get("/bank/loans/{loan_id}/statement")
def bank_page(visit: Read, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The bank's statement."""
    return _page(visit, loan_id, "/bank/loans", since, until)


@router.get("/bank/loans/{loan_id}/statement.csv")
def bank_csv(visit: Read, loan_id: UUID, since: Day = None, until: Day = None) -> Response:
    """The bank's statement as CSV."""
    return _file(visit, loan_id, since, until)
