"""Who did what: lines that are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now

MAX_LINES = 500


def note(tx: Tx, actor: Actor, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
    """Add a line: ``actor`` did ``action`` (role.granted) to ``subject``, in the transaction of the deed.

    ``detail`` is JSON and holds no secret and no personal number.
    """
    tx.execute(
        "INSERT INTO audit_line (id, at, side, person_id, client_id, institution_id, company_id, action, "
        "subject, detail) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            new_id(),
            now(),
            actor.side,
            actor.person,
            actor.client,
            actor.institution,
            actor.company,
            action,
            subject,
            Jsonb(dict(detail or {})),
        ],
    )


def lines(tx: Tx, institution_id: UUID, *, since: datetime | None = None) -> list[Row]:
    """The latest lines of an institution, the newest first, each with the person's name."""
    return tx.execute(
        "SELECT a.*, p.name AS person_name FROM audit_line a LEFT JOIN person p ON p.id = a.person_id "
        "WHERE a.institution_id = %s AND (%s::timestamptz IS NULL OR a.at >= %s) ORDER BY a.at DESC LIMIT %s",
        [institution_id, since, since, MAX_LINES],
    ).fetchall()
