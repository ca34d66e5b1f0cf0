"""The token endpoint: client credentials proved by a signed assertion (RFC 6749, RFC 7523)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from xinqiao.account.client import MAX_ASSERTION, issue
from xinqiao.account.sign_in import limit_address
from xinqiao.kernel.errors import UserError
from xinqiao.portal.authentication import caller
from xinqiao.portal.problems import status_of
from xinqiao.portal.visit import Visit, needs

router = APIRouter(prefix="/api/v1", tags=["token 令牌"])
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ERRORS = {"ACC-SCOPE-FORBIDDEN": "invalid_scope", "ACC-RATE": "temporarily_unavailable"}


class TokenAnswer(BaseModel):
    """An access token; send it as ``Authorization: Bearer``."""

    model_config = ConfigDict(extra="forbid")

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenRefusal(BaseModel):
    """Why there is none, as OAuth says it and with our own code."""

    model_config = ConfigDict(extra="forbid")

    error: str
    error_description: str
    code: str


@router.post(
    "/token",
    summary="换取访问令牌 an access token",
    response_model=TokenAnswer,
    responses={status: {"model": TokenRefusal} for status in (400, 401, 403, 429)},
)
def token(
    visit: Annotated[Visit, needs("public.read")],
    grant_type: Annotated[Literal["client_credentials"], Form()],
    client_assertion_type: Annotated[
        Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"], Form()
    ],
    client_assertion: Annotated[str, Form(max_length=MAX_ASSERTION)],
    scope: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Give an access token for ten minutes. An assertion is good once, so no idempotency key is needed."""
    del grant_type, client_assertion_type
    address = visit.platform.address.rstrip("/")
    try:
        limit_address(visit.tx, caller(visit.request))
        made = issue(visit.tx, client_assertion, [f"{address}/api/v1/token", address], scope)
    except UserError as error:
        return _refused(error)
    answer = TokenAnswer(
        access_token=made.value,
        token_type="Bearer",  # noqa: S106 - the kind of token
        expires_in=made.seconds,
        scope=" ".join(made.scopes),
    )
    return JSONResponse(answer.model_dump(), headers={"Cache-Control": "no-store"})


def _refused(error: UserError) -> Response:
    told = TokenRefusal(
        error=ERRORS.get(error.code, "invalid_client"), error_description=error.what.en, code=error.code
    )
    return JSONResponse(told.model_dump(), status_of(error), headers={"Cache-Control": "no-store"})
