"""Sessions of people in a browser: an opaque token in a cookie, its hash in the database.

Roles are looked up at every request: one that ended, or an institution suspended, counts at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.membership import Hat, hats
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id, new_token
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

IDLE = timedelta(minutes=30)
LASTS = timedelta(hours=12)
TOUCH = timedelta(minutes=1)
"""How stale ``seen_at`` may be: not every request writes."""
Method = Literal["password", "code", "passkey"]
_FIND = (
    "SELECT s.*, p.name, i.kind, i.status, ARRAY(SELECT m.role FROM membership m "
    "WHERE m.person_id = s.person_id AND m.ended_at IS NULL "
    "AND (m.institution_id = s.institution_id OR m.company_id = s.company_id)) AS roles "
    "FROM session s JOIN person p ON p.id = s.person_id LEFT JOIN institution i ON i.id = s.institution_id "
    "WHERE s.token_hash = %s AND s.ended_at IS NULL AND s.until > %s AND s.seen_at > %s"
)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in."""

    id: UUID
    actor: Actor
    csrf: str
    method: Method
    confirmed_at: datetime


def hashed(token: str) -> bytes:
    """What is stored of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def open_session(tx: Tx, person_id: UUID, method: Method) -> str:
    """A new session in the first hat of the person; gives the token for the cookie."""
    token, at = new_token(), now()
    hat = next(iter(hats(tx, person_id)), None)
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO session (id, token_hash, person_id, institution_id, company_id, csrf, method, "
            "made_at, seen_at, confirmed_at, until) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                new_id(),
                hashed(token),
                person_id,
                hat.institution if hat else None,
                hat.company if hat else None,
                new_token(),
                method,
                at,
                at,
                at,
                at + LASTS,
            ],
        )
    return token


def find_session(tx: Tx, token: str) -> Session | None:
    """Whose token this is: None when unknown, ended, idle for 30 minutes or older than 12 hours."""
    at = now()
    with acting(tx, SYSTEM):
        row = tx.execute(_FIND, [hashed(token), at, at - IDLE]).fetchone()
        if row is None:
            return None
        if at - row["seen_at"] > TOUCH:
            tx.execute("UPDATE session SET seen_at = %s WHERE id = %s", [at, row["id"]])
    return Session(row["id"], _actor(row), row["csrf"], row["method"], row["confirmed_at"])


def _actor(row: Row) -> Actor:
    roles = frozenset(row["roles"])
    if not roles or row["status"] not in (None, "active"):
        return Actor("public", frozenset({"anyone", "person"}), row["name"], row["person_id"])
    company, institution = row["company_id"], row["institution_id"]
    hat = Hat(row["kind"] or "enterprise", "", roles | {"person"}, institution, company)
    return hat.actor(row["person_id"], row["name"])


def wear(tx: Tx, session: Session, key: str) -> None:
    """Act for another of one's institutions or companies. Raises UserError ACC-HAT-ABSENT."""
    person = session.actor.person
    chosen = None if person is None else next((hat for hat in hats(tx, person) if hat.key == key), None)
    if chosen is None:
        fail("ACC-HAT-ABSENT", key[:60])
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE session SET institution_id = %s, company_id = %s WHERE id = %s",
            [chosen.institution, chosen.company, session.id],
        )


def mark_confirmed(tx: Tx, session: Session) -> None:
    """Remember that the person has just proved to be there."""
    with acting(tx, SYSTEM):
        tx.execute("UPDATE session SET confirmed_at = %s WHERE id = %s", [now(), session.id])


def end_session(tx: Tx, token: str) -> None:
    """Sign out."""
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE session SET ended_at = %s WHERE token_hash = %s AND ended_at IS NULL",
            [now(), hashed(token)],
        )


def end_others(tx: Tx, person_id: UUID, kept: UUID | None = None) -> None:
    """Sign a person out everywhere but in ``kept``."""
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE session SET ended_at = %s WHERE person_id = %s AND ended_at IS NULL "
            "AND id IS DISTINCT FROM %s",
            [now(), person_id, kept],
        )
