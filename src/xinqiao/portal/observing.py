"""How the server does: Prometheus figures, and one line a request without a word about persons or firms.

Figures and lines name the route's pattern (``/bank/cases/{case_id}``), never the path that was asked for.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import MutableMapping
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xinqiao.account.webhook import is_loopback
from xinqiao.db.database import new_id
from xinqiao.kernel.errors import fail
from xinqiao.portal.visit import Visit, needs

TOKEN = "XINQIAO_METRICS_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable: who is not on this machine has to send it in the header X-Metrics-Token."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SERVER_FAULT = 500

router = APIRouter(include_in_schema=False)
_REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "xinqiao_requests", "Requests answered", ["method", "route", "status"], registry=_REGISTRY
)
_SECONDS = Histogram(
    "xinqiao_request_seconds", "Time to the answer", ["method", "route"], buckets=BUCKETS, registry=_REGISTRY
)
_QUEUES = "SELECT task_name, status::text AS status, count(*) AS jobs FROM procrastinate_jobs GROUP BY 1, 2"
_log = structlog.wrap_logger(
    logging.getLogger("xinqiao.requests"),
    processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()],
)


class Observing:
    """ASGI middleware: times every request, counts it and writes a line; gives it an id that is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, request_id = time.perf_counter(), SERVER_FAULT, new_id().hex

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, told)
        finally:
            _note(scope, status, time.perf_counter() - start, request_id)


def _note(scope: MutableMapping[str, Any], status: int, seconds: float, request_id: str) -> None:
    route = route_of(scope)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)
    _log.info(
        "request", id=request_id, method=method, route=route, status=status, ms=round(1000 * seconds, 1)
    )


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The pattern of the route that answered; ``none`` where there is none, so that labels stay few."""
    route = scope.get("route")
    return getattr(route, "path", None) or "none"


def install(app: FastAPI) -> None:
    """Observe every request of ``app``."""
    app.add_middleware(Observing)


@router.get("/metrics")
def metrics(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """The figures, for this machine or who has the token."""
    token = os.environ.get(TOKEN, "")
    sent = visit.request.headers.get("x-metrics-token", "")
    near = visit.request.client is not None and is_loopback(visit.request.client.host)
    proxied = "x-forwarded-for" in visit.request.headers
    if not (token and secrets.compare_digest(sent, token)) and (token or not near or proxied):
        fail("ACC-FORBIDDEN", "/metrics", permission=TOKEN)
    lines = ["# HELP xinqiao_jobs Jobs by task and state", "# TYPE xinqiao_jobs gauge"]
    lines += [
        f'xinqiao_jobs{{task="{row["task_name"]}",state="{row["status"]}"}} {row["jobs"]}'
        for row in visit.tx.execute(_QUEUES).fetchall()
    ]
    body = generate_latest(_REGISTRY) + "\n".join(lines).encode() + b"\n"
    return Response(body, media_type=CONTENT_TYPE_LATEST)
