"""Webhooks: an institution's programs are told what happens, signed, and again until they say they heard.

``tell`` writes messages in the transaction of what happened, so none is lost and none tells of what was
rolled back; ``account.webhook_sending`` brings them. A message has one id however often it is sent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.webhook_signature import new_secret
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.db.jobs import defer
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, seal, unseal
from xinqiao.kernel.text import Text

KINDS: dict[str, Text] = {
    "application.changed": Text(zh="申请状态变化", en="an application changed state"),
    "loan.changed": Text(zh="贷款发生变化", en="something happened to a loan"),
    "grant.given": Text(zh="收到授权", en="a grant was given"),
    "grant.revoked": Text(zh="授权被撤回", en="a grant was revoked"),
    "batch.done": Text(zh="批量文件完成", en="a batch file is ready"),
    "test.ping": Text(zh="测试消息", en="a test message"),
}
"""What one can be told of."""
MAX_ENDPOINTS = 10
MAX_URL = 500
MAX_SHOWN = 200
SHOWN_FOR = timedelta(minutes=10)
"""How long after it was made a secret is told, to who asks again with the same key."""
JOB = "webhook.send"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to. Its secret was shown once, when it was made."""

    id: UUID
    url: str
    kinds: tuple[str, ...]
    made_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way to one endpoint. ``due_at`` None and not delivered: given up."""

    id: UUID
    endpoint_id: UUID
    url: str
    event_id: UUID
    kind: str
    made_at: datetime
    due_at: datetime | None
    attempts: int
    delivered_at: datetime | None
    status: int | None
    detail: str

    @property
    def state(self) -> str:
        """``delivered``, ``waiting`` or ``given_up``."""
        if self.delivered_at is not None:
            return "delivered"
        return "waiting" if self.due_at is not None else "given_up"


def add_endpoint(
    tx: Tx, actor: Actor, ring: Keyring, *, url: str, kinds: tuple[str, ...], loopback: bool = False
) -> UUID:
    """Register an endpoint; ``secret_of`` tells its secret to be shown this once.

    ``loopback``: plain http to this machine is accepted (demo and tests).
    Raises UserError ACC-WEBHOOK-URL, ACC-WEBHOOK-KIND, ACC-WEBHOOK-STATE (too many).
    """
    check_url(url, loopback=loopback)
    if not kinds or (unknown := set(kinds) - KINDS.keys()):
        fail("ACC-WEBHOOK-KIND", "kinds", given=", ".join(sorted(unknown))[:80] if kinds else "-")
    if len(endpoints(tx, actor)) >= MAX_ENDPOINTS:
        fail("ACC-WEBHOOK-STATE", "webhooks", most=MAX_ENDPOINTS)
    endpoint = new_id()
    tx.execute(
        "INSERT INTO webhook_endpoint (id, institution_id, url, kinds, sealed_secret, made_at, made_by) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            endpoint,
            actor.institution,
            url,
            list(kinds),
            seal(new_secret(), ring, context(endpoint)),
            now(),
            actor.client or actor.name,
        ],
    )
    return endpoint


def secret_of(tx: Tx, actor: Actor, ring: Keyring, endpoint: UUID) -> str:
    """The secret of an endpoint just made. Raises UserError ACC-WEBHOOK-ABSENT."""
    row = tx.execute(
        "SELECT sealed_secret FROM webhook_endpoint WHERE id = %s AND institution_id = %s AND made_at > %s",
        [endpoint, actor.institution, now() - SHOWN_FOR],
    ).fetchone()
    if row is None:
        fail("ACC-WEBHOOK-ABSENT", str(endpoint))
    return unseal(row["sealed_secret"], ring, context(endpoint))


def context(endpoint: UUID) -> str:
    """What the secret of an endpoint is sealed for."""
    return f"webhook_endpoint/{endpoint}"


def check_url(url: str, *, loopback: bool) -> None:
    """Raises UserError ACC-WEBHOOK-URL unless a message may be sent there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    told = parts.scheme == "https" or (loopback and parts.scheme == "http" and is_loopback(host))
    plain = not (parts.username or parts.password or parts.fragment) and port != 0
    if not (told and host and plain and url.isascii() and url.isprintable() and len(url) <= MAX_URL):
        fail("ACC-WEBHOOK-URL", "url")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by its number."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def endpoints(tx: Tx, actor: Actor) -> list[Endpoint]:
    """The endpoints of the actor's institution."""
    rows = tx.execute(
        "SELECT * FROM webhook_endpoint WHERE institution_id = %s AND ended_at IS NULL ORDER BY id",
        [actor.institution],
    )
    return [Endpoint(r["id"], r["url"], tuple(r["kinds"]), r["made_at"], r["made_by"]) for r in rows]


def end_endpoint(tx: Tx, actor: Actor, endpoint: UUID) -> None:
    """Send nothing there any more. Raises UserError ACC-WEBHOOK-ABSENT."""
    ended = tx.execute(
        "UPDATE webhook_endpoint SET ended_at = %s WHERE id = %s AND institution_id = %s "
        "AND ended_at IS NULL",
        [now(), endpoint, actor.institution],
    )
    if not ended.rowcount:
        fail("ACC-WEBHOOK-ABSENT", str(endpoint))
    tx.execute("UPDATE webhook_message SET due_at = NULL WHERE endpoint_id = %s", [endpoint])


def tell(tx: Tx, institution: UUID, kind: str, body: Mapping[str, Any], event: UUID) -> int:
    """Tell the endpoints of ``institution`` that want ``kind``; the same ``event`` again changes nothing.

    ``body`` is what JSON can hold. Returns how many messages were made.
    """
    made = 0
    data = _body(event, kind, body)
    with acting(tx, SYSTEM):
        found = tx.execute(
            "SELECT id FROM webhook_endpoint WHERE institution_id = %s AND ended_at IS NULL "
            "AND %s = ANY(kinds)",
            [institution, kind],
        ).fetchall()
        for row in found:
            made += _enqueue(tx, (row["id"], institution), event, kind, data)
    return made


def _body(event: UUID, kind: str, body: Mapping[str, Any]) -> bytes:
    return canonical_json({"id": str(event), "kind": kind, "at": now().isoformat(), "data": dict(body)})


def _enqueue(tx: Tx, to: tuple[UUID, UUID], event: UUID, kind: str, data: bytes) -> int:
    """A message ``to`` (endpoint, institution), unless it has one of this event."""
    made = tx.execute(
        "INSERT INTO webhook_message (id, endpoint_id, institution_id, event_id, kind, body, made_at, "
        "due_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (endpoint_id, event_id) DO NOTHING",
        [new_id(), *to, event, kind, data, now(), now()],
    ).rowcount
    if made:
        wake(tx, to[0])
    return made


def wake(tx: Tx, endpoint: UUID, at: datetime | None = None) -> None:
    """Have what is due at ``endpoint`` sent, one sender at a time: a slow receiver holds up itself only."""
    defer(tx, JOB, at=at, lock=f"webhook/{endpoint}", endpoint=str(endpoint))


def ping(tx: Tx, actor: Actor, endpoint: UUID) -> UUID:
    """Send a test message, whatever the endpoint asked for. Raises UserError ACC-WEBHOOK-ABSENT."""
    if actor.institution is None or endpoint not in {e.id for e in endpoints(tx, actor)}:
        fail("ACC-WEBHOOK-ABSENT", str(endpoint))
    event = new_id()
    with acting(tx, SYSTEM):
        _enqueue(tx, (endpoint, actor.institution), event, "test.ping", _body(event, "test.ping", {}))
    return event


_MESSAGES = (
    "SELECT m.*, e.url, a.status, coalesce(a.detail, '') AS detail FROM webhook_message m "
    "JOIN webhook_endpoint e ON e.id = m.endpoint_id "
    "LEFT JOIN LATERAL (SELECT status, detail FROM webhook_attempt t WHERE t.message_id = m.id "
    "ORDER BY t.id DESC LIMIT 1) a ON true "
)


def messages(tx: Tx, actor: Actor, *, after: UUID | None = None, limit: int = MAX_SHOWN) -> list[Message]:
    """Messages of the actor's institution, the newest first; ``after`` goes on behind that one."""
    rows = tx.execute(
        _MESSAGES
        + "WHERE m.institution_id = %s AND (%s::uuid IS NULL OR m.id < %s) ORDER BY m.id DESC LIMIT %s",
        [actor.institution, after, after, limit],
    )
    names = Message.__slots__
    return [Message(**{name: row[name] for name in names}) for row in rows]


def send_again(tx: Tx, actor: Actor, message: UUID) -> None:
    """Send a message once more, the same bytes under the same id. Raises UserError ACC-WEBHOOK-ABSENT."""
    found = tx.execute(
        "UPDATE webhook_message m SET due_at = %s, attempts = 0, delivered_at = NULL FROM webhook_endpoint e "
        "WHERE m.id = %s AND m.institution_id = %s AND e.id = m.endpoint_id AND e.ended_at IS NULL "
        "RETURNING m.endpoint_id",
        [now(), message, actor.institution],
    ).fetchone()
    if found is None:
        fail("ACC-WEBHOOK-ABSENT", str(message))
    wake(tx, found["endpoint_id"])
