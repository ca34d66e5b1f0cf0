"""Data holders: contracts, deliveries and their quality, who used the data for what, and bills."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, UploadFile
from starlette.responses import Response

from xinqiao.consent import supply
from xinqiao.consent.terms import purposes
from xinqiao.consent.uses import Bill, Use, bills, uses
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, Out, answer
from xinqiao.portal.visit import Visit, needs
from xinqiao.source import delivery
from xinqiao.source.contract import Contract, contract, contracts
from xinqiao.source.delivery import Delivery
from xinqiao.source.holder import sources
from xinqiao.source.lake import Lake

router = APIRouter()
Holder = Annotated[Visit, needs("holder.work")]
MONTHS = 12
COPY_BYTES = 1 << 20


def _agreements(visit: Visit) -> list[supply.Agreement]:
    found = supply.agreements(visit.tx)
    return [one for one in found if one.institution == visit.actor.institution]


def _sources(visit: Visit) -> list[str]:
    """The sources of the agreements in force, in the catalogue's order."""
    held = {s for one in _agreements(visit) if one.begins_on <= today() <= one.ends_on for s in one.sources}
    return [source for source in sources() if source in held]


def _contracts(held: list[str]) -> list[Contract]:
    return [one for one in contracts().values() if one.source in held]


@router.get("/holder", include_in_schema=False)
def overview(visit: Holder) -> Response:
    """What was agreed, and what each kind of record must look like."""
    held = _sources(visit)
    found = delivery.deliveries(visit.tx, 500)
    latest: dict[str, Delivery] = {}
    for one in found:
        latest.setdefault(one.contract, one)
    return visit.page(
        "holder_contracts.html",
        agreements=_agreements(visit),
        sources=sources(),
        contracts=_contracts(held),
        latest=latest,
        today=today(),
        soon=today() + timedelta(days=30),
    )


@router.get("/holder/contracts/{contract_id}", include_in_schema=False)
def one_contract(visit: Holder, contract_id: str) -> Response:
    """The fields of a kind of record, and the checks it must pass."""
    told = _own(visit, contract_id)
    return visit.page("holder_contract.html", contract=told, source=sources()[told.source])


def _own(visit: Visit, contract_id: str) -> Contract:
    """A contract of a source of one's own. Raises UserError CST-* without an agreement in force."""
    told = contract(contract_id)
    if visit.actor.institution is None:
        fail("ACC-FORBIDDEN", contract_id, permission="holder.work")
    supply.check(visit.tx, visit.actor.institution, told.source)
    return told


@router.get("/holder/deliveries", include_in_schema=False)
def deliveries(visit: Holder) -> Response:
    """The form to deliver, and what became of what was delivered."""
    found = delivery.deliveries(visit.tx)
    read, kept = sum(d.rows_read for d in found), sum(d.rows_kept for d in found)
    return visit.page(
        "holder_deliveries.html",
        contracts=_contracts(_sources(visit)),
        named=contracts(),
        found=found,
        read=read,
        kept=kept,
        most=delivery.MOST_BYTES // 1_000_000,
    )


@router.post("/holder/deliveries", include_in_schema=False)
def deliver(visit: Holder, contract_id: Annotated[str, Form()], file: UploadFile) -> Response:
    """Take a file in."""

    def work() -> Response:
        made = _take(visit, contract_id, file)
        return Response(status_code=303, headers={"location": f"/holder/deliveries/{made.id}"})

    return visit.once(work)


def _take(visit: Visit, contract_id: str, file: UploadFile) -> Delivery:
    _own(visit, contract_id)
    name = Path(file.filename or "").name
    suffix = next((kind for kind in delivery.KINDS if name.lower().endswith(kind)), ".csv")
    with tempfile.TemporaryDirectory(dir=visit.platform.folder) as folder:
        path = Path(folder) / f"{contract_id}{suffix}"
        with path.open("wb") as target:
            while piece := file.file.read(COPY_BYTES):
                target.write(piece)
        return delivery.take(visit.tx, visit.actor, _lake(visit), contract_id, name=name, path=path)


def _lake(visit: Visit) -> Lake:
    return Lake(visit.platform.folder / "lake")


@router.get("/holder/deliveries/{delivery_id}", include_in_schema=False)
def one_delivery(visit: Holder, delivery_id: UUID) -> Response:
    """What became of each row: rules that applied, and the lines set aside with their reasons."""
    told = delivery.delivery(visit.tx, delivery_id)
    lines = delivery.quarantined(_lake(visit), told)
    return visit.page(
        "holder_delivery.html",
        delivery=told,
        contract=contracts()[told.contract],
        heading=lines[0] if lines else [],
        lines=lines[1:],
    )


@router.get("/holder/uses", include_in_schema=False)
def used(visit: Holder) -> Response:
    """Who used the data for what: numbers only, no firm's name."""
    found = _uses(visit)
    by_purpose: dict[str, int] = defaultdict(int)
    for use in found:
        by_purpose[use.purpose] += use.reads
    return visit.page(
        "holder_uses.html",
        found=found,
        sources=sources(),
        purposes=purposes(),
        totals=sorted(by_purpose.items(), key=lambda item: -item[1]),
        most=max(by_purpose.values(), default=1),
    )


def _uses(visit: Visit) -> list[Use]:
    held = {s for one in _agreements(visit) for s in one.sources}
    return uses(visit.tx, held, now() - timedelta(days=MONTHS * 31))


@router.get("/holder/bills", include_in_schema=False)
def billed(visit: Holder) -> Response:
    """What the reads of each month come to."""
    found: list[Bill] = []
    if visit.actor.institution is not None:
        found = bills(visit.tx, visit.actor.institution, _uses(visit))
    months: dict[str, list[Bill]] = defaultdict(list)
    for bill in found:
        months[bill.month].append(bill)
    total = sum((bill.amount_cny for bill in found), Decimal(0))
    return visit.page("holder_bills.html", months=months, sources=sources(), total=total, today=today())


class Delivered(Out):
    """What became of a file."""

    id: UUID
    contract: str
    already: bool
    rows_read: int
    rows_kept: int
    rows_repaired: int
    rows_quarantined: int


@router.post(
    f"{VERSION}/deliveries",
    status_code=201,
    response_model=Delivered,
    dependencies=WRITES,
    responses=PROBLEMS,
    tags=["holder 数据源"],
    summary="交付文件 deliver a file",
)
def deliver_by_api(
    visit: Annotated[Visit, needs("api.holder")], contract: Annotated[str, Form()], file: UploadFile
) -> Response:
    """Deliver a file in the layout of a contract; rows that fail go to quarantine with their reason."""

    def work() -> Response:
        made = _take(visit, contract, file)
        return answer(Delivered(**{name: getattr(made, name) for name in Delivered.model_fields}), 201)

    return visit.once(work)
