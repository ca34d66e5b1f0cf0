"""What all endpoints of the REST API share: strict bodies, answers, the idempotency key, how errors look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from xinqiao.kernel.text import Text
from xinqiao.portal.visit import MAX_KEY_CHARS, Visit

VERSION = "/api/v1"


def _text_only(value: object) -> object:
    """Dates, times and ids are texts in JSON; a number isn't taken for one."""
    if isinstance(value, str | date | datetime | UUID):
        return value
    message = "a text is wanted"
    raise ValueError(message)


class In(BaseModel):
    """A body that comes in: nothing unknown, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


Id = Annotated[UUID, Field(strict=False), BeforeValidator(_text_only)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_text_only)]
Instant = Annotated[datetime, Field(strict=False), BeforeValidator(_text_only)]
CompanyId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="企业代号 id of the firm")]
CompanyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


def _money(value: object) -> object:
    """Amounts come as texts or whole numbers: a binary fraction is no amount of money."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        message = 'an amount is a text such as "500000.00" or a whole number'
        raise ValueError(message)  # noqa: TRY004 - pydantic turns ValueError only into a fault of the body
    return value


Money = Annotated[
    Decimal, BeforeValidator(_money), Field(strict=False, gt=0, le=10**9, max_digits=12, decimal_places=2)
]


def _key(
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=MAX_KEY_CHARS,
            description="重试用同一个键 the same when trying again",
        ),
    ],
) -> str:
    return key


WRITES: list[Any] = [Depends(_key)]
"""Dependencies of every route that changes something: it takes an Idempotency-Key."""


class Problem(Out):
    """An error (RFC 9457): ``code`` is stable, ``what`` and ``fix`` are zh and en."""

    type: str
    title: str
    status: int
    code: str
    where: str
    what: Text
    fix: Text


_PROBLEM: dict[str, Any] = {
    "description": "错误 an error",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {**_PROBLEM, "model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429)
}


def answer(model: BaseModel, status: int = 200) -> Response:
    """``model`` as JSON."""
    return Response(model.model_dump_json(), status, media_type="application/json")


def once(visit: Visit, work: Callable[[], BaseModel], status: int = 200) -> Response:
    """Do ``work`` once for the request's key and answer with what it gave."""
    return visit.once(lambda: answer(work(), status))
