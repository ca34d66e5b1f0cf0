"""Who acts for whom: roles at an institution or for a company, and the hat somebody wears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.institution import ROLES, get_institution
from xinqiao.db.database import SYSTEM, Row, Side, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

AGENT = "enterprise.agent"
Basis = Literal["onboarding", "approval", "legal_representative", "authorised"]


@dataclass(frozen=True, slots=True)
class Hat:
    """One institution or company somebody acts for, with all roles held there."""

    side: Side
    name: str
    roles: frozenset[str]
    institution: UUID | None = None
    company: str | None = None

    @property
    def key(self) -> str:
        """How a form names it."""
        return str(self.institution or self.company)

    def actor(self, person_id: UUID, name: str) -> Actor:
        """The person wearing it."""
        return Actor(self.side, self.roles, name, person_id, self.institution, self.company)


def join(
    tx: Tx,
    person_id: UUID,
    role: str,
    *,
    basis: Basis,
    institution_id: UUID | None = None,
    company_id: str | None = None,
    given_by: UUID | None = None,
    approval_id: UUID | None = None,
) -> UUID | None:
    """Give a role; the database asks for the approval of a second person unless the platform gives it.

    None where the person has it already. Raises UserError ACC-ROLE.
    """
    allowed = (AGENT,) if institution_id is None else ROLES[get_institution(tx, institution_id).kind]
    if role not in allowed:
        fail("ACC-ROLE", role[:40], known=", ".join(allowed))
    made = tx.execute(
        "INSERT INTO membership (id, person_id, institution_id, company_id, role, basis, approval_id, "
        "given_by, given_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        [new_id(), person_id, institution_id, company_id, role, basis, approval_id, given_by, now()],
    ).fetchone()
    return None if made is None else made["id"]


def leave(tx: Tx, membership_id: UUID) -> Row:
    """End a role at once. Raises UserError ACC-MEMBERSHIP-ABSENT, ACC-LAST-STATE (two have to stay)."""
    row = tx.execute(
        "UPDATE membership SET ended_at = %s WHERE id = %s AND ended_at IS NULL RETURNING *",
        [now(), membership_id],
    ).fetchone()
    if row is None:
        fail("ACC-MEMBERSHIP-ABSENT", str(membership_id))
    if row["role"].endswith(".admin"):
        left = tx.execute(
            "SELECT count(*) AS n FROM membership "
            "WHERE institution_id = %s AND role = %s AND ended_at IS NULL",
            [row["institution_id"], row["role"]],
        ).fetchone()
        if left is None or left["n"] < 2:  # noqa: PLR2004 - four eyes need two people
            fail("ACC-LAST-STATE", row["role"])
    return row


def hats(tx: Tx, person_id: UUID) -> list[Hat]:
    """What somebody may act as now: active institutions first, then companies."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT m.institution_id, m.company_id, array_agg(m.role) AS roles, i.kind, "
            "coalesce(i.name, c.name, m.company_id) AS name FROM membership m "
            "LEFT JOIN institution i ON i.id = m.institution_id LEFT JOIN company c ON c.id = m.company_id "
            "WHERE m.person_id = %s AND m.ended_at IS NULL AND (i.id IS NULL OR i.status = 'active') "
            "GROUP BY m.institution_id, m.company_id, i.kind, i.name, c.name "
            "ORDER BY m.institution_id NULLS LAST, m.company_id",
            [person_id],
        ).fetchall()
    return [
        Hat(r["kind"] or "enterprise", r["name"], frozenset(r["roles"]), r["institution_id"], r["company_id"])
        for r in rows
    ]


def people(tx: Tx, institution_id: UUID) -> list[Row]:
    """Roles at an institution with the people's names."""
    return tx.execute(
        "SELECT m.id, m.person_id, p.name, m.role, m.basis, m.given_at FROM membership m "
        "JOIN person p ON p.id = m.person_id WHERE m.institution_id = %s AND m.ended_at IS NULL "
        "ORDER BY p.name, p.id, m.role",
        [institution_id],
    ).fetchall()
