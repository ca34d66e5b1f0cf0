"""Errors as answers: a page for people, problem+json (RFC 9457) for programs, always with code and cure."""

from __future__ import annotations

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from xinqiao.account.actor import ANYONE
from xinqiao.db.database import SYSTEM
from xinqiao.kernel.errors import UserError, user_error
from xinqiao.portal.platform import Platform
from xinqiao.portal.visit import Visit

STATUS = {
    "ACC-SIGN-IN": 401,
    "ACC-TOKEN": 401,
    "ACC-SIGNATURE": 401,
    "ACC-ASSERTION": 401,
    "ACC-LOCKED": 429,
    "ACC-FORBIDDEN": 403,
    "ACC-CSRF": 403,
    "API-NOT-FOUND": 404,
    "API-KEY-OTHER": 409,
    "API-SHAPE": 422,
}
"""Status of codes that are not a plain 400; some suffixes tell their own (``SUFFIXES``)."""
SUFFIXES = {"FORBIDDEN": 403, "ABSENT": 404, "STATE": 409, "RATE": 429}
API = "/api/"
AWAY = 503


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` in one way."""
    app.add_exception_handler(UserError, _user_error)  # type: ignore[arg-type] # Starlette types handlers by Exception
    app.add_exception_handler(RequestValidationError, _shape)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(psycopg.DataError, _data)
    app.add_exception_handler(psycopg.IntegrityError, _rule)
    app.add_exception_handler(psycopg.OperationalError, _away)
    app.add_exception_handler(PoolTimeout, _away)


def status_of(error: UserError) -> int:
    """HTTP status of an error's code."""
    return STATUS.get(error.code) or SUFFIXES.get(error.code.rsplit("-", 1)[-1], 400)


def _user_error(request: Request, error: UserError) -> Response:
    status = status_of(error)
    if request.url.path.startswith(API):
        return _problem(status, error)
    if error.code == "ACC-SIGN-IN" and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={request.url.path}", 303)
    platform: Platform = request.app.state.platform
    with platform.database.transaction(SYSTEM) as tx:
        try:
            signed = platform.authenticate(tx, request)
        except UserError:
            signed = None
        visit = Visit(request, platform, tx, signed.actor if signed else ANYONE, None, "", None)
        return visit.page("error.html", status, error=error)


def _problem(status: int, error: UserError) -> Response:
    told = {
        "type": "about:blank",
        "title": error.what.en,
        "status": status,
        "code": error.code,
        "where": error.where,
        "what": error.what.model_dump(),
        "fix": error.fix.model_dump(),
    }
    return JSONResponse(told, status, media_type="application/problem+json")


def _away(request: Request, _: Exception) -> Response:
    """The database is gone for a moment: nothing was done, the same request can be sent again."""
    error = user_error("API-AWAY", request.url.path)
    if request.url.path.startswith(API):
        answer = _problem(AWAY, error)
    else:
        words = f"<h1>{error.what.zh}</h1><p lang=en>{error.what.en}</p><p>{error.fix.zh} {error.fix.en}</p>"
        answer = HTMLResponse(f"<!doctype html><html lang=zh-CN><title>503</title>{words}</html>", AWAY)
    answer.headers["Retry-After"] = "2"
    return answer


def _shape(request: Request, error: RequestValidationError) -> Response:
    detail = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
    return _user_error(request, user_error("API-SHAPE", request.url.path, detail=detail[:2000]))


def _data(request: Request, _: Exception) -> Response:
    """Something the database can't hold: a NUL character, a number beyond all bounds."""
    return _user_error(request, user_error("API-SHAPE", request.url.path, detail="NUL / out of range"))


def _rule(request: Request, _: Exception) -> Response:
    """A rule of the database refuses what no service had refused before."""
    return _user_error(request, user_error("API-RULE-STATE", request.url.path))


def _http(request: Request, error: HTTPException) -> Response:
    code = "API-NOT-FOUND" if error.status_code == 404 else "API-HTTP"  # noqa: PLR2004 - HTTP's own number
    answer = _user_error(request, user_error(code, request.url.path, detail=str(error.detail)))
    answer.status_code = error.status_code
    answer.headers.update(error.headers or {})
    return answer
