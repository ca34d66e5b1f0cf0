"""A request: who it is from, its transaction, and the permission its route names.

``needs("case.read")`` in a route's signature opens all three. The transaction is committed before the
answer is sent, so what was acknowledged is never lost.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from xinqiao.account.actor import ANYONE, PUBLIC_READ, Actor, permissions
from xinqiao.db.database import SYSTEM, Tx
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.portal.platform import Platform
from xinqiao.portal.rendering import Language, render

SAFE = {"GET", "HEAD", "OPTIONS"}
MAX_KEY_CHARS = 200


@dataclass(slots=True)
class Visit:
    """What a route works with."""

    request: Request
    platform: Platform
    tx: Tx
    actor: Actor
    csrf: str | None
    body_digest: str
    key: str | None
    """Idempotency key: header ``Idempotency-Key`` of the API, hidden field ``once`` of a form."""
    headers: dict[str, str] = field(default_factory=dict)
    confirmed_at: datetime | None = None
    """When the person last proved who they are; what they sign needs a fresh proof."""

    @property
    def language(self) -> Language:
        """Which of the two languages the pages show: both unless chosen."""
        chosen = self.request.cookies.get("lang", "both")
        return chosen if chosen in ("zh", "en") else "both"  # type: ignore[return-value] # narrowed by the test

    def page(self, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - the template's own
        """The page ``template`` of portal/templates with ``values``."""
        return render(self, template, status, **values)

    def once(self, work: Callable[[], Response]) -> Response:
        """Do ``work`` once for this key; the same request again gets the first answer again.

        Raises UserError API-KEY (none given, or too long) and API-KEY-OTHER (the key came with another body).
        """
        if not self.key or len(self.key) > MAX_KEY_CHARS:
            fail("API-KEY", "Idempotency-Key")
        owner = str(self.actor.client or self.actor.person or self.request.cookies.get("visitor", "-"))
        route = f"{self.request.method} {self.request.url.path}"
        made = self.tx.execute(
            "INSERT INTO idempotency (owner, key, route, request, made_at) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING RETURNING key",
            [owner, self.key, route, self.body_digest, now()],
        ).fetchone()
        if made is None:
            return self._again(owner, route)
        response = work()
        self.tx.execute(
            "UPDATE idempotency SET status = %s, headers = %s, answer = %s WHERE owner = %s AND key = %s",
            [response.status_code, json.dumps(dict(response.headers)), bytes(response.body), owner, self.key],
        )
        return response

    def _again(self, owner: str, route: str) -> Response:
        found = self.tx.execute(
            "SELECT route, request, status, headers, answer FROM idempotency WHERE owner = %s AND key = %s",
            [owner, self.key],
        ).fetchone()
        if found is None or found["route"] != route or found["request"] != self.body_digest:
            fail("API-KEY-OTHER", "Idempotency-Key")
        headers = {k: v for k, v in found["headers"].items() if k != "content-length"}
        return Response(bytes(found["answer"]), found["status"], headers)


async def _sent(request: Request) -> tuple[str, str | None, str | None]:
    """Digest of what was sent, and the form's CSRF token and key."""
    if request.method in SAFE:
        return "", None, None
    kind = request.headers.get("content-type", "")
    if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        form = await request.form()
        request.state.form = form
        told = [(name, _plain(value)) for name, value in form.multi_items() if name not in ("csrf", "once")]
        return digest(canonical_json(told)), _text(form, "csrf"), _text(form, "once")
    return digest(await request.body()), None, None


def _plain(value: UploadFile | str) -> str:
    return value if isinstance(value, str) else f"{value.filename}:{value.size}"


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None


def needs(permission: str, *, sandbox: bool = False) -> Any:  # noqa: ANN401 - what FastAPI takes in Annotated
    """The dependency of a route that lets somebody do ``permission`` (KeyError: no such permission).

    ``sandbox``: the route answers programs that only try things too, with invented firms; others don't.
    """
    if permission not in permissions():
        raise KeyError(permission)

    def visit(
        request: Request, sent: Annotated[tuple[str, str | None, str | None], Depends(_sent)]
    ) -> Iterator[Visit]:
        platform: Platform = request.app.state.platform
        with platform.database.transaction(SYSTEM) as tx:
            signed = platform.authenticate(tx, request)
        actor = ANYONE if signed is None else signed.actor
        if not actor.may(permission):
            fail(
                "ACC-SIGN-IN" if signed is None else "ACC-FORBIDDEN", request.url.path, permission=permission
            )
        if actor.sandbox and not sandbox and permission != PUBLIC_READ:
            fail("API-SANDBOX-FORBIDDEN", request.url.path)
        csrf = None if signed is None else signed.csrf
        if (
            request.method not in SAFE
            and csrf is not None
            and not secrets.compare_digest(sent[1] or "", csrf)
        ):
            fail("ACC-CSRF", request.url.path)
        with platform.database.transaction(actor.scope) as tx:
            key = request.headers.get("idempotency-key") or sent[2]
            at = None if signed is None else signed.confirmed_at
            yield Visit(request, platform, tx, actor, csrf, sent[0], key, confirmed_at=at)

    visit.permission = permission  # type: ignore[attr-defined] # the test of routes reads it
    return Depends(visit, scope="function")
