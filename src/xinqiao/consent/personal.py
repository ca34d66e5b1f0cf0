"""What is known of a person behind a firm: only under a grant that names it, and for no longer.

Offices held in a firm are not personal information in credit reporting and are not kept here. Values are
sealed (``kernel.protect``); negative information needs the record that its subject was told before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent.access import permit
from xinqiao.consent.grants import Grant, one
from xinqiao.consent.retention import NEGATIVE_YEARS, years_before
from xinqiao.consent.terms import data_sets
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, seal, unseal

Channel = Literal["letter", "sms", "email", "in_app", "hand"]


@dataclass(frozen=True, slots=True)
class Negative:
    """Negative information on a person. ``ended_on`` None: it goes on. ``statement``: the person's words."""

    id: UUID
    kind: str
    began_on: date
    ended_on: date | None
    statement: str | None


def _context(company_id: str, item: str) -> str:
    return f"personal_item/{company_id}/{item}"


def admit(tx: Tx, ring: Keyring, company_id: str, item: str, value: str, *, grant_id: UUID | None) -> UUID:
    """Take in a personal item under a grant that names it. Raises CST-PERSONAL, CST-GRANT-ABSENT."""
    known = data_sets().get(item)
    if known is None or not known.personal or grant_id is None:
        fail("CST-PERSONAL", company_id, item=item[:40])
    grant: Grant = one(tx, grant_id)
    if not grant.in_force or grant.company_id != company_id or item not in grant.data_sets:
        fail("CST-PERSONAL", company_id, item=item)
    made = new_id()
    tx.execute(
        "INSERT INTO personal_item (id, company_id, item, sealed, grant_id, received_at, until) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [made, company_id, item, seal(value, ring, _context(company_id, item)), grant_id, now(), grant.until],
    )
    return made


def read(tx: Tx, ring: Keyring, actor: Actor, company_id: str, *, item: str, purpose: str) -> list[str]:
    """The values of a personal item that ``actor`` may see. Raises UserError CST-*-FORBIDDEN."""
    permit(tx, actor, company_id, purpose, wanted=[item])
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT sealed FROM personal_item p JOIN consent_grant g ON g.id = p.grant_id "
            "WHERE p.company_id = %s AND p.item = %s AND p.until > %s AND g.institution = %s "
            "AND NOT EXISTS (SELECT FROM consent_revocation r WHERE r.grant_id = g.id) ORDER BY p.id",
            [company_id, item, now(), actor.institution],
        ).fetchall()
    return [unseal(row["sealed"], ring, _context(company_id, item)) for row in rows]


def tell(tx: Tx, institution: UUID, subject: str, channel: Channel, content_digest: str) -> UUID:
    """Record that the person was told that negative information will be provided. Returns the notice's id."""
    made = new_id()
    tx.execute(
        "INSERT INTO negative_notice (id, subject, channel, content_digest, sent_at, institution) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [made, subject, channel, content_digest, now(), institution],
    )
    return made


def admit_negative(
    tx: Tx,
    company_id: str,
    subject: str,
    *,
    kind: str,
    began_on: date,
    institution: UUID,
    notice_id: UUID | None,
    ended_on: date | None = None,
) -> UUID:
    """Take in negative information whose subject was told first. Raises UserError CST-NOTICE."""
    told = None
    if notice_id is not None:
        told = tx.execute(
            "SELECT id FROM negative_notice WHERE id = %s AND subject = %s AND sent_at <= %s",
            [notice_id, subject, now()],
        ).fetchone()
    if told is None:
        fail("CST-NOTICE", company_id)
    made = new_id()
    tx.execute(
        "INSERT INTO personal_negative (id, company_id, subject, kind, began_on, ended_on, notice_id, "
        "institution, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [made, company_id, subject, kind, began_on, ended_on, notice_id, institution, now()],
    )
    return made


def negatives(tx: Tx, company_id: str) -> list[Negative]:
    """What may still be shown: not repaired, and not ended more than five years ago (scope SYSTEM).

    The same condition as the deletion's, so nothing is seen between the day and the job.
    """
    rows = tx.execute(
        "SELECT id, kind, began_on, ended_on, statement FROM personal_negative WHERE company_id = %s "
        "AND repaired_on IS NULL AND (ended_on IS NULL OR ended_on > %s) ORDER BY began_on, id",
        [company_id, years_before(today(), NEGATIVE_YEARS)],
    )
    return [_negative(row) for row in rows]


def state(tx: Tx, negative_id: UUID, statement: str) -> None:
    """Put the person's own words beside negative information (scope SYSTEM)."""
    tx.execute("UPDATE personal_negative SET statement = %s WHERE id = %s", [statement[:500], negative_id])


def repair(tx: Tx, negative_id: UUID, on: date) -> None:
    """Credit was repaired: no longer shown, shared or used from now on (scope SYSTEM)."""
    tx.execute("UPDATE personal_negative SET repaired_on = %s WHERE id = %s", [on, negative_id])


def _negative(row: Row) -> Negative:
    return Negative(**row)
