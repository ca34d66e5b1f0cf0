"""Institutions and actors for tests of what needs consent."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Grant, Proof, give
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import now, today

COMPANY = "91330100900000011A"
OTHER = "91330100900000022B"
AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def institution(database: Database, kind: str = "bank", status: str = "active") -> UUID:
    made = new_id()
    with database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO institution (id, kind, name, name_en, uscc, changed_on, status, applied_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [made, kind, "示范一号银行", "Demo Bank One", str(made), today(), status, now()],
        )
    return made


def agent(company: str = COMPANY) -> Actor:
    return Actor("enterprise", frozenset({"enterprise.agent"}), "张示范", person=new_id(), company=company)


def officer(bank: UUID) -> Actor:
    roles = frozenset({"bank.officer", "bank.approver"})
    return Actor("bank", roles, "李示范", person=new_id(), institution=bank)


def granted(database: Database, bank: UUID, **changes: object) -> Grant:
    """A grant of COMPANY (or ``company``) to ``bank``, for a credit decision on invoices, tax and score."""
    actor = agent(str(changes.pop("company", COMPANY)))
    terms = {"purposes": ["credit_decision"], "data_sets": ["INV", "TAX", "SCORE"], **changes}
    with database.transaction(actor.scope) as tx:
        return give(tx, actor, institution=bank, proof=Proof("session", now()), **terms)  # type: ignore[arg-type]
