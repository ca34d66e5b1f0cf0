"""Bringing webhook messages: claimed in one transaction, sent outside of any, the outcome in another.

A sender killed on the way leaves a message that is due again after ``LEASE``: it may then come twice, with
one id. Names are resolved here and the connection goes to the number that was looked at, so an address
inside the house can't be reached by a name that changes its mind.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import httpx2

from xinqiao.account.webhook import JOB, context, is_loopback, wake
from xinqiao.account.webhook_signature import headers
from xinqiao.db.database import SYSTEM, Database, Tx, new_id
from xinqiao.db.jobs import job
from xinqiao.kernel.clock import now
from xinqiao.kernel.protect import Keyring, unseal

TIMEOUT_SECONDS = 5.0
LEASE = timedelta(seconds=60)
PAUSES = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400))
"""After each failed attempt; after the last the message is given up (about two days)."""
BATCH = 100
MAX_DETAIL = 200
OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to be sent now."""

    id: UUID
    event_id: UUID
    institution_id: UUID
    url: str
    secret: str
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt; ``status`` None: no answer."""

    status: int | None
    detail: str
    millis: int

    @property
    def heard(self) -> bool:
        """Whether the receiver said it has the message."""
        return self.status in OK


@job(JOB, keys=True)
def send_due(database: Database, ring: Keyring, endpoint: str) -> None:
    """Send what is due at ``endpoint``, oldest first, until one fails."""
    for _ in range(BATCH):
        with database.transaction(SYSTEM) as tx:
            claimed = _claim(tx, UUID(endpoint), ring)
        if claimed is None:
            return
        outcome = post(claimed)
        with database.transaction(SYSTEM) as tx:
            _note(tx, UUID(endpoint), claimed, outcome)
        if not outcome.heard:
            return
    with database.transaction(SYSTEM) as tx:
        wake(tx, UUID(endpoint))


def _claim(tx: Tx, endpoint: UUID, ring: Keyring) -> Claimed | None:
    row = tx.execute(
        "UPDATE webhook_message m SET due_at = %s, attempts = attempts + 1 FROM webhook_endpoint e "
        "WHERE m.id = (SELECT id FROM webhook_message WHERE endpoint_id = %s AND due_at <= %s "
        "ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) AND e.id = m.endpoint_id AND e.ended_at IS NULL "
        "RETURNING m.id, m.event_id, m.institution_id, m.body, m.attempts, e.url, e.sealed_secret",
        [now() + LEASE, endpoint, now()],
    ).fetchone()
    if row is None:
        return None
    wake(tx, endpoint, at=now() + LEASE)  # so that a message whose sender dies is not forgotten
    return Claimed(
        row["id"],
        row["event_id"],
        row["institution_id"],
        row["url"],
        unseal(row["sealed_secret"], ring, context(endpoint)),
        bytes(row["body"]),
        row["attempts"],
    )


def _note(tx: Tx, endpoint: UUID, sent: Claimed, outcome: Outcome) -> None:
    tx.execute(
        "INSERT INTO webhook_attempt (id, message_id, institution_id, at, status, detail, millis) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [new_id(), sent.id, sent.institution_id, now(), outcome.status, outcome.detail, outcome.millis],
    )
    due = None if outcome.heard else next_attempt(sent.attempts, now())
    tx.execute(
        "UPDATE webhook_message SET delivered_at = %s, due_at = %s WHERE id = %s",
        [now() if outcome.heard else None, due, sent.id],
    )
    if due is not None:
        wake(tx, endpoint, at=due)


def next_attempt(attempts: int, at: datetime) -> datetime | None:
    """When to try again after ``attempts``; None: no more."""
    return at + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def post(message: Claimed) -> Outcome:
    """Send it once; no redirect is followed and no more than the status of the answer is looked at."""
    start = time.monotonic()
    try:
        url, sent, extensions = _pinned(message.url)
        sent |= headers(message.secret, str(message.event_id), now(), message.body)
        with httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(
                "POST", url, content=message.body, headers=sent, extensions=extensions
            )
            answer = client.send(request, stream=True)
            answer.close()
        told: tuple[int | None, str] = (answer.status_code, answer.reason_phrase)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        told = (None, f"{type(error).__name__}: {error}")
    return Outcome(told[0], told[1][:MAX_DETAIL], round(1000 * (time.monotonic() - start)))


def _pinned(url: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """``url`` with the number of its host; the name goes into the Host header and the TLS handshake."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    number = ipaddress.ip_address(str(found[0][4][0]))
    inside = parts.scheme == "http" and is_loopback(host) and number.is_loopback
    if not (number.is_global or inside):
        message = f"{host} is inside the house"
        raise OSError(message)
    shown = f"[{number}]" if number.version == 6 else str(number)  # noqa: PLR2004 - IPv6
    target = urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, ""))
    sent = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "xinqiao-webhook"}
    return target, sent, {"sni_hostname": host} if parts.scheme == "https" else {}
