"""API: a day's book of the bank's core system compared with ours; the differences to settle."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from xinqiao.kernel.text import Text
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, Day, Id, In, Out, answer, once
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import reconciliation

router = APIRouter(prefix=VERSION, tags=["loans 贷款"], responses=PROBLEMS)
Reader = Annotated[Visit, needs("loan.read")]
Writer = Annotated[Visit, needs("api.bank")]
MOST_LINES = 100_000


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        message = 'an amount is a text such as "500000.00" or a whole number'
        raise ValueError(message)  # noqa: TRY004 - pydantic turns ValueError only into a fault of the body
    return value


class LineIn(In):
    """A line of the core's day: a loan's principal (``balance``) or an entry it took over (``posting``)."""

    record: Literal["balance", "posting"]
    id: Id
    amount_cny: Annotated[
        Decimal, BeforeValidator(_amount), Field(strict=False, max_digits=18, decimal_places=2)
    ]
    status: Literal["open", "closed", "written_off", "booked", "rejected"]


class ReconciliationIn(In):
    """The core's book at the end of a day. ``source``: your own name for it."""

    day: Day
    source: Annotated[str, Field(min_length=1, max_length=200)]
    lines: Annotated[list[LineIn], Field(max_length=MOST_LINES)]


class ReconciliationOut(Out):
    """What was compared; ``again``: the same lines were compared before."""

    id: UUID
    day: date
    digest: str
    source: str
    rows: int
    agreeing: int
    open: int
    again: bool


class Reconciliations(Out):
    """What was compared, the latest first."""

    items: tuple[ReconciliationOut, ...]


class DifferenceOut(Out):
    """Where the books differ; ``ours`` and ``theirs`` as ``amount status``, empty where missing."""

    id: UUID
    kind: str
    kind_name: Text
    subject: str
    ours: str
    theirs: str
    state: str
    words: str
    settled_by: str


class Differences(Out):
    """The differences of one comparison."""

    items: tuple[DifferenceOut, ...]


@router.post(
    "/reconciliation",
    response_model=ReconciliationOut,
    dependencies=WRITES,
    summary="对账 compare a day's book",
)
def compare(visit: Writer, told: ReconciliationIn) -> Response:
    """Compare the core's book of a day with ours; sending the same lines again changes nothing."""

    def work() -> ReconciliationOut:
        found = reconciliation.reconcile(visit.tx, visit.actor, told.day, _file(told.lines), told.source)
        return ReconciliationOut.model_validate(found, from_attributes=True)

    return once(visit, work)


def _file(lines: list[LineIn]) -> bytes:
    """The same as the file of the core would say it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(reconciliation.COLUMNS)
    writer.writerows([each.record, each.id, each.amount_cny, each.status] for each in lines)
    return out.getvalue().encode()


@router.get("/reconciliation", response_model=Reconciliations, summary="对账记录 comparisons")
def listed(visit: Reader) -> Response:
    """What was compared, with how many differences are open."""
    found = reconciliation.files(visit.tx, own_institution(visit))
    told = [ReconciliationOut.model_validate(each, from_attributes=True) for each in found]
    return answer(Reconciliations(items=tuple(told)))


@router.get(
    "/reconciliation/{reconciliation_id}/differences",
    response_model=Differences,
    summary="差异 differences of a comparison",
)
def differences(visit: Reader, reconciliation_id: UUID) -> Response:
    """Where the two books differ, and what became of it."""
    found = reconciliation.differences(visit.tx, own_institution(visit), reconciliation=reconciliation_id)
    told = [
        DifferenceOut(
            id=each.id,
            kind=each.kind,
            kind_name=reconciliation.KINDS[each.kind],
            subject=each.subject,
            ours=each.ours,
            theirs=each.theirs,
            state=each.state,
            words=each.words,
            settled_by=each.settled_by,
        )
        for each in found
    ]
    return answer(Differences(items=tuple(told)))
