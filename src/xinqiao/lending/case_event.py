"""What happened to a case: events that are only added to, and the outbox that webhooks are sent from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from xinqiao.db import jobs
from xinqiao.db.database import Row, Tx
from xinqiao.kernel.text import Text
from xinqiao.lending.machine import machine

DISPATCH = "webhook.dispatch"
"""The job that tells the outside; deferred with every event where a module of this process declares it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a case. ``body`` is what both sides may know of it."""

    id: UUID
    case_id: UUID
    seq: int
    transition: str
    from_state: str
    to_state: str
    at: datetime
    by_side: str
    by_name: str
    by_person: UUID | None
    company_id: str
    institution_id: UUID
    body: dict[str, Any]

    @property
    def name(self) -> Text:
        """The step in words."""
        return machine().transitions[self.transition].name


def _event(row: Row) -> Event:
    return Event(**row)


def events(tx: Tx, case_id: UUID) -> list[Event]:
    """The events of a case as far as the scope may see them, the first first."""
    rows = tx.execute("SELECT * FROM case_event WHERE case_id = %s ORDER BY seq", [case_id])
    return [_event(row) for row in rows]


def put_out(tx: Tx, event_id: UUID) -> None:
    """Leave an event for those outside who asked to be told, in the transaction of the event."""
    tx.execute("INSERT INTO case_outbox (event_id) VALUES (%s)", [event_id])
    if DISPATCH in jobs.app.tasks:
        jobs.defer(tx, DISPATCH)


def untold(tx: Tx, limit: int = 100) -> list[Event]:
    """Events nobody took from the outbox, the oldest first, locked for this transaction (scope SYSTEM)."""
    rows = tx.execute(
        "SELECT e.* FROM case_outbox AS o JOIN case_event AS e ON e.id = o.event_id "
        "ORDER BY e.id LIMIT %s FOR UPDATE OF o SKIP LOCKED",
        [limit],
    )
    return [_event(row) for row in rows]


def told(tx: Tx, ids: list[UUID]) -> None:
    """Take events from the outbox (scope SYSTEM)."""
    tx.execute("DELETE FROM case_outbox WHERE event_id = ANY(%s)", [ids])
