"""Notices within the product: to a person, or to all of an institution or a company who hold a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.text import Text

MAX_NOTICES = 200
_MINE = (
    "FROM notice n LEFT JOIN notice_read r ON r.notice_id = n.id AND r.person_id = %(person)s "
    "WHERE (n.to_person = %(person)s OR n.to_institution = %(institution)s OR n.to_company = %(company)s) "
    "AND (n.role IS NULL OR n.role = ANY(%(roles)s)) "
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of somebody's inbox."""

    id: UUID
    text: Text
    link: str
    made_at: datetime
    read_at: datetime | None


def notify(
    tx: Tx,
    *,
    to_person: UUID | None = None,
    to_institution: UUID | None = None,
    to_company: str | None = None,
    role: str | None = None,
    text: Text,
    link: str,
) -> None:
    """Put a notice in the inbox of one person, institution or company (one of them; ``role`` narrows it).

    ``link`` is a path of the portal. The notice is there exactly when the transaction is.
    """
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO notice (id, to_person, to_institution, to_company, role, zh, en, link, made_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [new_id(), to_person, to_institution, to_company, role, text.zh, text.en, link, now()],
        )


def unread(tx: Tx, actor: Actor) -> int:
    """How many notices ``actor`` has not read."""
    row = tx.execute(f"SELECT count(*) AS n {_MINE} AND r.at IS NULL", _of(actor)).fetchone()
    return 0 if row is None else int(row["n"])


def inbox(tx: Tx, actor: Actor) -> list[Notice]:
    """The latest notices of ``actor``, the newest first."""
    rows = tx.execute(
        f"SELECT n.*, r.at AS read_at {_MINE} ORDER BY n.made_at DESC, n.id DESC LIMIT {MAX_NOTICES}",
        _of(actor),
    )
    return [
        Notice(r["id"], Text(zh=r["zh"], en=r["en"]), r["link"], r["made_at"], r["read_at"]) for r in rows
    ]


def mark_read(tx: Tx, actor: Actor) -> None:
    """Everything in the inbox counts as read."""
    tx.execute(
        f"INSERT INTO notice_read (notice_id, person_id, at) SELECT n.id, %(person)s, %(at)s {_MINE} "
        "AND r.at IS NULL ON CONFLICT DO NOTHING",
        _of(actor) | {"at": now()},
    )


def _of(actor: Actor) -> dict[str, object]:
    return {
        "person": actor.person,
        "institution": actor.institution,
        "company": actor.company,
        "roles": sorted(actor.roles),
    }
