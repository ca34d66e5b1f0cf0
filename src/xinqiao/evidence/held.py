"""What somebody may see of the log: its state, and the entries they hold documents of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import now

LATE = timedelta(minutes=1)
"""A line that waits longer for its place says that the sequencer stands still."""


@dataclass(frozen=True, slots=True)
class Held:
    """An entry whose document the scope may read; ``index`` is None until it has its place."""

    entry_id: UUID
    kind: str
    recorded_at: datetime
    subject: str | None
    index: int | None
    attached: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A registered witness and its last cosignature."""

    name: str
    key: str
    size: int | None
    at: datetime | None


_HELD = (
    "SELECT o.entry_id, e.kind, e.recorded_at, o.subject, l.idx AS index, o.attached IS NOT NULL AS attached "
    "FROM evidence_opening o JOIN evidence_entry e ON e.id = o.entry_id "
    "LEFT JOIN log_leaf l ON l.entry_id = o.entry_id "
)


def held(tx: Tx, limit: int, before: UUID | None = None) -> list[Held]:
    """The latest entries the scope may read, those before ``before`` if told."""
    rows = tx.execute(
        _HELD + "WHERE %(before)s::uuid IS NULL OR o.entry_id < %(before)s "
        "ORDER BY o.entry_id DESC LIMIT %(limit)s",
        {"before": before, "limit": limit},
    ).fetchall()
    return [Held(**row) for row in rows]


def one(tx: Tx, entry: UUID) -> Held | None:
    """An entry the scope may read."""
    row = tx.execute(_HELD + "WHERE o.entry_id = %s", [entry]).fetchone()
    return None if row is None else Held(**row)


def document(tx: Tx, entry: UUID) -> bytes | None:
    """The document of an entry the scope may read."""
    row = tx.execute("SELECT body FROM evidence_opening WHERE entry_id = %s", [entry]).fetchone()
    return None if row is None else bytes(row["body"])


def attached(tx: Tx, entry: UUID) -> bytes | None:
    """The text kept with an entry the scope may read."""
    row = tx.execute("SELECT attached FROM evidence_opening WHERE entry_id = %s", [entry]).fetchone()
    return None if row is None or row["attached"] is None else bytes(row["attached"])


def seen_by(tx: Tx) -> list[Seen]:
    """The witnesses, and what each cosigned last."""
    rows = tx.execute(
        "SELECT w.name, w.key, c.size, c.signed_at AS at FROM log_witness w LEFT JOIN LATERAL "
        "(SELECT size, signed_at FROM log_cosignature WHERE witness = w.name ORDER BY size DESC LIMIT 1) c "
        "ON true ORDER BY w.name"
    ).fetchall()
    return [Seen(**row) for row in rows]


def stands_still(tx: Tx) -> bool:
    """Whether lines wait for their place longer than the sequencer should let them."""
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT 1 FROM evidence_pending JOIN evidence_entry ON id = entry_id "
            "WHERE recorded_at < %s LIMIT 1",
            [now() - LATE],
        ).fetchone()
    return row is not None
