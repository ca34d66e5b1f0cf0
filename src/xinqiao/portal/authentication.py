"""Who a request is from: the session's cookie of a browser, or the access token of an API client."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from xinqiao.account.actor import Actor
from xinqiao.account.client import find_token
from xinqiao.account.session import Session, find_session, mark_confirmed
from xinqiao.account.sign_in import check_again
from xinqiao.account.signature import Sent, check_signature
from xinqiao.db.database import SYSTEM, Tx
from xinqiao.kernel.errors import fail
from xinqiao.portal.body import DIGEST
from xinqiao.portal.platform import Platform, Signed
from xinqiao.portal.visit import SAFE, Visit

SIGNED_ROLES = {"api.bank"}
"""Clients whose writes must carry a signature of their own (RFC 9421)."""
PROXY = "XINQIAO_PROXY"
"""Set to 1 behind a proxy of one's own: the caller's address is then the last of X-Forwarded-For."""
HOMES = {
    "enterprise": "/enterprise",
    "bank": "/bank",
    "guarantee": "/bank",
    "holder": "/holder",
    "operator": "/operator",
    "regulator": "/operator",
}


def authenticate(tx: Tx, request: Request) -> Signed | None:
    """The Authenticate of a running platform. Raises UserError ACC-TOKEN, ACC-SIGNATURE, ACC-RATE."""
    header = request.headers.get("authorization")
    if header is not None:
        return Signed(_client(tx, request, header), None)
    session = session_of(tx, request)
    return None if session is None else Signed(session.actor, session.csrf, session.confirmed_at)


def _client(tx: Tx, request: Request, header: str) -> Actor:
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer":
        fail("ACC-TOKEN", "authorization")
    actor, client = find_token(tx, token.strip())
    if request.method not in SAFE and client.role in SIGNED_ROLES:
        platform: Platform = request.app.state.platform
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope.get("raw_path", b"").decode("ascii").partition("?")[0] or request.url.path
        url = f"{platform.address.rstrip('/')}{path}{query}"
        sent = Sent(request.method, url, dict(request.headers))
        check_signature(tx, client, sent, request.scope[DIGEST].digest())
    return actor


def cookie(platform: Platform) -> str:
    """The cookie's name: over HTTPS one that only this host can set, and only for all of it."""
    return "__Host-session" if platform.secure else "session"


def session_of(tx: Tx, request: Request) -> Session | None:
    """The session of a browser's request."""
    token = request.cookies.get(cookie(request.app.state.platform))
    return None if not token else find_session(tx, token)


def give_cookie(platform: Platform, response: Response, token: str) -> Response:
    """``response`` with the session's cookie: no script reads it, no other site sends it with a form."""
    response.set_cookie(
        cookie(platform), token, httponly=True, secure=platform.secure, samesite="lax", path="/"
    )
    return response


def take_cookie(platform: Platform, response: Response) -> Response:
    """``response`` that takes the cookie back."""
    response.delete_cookie(cookie(platform), httponly=True, secure=platform.secure, samesite="lax", path="/")
    return response


def home_of(actor: Actor) -> str:
    """Where somebody begins who has signed in."""
    return HOMES.get(actor.side, "/account" if actor.person else "/")


def local(path: str) -> str:
    """``path`` if it stays on this site, else an empty text."""
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fits and "\\" not in path else ""


def own_site(visit: Visit) -> None:
    """A visitor's form must come from this site. Raises UserError ACC-CSRF.

    Browsers tell the origin with every POST; programs that tell none hold no cookie to abuse.
    """
    origin = visit.request.headers.get("origin")
    if origin is None:
        return
    known = {visit.request.headers.get("host", ""), urlsplit(visit.platform.address).netloc}
    if origin == "null" or urlsplit(origin).netloc not in known:
        fail("ACC-CSRF", visit.request.url.path)


def caller(request: Request) -> str:
    """The network address a request comes from."""
    forwarded = request.headers.get("x-forwarded-for", "")
    if os.environ.get(PROXY) == "1" and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()[:45]
    return request.client.host if request.client else "-"


def confirm(visit: Visit, password: str) -> None:
    """Ask for the password again before something is signed. Raises UserError ACC-CONFIRM, ACC-LOCKED.

    In a transaction of its own, so that a failure is counted although this raises.
    """
    if visit.actor.person is None:
        fail("ACC-CONFIRM", "password")
    with visit.platform.database.transaction(SYSTEM) as tx:
        refused = check_again(tx, visit.actor.person, password)
        session = session_of(tx, visit.request)
        if refused is None and session is not None:
            mark_confirmed(tx, session)
    if refused is not None:
        raise refused
