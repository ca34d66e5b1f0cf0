"""Signing in and out, by password, code or passkey, and the language of the pages.

These forms do not pass ``visit.once``: a repeated sign-in makes one more session and no harm, and the answer
holds the session's token, which must not be stored.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse, RedirectResponse, Response

from xinqiao.account.audit import note
from xinqiao.account.notifier import kept
from xinqiao.account.passkey import Site, begin_sign_in, by_passkey
from xinqiao.account.session import Method, end_session, find_session, open_session
from xinqiao.account.sign_in import ask_code, by_code, by_password, limit_address
from xinqiao.kernel.errors import UserError, fail
from xinqiao.portal.authentication import (
    caller,
    cookie,
    give_cookie,
    home_of,
    local,
    own_site,
    take_cookie,
)
from xinqiao.portal.problems import status_of
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Visit, needs("public.read")]
Word = Annotated[str, Form(max_length=200)]
LANGUAGES = ("zh", "en", "both")
YEAR_SECONDS = 365 * 86400


@router.get("/sign-in")
def sign_in_page(visit: Anyone, next: str = "") -> Response:  # noqa: A002 - the field's name
    """The three ways to sign in."""
    if visit.actor.person is not None:
        return RedirectResponse(local(next) or home_of(visit.actor), 303)
    return _page(visit, next)


@router.post("/sign-in")
def sign_in(visit: Anyone, phone: Word, password: Word, next: Word = "") -> Response:  # noqa: A002
    """By password."""
    _begin(visit)
    return _finish(
        visit, by_password(visit.tx, visit.platform.keyring, phone, password), "password", next, phone
    )


@router.post("/sign-in/code")
def send(visit: Anyone, phone: Word, next: Word = "") -> Response:  # noqa: A002
    """Send a code to the phone and ask for it."""
    _begin(visit)
    ask_code(visit.tx, visit.platform.keyring, visit.platform.notifier, phone)
    return visit.page("sign_in_code.html", phone=phone, next=local(next), error=None)


@router.post("/sign-in/code/enter")
def enter(visit: Anyone, phone: Word, code: Word, next: Word = "") -> Response:  # noqa: A002
    """By the code that was sent."""
    _begin(visit)
    found = by_code(visit.tx, visit.platform.keyring, phone, code)
    if isinstance(found, UserError):
        return visit.page("sign_in_code.html", status_of(found), phone=phone, next=local(next), error=found)
    return _finish(visit, found, "code", next, phone)


@router.post("/sign-in/passkey/begin")
def passkey_begin(visit: Anyone) -> Response:
    """What the browser asks its passkeys."""
    _begin(visit)
    asked = begin_sign_in(visit.tx, _site(visit))
    return JSONResponse({"id": str(asked.id), "options": asked.options})


@router.post("/sign-in/passkey")
def passkey(
    visit: Anyone,
    challenge: Annotated[UUID, Form()],
    answer: Annotated[str, Form(max_length=20_000)],
    next: Word = "",  # noqa: A002
) -> Response:
    """By passkey."""
    _begin(visit)
    return _finish(visit, by_passkey(visit.tx, _site(visit), challenge, answer), "passkey", next, "")


@router.post("/sign-out")
def sign_out(visit: Annotated[Visit, needs("account.own")]) -> Response:
    """End the session."""
    token = visit.request.cookies.get(cookie(visit.platform))
    if token:
        end_session(visit.tx, token)
        note(visit.tx, visit.actor, "session.ended", str(visit.actor.person))
    return take_cookie(visit.platform, RedirectResponse("/", 303))


@router.get("/language")
def language(visit: Anyone, to: str, next: str = "/") -> Response:  # noqa: A002
    """Choose the language of the pages."""
    answer = RedirectResponse(local(next) or "/", 303)
    if to in LANGUAGES:
        answer.set_cookie(
            "lang", to, max_age=YEAR_SECONDS, secure=visit.platform.secure, samesite="lax", httponly=True
        )
    return answer


@router.get("/messages")
def messages(visit: Anyone) -> Response:
    """What a demo would have sent to phones; a real platform has no such page."""
    if not visit.platform.generated:
        fail("API-NOT-FOUND", "/messages")
    return visit.page("messages.html", messages=kept(visit.tx, visit.platform.keyring))


def _begin(visit: Visit) -> None:
    own_site(visit)
    limit_address(visit.tx, caller(visit.request))


def _finish(visit: Visit, found: UUID | UserError, method: Method, following: str, phone: str) -> Response:
    if isinstance(found, UserError):
        return _page(visit, following, found, phone)
    return admit(visit, found, method, following)


def admit(visit: Visit, person: UUID, method: Method, following: str = "") -> Response:
    """Open a session and go on to ``following`` or the person's own first page."""
    token = open_session(visit.tx, person, method)
    session = find_session(visit.tx, token)
    following = local(following) or ("/" if session is None else home_of(session.actor))
    return give_cookie(visit.platform, RedirectResponse(following, 303), token)


def _page(visit: Visit, following: str, error: UserError | None = None, phone: str = "") -> Response:
    status = 200 if error is None else status_of(error)
    return visit.page("sign_in.html", status, next=local(following), error=error, phone=phone)


def _site(visit: Visit) -> Site:
    return Site(visit.platform.address)
