"""What is known of a request's body before a route sees it: it is not too large, and its SHA-256."""

from __future__ import annotations

import hashlib
import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xinqiao.kernel.errors import user_error

MAX_BYTES = 64 * 1024 * 1024
"""Of any request; pages that take uploads set lower limits of their own."""
DIGEST = "xinqiao.sha256"
"""Where a request's scope holds the running hash of the body."""


class Body:
    """ASGI middleware: hashes the body as it is read and refuses one that is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted and hashed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MAX_BYTES:
            await _refuse(send)
            return
        running, read = hashlib.sha256(), 0
        scope[DIGEST] = running

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                part = message.get("body", b"")
                read += len(part)
                running.update(part)
                if read > MAX_BYTES:
                    return {"type": "http.disconnect"}
            return message

        await self.app(scope, counted, send)


async def _refuse(send: Send) -> None:
    error = user_error("API-SIZE", "body", most=MAX_BYTES // 2**20)
    told = {"type": "about:blank", "title": error.what.en, "status": 413, "code": error.code, "where": "body"}
    body = json.dumps({**told, "what": error.what.model_dump(), "fix": error.fix.model_dump()}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
