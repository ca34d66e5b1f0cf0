"""Four-eyes: one person proposes, another of the same institution decides.

The database refuses the same person (CHECK four_eyes), a second decision and any later change. What an
approval brings about is done in the transaction that decides it, by whoever owns the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

Outcome = Literal["approved", "refused"]
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal and, once decided, what became of it. ``subject``: what it is about, by id."""

    id: UUID
    institution: UUID
    kind: str
    subject: str
    body: dict[str, Any]
    proposed_by: UUID
    proposer: str
    proposed_at: datetime
    outcome: Outcome | None


def propose(tx: Tx, actor: Actor, kind: str, subject: str, body: Mapping[str, Any]) -> UUID:
    """Put something up for a second person to decide. Raises UserError ACC-TWO-FORBIDDEN (no person)."""
    if actor.person is None or actor.institution is None:
        fail("ACC-TWO-FORBIDDEN", kind)
    made = new_id()
    tx.execute(
        "INSERT INTO approval (id, institution_id, kind, subject, body, proposed_by, proposed_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [made, actor.institution, kind, subject, Jsonb(dict(body)), actor.person, now()],
    )
    audit.note(tx, actor, f"{kind}.proposed", subject, {"approval": str(made)})
    return made


def decide(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> Approval:
    """Decide a proposal of the actor's institution.

    Raises UserError ACC-APPROVAL-ABSENT, ACC-APPROVAL-STATE (decided before), ACC-SAME-FORBIDDEN (one's own),
    ACC-TWO-FORBIDDEN (not a person).
    """
    row = tx.execute("SELECT * FROM approval WHERE id = %s FOR UPDATE", [approval_id]).fetchone()
    if row is None or row["institution_id"] != actor.institution:
        fail("ACC-APPROVAL-ABSENT", str(approval_id))
    if actor.person is None:
        fail("ACC-TWO-FORBIDDEN", row["kind"])
    if row["outcome"] is not None:
        fail("ACC-APPROVAL-STATE", str(approval_id))
    if row["proposed_by"] == actor.person:
        fail("ACC-SAME-FORBIDDEN", str(approval_id))
    tx.execute(
        "UPDATE approval SET decided_by = %s, decided_at = %s, outcome = %s, reason = %s WHERE id = %s",
        [actor.person, now(), outcome, reason[:MAX_REASON], approval_id],
    )
    audit.note(tx, actor, f"{row['kind']}.{outcome}", row["subject"], {"approval": str(approval_id)})
    return _approval({**row, "outcome": outcome, "proposer": ""})


def open_approvals(tx: Tx, institution_id: UUID, kind: str | None = None) -> list[Approval]:
    """What waits for a second person, the oldest first; ``kind`` may end with % to name a family."""
    rows = tx.execute(
        "SELECT a.*, p.name AS proposer FROM approval a JOIN person p ON p.id = a.proposed_by "
        "WHERE a.institution_id = %s AND a.outcome IS NULL AND (%s::text IS NULL OR a.kind LIKE %s) "
        "ORDER BY a.proposed_at, a.id",
        [institution_id, kind, kind],
    )
    return [_approval(row) for row in rows]


def _approval(row: Row) -> Approval:
    return Approval(
        row["id"],
        row["institution_id"],
        row["kind"],
        row["subject"],
        row["body"],
        row["proposed_by"],
        row["proposer"],
        row["proposed_at"],
        row["outcome"],
    )
