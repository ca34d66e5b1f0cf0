"""API: a firm's credit file and score under its grant, and batch files of many firms."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from xinqiao.consent.access import Permit
from xinqiao.kernel.errors import fail
from xinqiao.portal.api import PROBLEMS, VERSION, WRITES, CompanyId, CompanyKey, In, Out, answer, once
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait import batch_file
from xinqiao.portrait.credit_file import SCORE, CreditFile, read
from xinqiao.portrait.sandbox import PREFIX, sandbox_file

router = APIRouter(prefix=VERSION, tags=["credit 信用"], responses=PROBLEMS)
Purpose = Annotated[
    Literal["pre_approval", "credit_decision", "post_loan"], Query(description="用途 purpose of the read")
]
Reader = Annotated[Visit, needs("portrait.read", sandbox=True)]


class Reading(Out):
    """Under what a read was allowed. ``disputed``: what the firm objects to; nothing may be handed on."""

    grant_id: UUID | None
    query_id: UUID | None
    data_sets: tuple[str, ...]
    until: datetime | None
    disputed: tuple[str, ...]
    watermark: str


class Portrait(Out):
    """The credit file as far as the grant covers it."""

    reading: Reading
    file: dict[str, Any] = Field(description="信用档案 the credit file: register, indicators, score, months")


class Score(Out):
    """Score and grade. ``pd``: yearly probability of default; None where the grant doesn't cover SCORE."""

    company_id: str
    as_of: date
    model_id: str
    points: float | None
    grade: str | None
    pd: float | None
    contributions: tuple[dict[str, Any], ...]
    generated: bool
    reading: Reading


class BatchIn(In):
    """A list of firms to be scored under their grants."""

    purpose: Literal["pre_approval", "post_loan"]
    companies: list[CompanyKey] = Field(min_length=1, max_length=batch_file.MOST)


class Batch(Out):
    """How far a batch is; ``done_at`` set: the result can be fetched."""

    id: UUID
    purpose: str
    lines: int
    answered: int
    made_at: datetime
    done_at: datetime | None


@router.get("/companies/{company_id}/portrait", response_model=Portrait, summary="信用画像 portrait")
def portrait(visit: Reader, company_id: CompanyId, purpose: Purpose) -> Response:
    """The credit file, as far as the firm granted it to your institution for this purpose."""
    file, reading = _file(visit, company_id, purpose)
    told = file.model_dump(mode="json")
    told["register"] = told.pop("register_")
    return answer(Portrait(reading=reading, file=told))


@router.get("/companies/{company_id}/score", response_model=Score, summary="评分 score")
def score(visit: Reader, company_id: CompanyId, purpose: Purpose) -> Response:
    """Points, grade, probability of default and what raised or lowered them."""
    file, reading = _file(visit, company_id, purpose, wanted=(SCORE,))
    given = file.score or {}
    return answer(
        Score(
            company_id=file.company_id,
            as_of=file.as_of,
            model_id=file.model_id,
            points=given.get("points"),
            grade=given.get("grade"),
            pd=given.get("pd"),
            contributions=tuple(given.get("contributions", ())),
            generated=file.generated,
            reading=reading,
        )
    )


def _file(
    visit: Visit, company_id: str, purpose: str, wanted: tuple[str, ...] | None = None
) -> tuple[CreditFile, Reading]:
    """The file of a firm for the actor; a sandbox key sees invented firms, and nobody else does."""
    if visit.actor.sandbox:
        if not company_id.startswith(PREFIX):
            fail("API-SANDBOX-FORBIDDEN", company_id)
        sets = (SCORE,)
        made = Reading(
            grant_id=None, query_id=None, data_sets=sets, until=None, disputed=(), watermark=PREFIX
        )
        return sandbox_file(company_id), made
    file, allowed = read(visit.tx, visit.actor, company_id, purpose, wanted=wanted)
    return file, reading_of(allowed)


def reading_of(allowed: Permit) -> Reading:
    """The terms of a read, as answers carry them."""
    return Reading(
        grant_id=allowed.grant_id,
        query_id=allowed.query_id,
        data_sets=tuple(sorted(allowed.data_sets)),
        until=allowed.until,
        disputed=tuple(sorted(allowed.disputed)),
        watermark=allowed.watermark,
    )


class Company(Out):
    """What the public register says of a firm."""

    id: str
    name: str
    uscc: str | None
    status: str | None
    industry: str | None
    division: str | None
    size: str | None
    established_on: date | None


@router.get("/companies/{company_id}", response_model=Company, summary="工商登记 register")
def company(visit: Annotated[Visit, needs("public.read")], company_id: CompanyId) -> Response:
    """The public register's entry of a firm; needs no grant."""
    if company_id.startswith(PREFIX):
        file = sandbox_file(company_id)
        told = {**file.register_.model_dump(), "id": company_id}
        return answer(Company.model_validate(told))
    row = visit.tx.execute("SELECT * FROM company WHERE id = %s", [company_id]).fetchone()
    if row is None:
        fail("PTR-ABSENT", company_id)
    return answer(Company.model_validate(row))


@router.post(
    "/batches", status_code=202, response_model=Batch, dependencies=WRITES, summary="批量文件 batch file"
)
def start_batch(visit: Reader, body: BatchIn) -> Response:
    """Hand in a list; poll it or wait for the message ``batch.done``, then fetch the result."""

    def work() -> Batch:
        made = batch_file.start(visit.tx, visit.actor, body.purpose, body.companies)
        return _batch(visit, made)

    return once(visit, work, 202)


@router.get("/batches/{batch_id}", response_model=Batch, summary="批量进度 progress of a batch")
def batch(visit: Reader, batch_id: UUID) -> Response:
    """How far it is."""
    return answer(_batch(visit, batch_id))


@router.get(
    "/batches/{batch_id}/result",
    summary="批量结果 result of a batch",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
def result(visit: Reader, batch_id: UUID) -> Response:
    """One JSON object a line, in the order handed in: the score, or the error for that firm."""
    body = b"".join(batch_file.answers(visit.tx, batch_id))
    return Response(body, media_type="application/x-ndjson")


def _batch(visit: Visit, batch_id: UUID) -> Batch:
    found = batch_file.one(visit.tx, batch_id)
    return Batch(**{name: getattr(found, name) for name in batch_file.BatchFile.__slots__})
