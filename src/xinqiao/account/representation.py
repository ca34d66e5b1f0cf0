"""Acting for a company: the legal representative of the register, or somebody whom that person confirmed."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account import audit, quota
from xinqiao.account.actor import Actor
from xinqiao.account.membership import AGENT, join
from xinqiao.account.notice import notify
from xinqiao.account.person import IDENTITY, plain_identity
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, keyed_hash, keyed_hashes
from xinqiao.kernel.text import Text

MAX_TRIES_A_DAY = 5
ASKED_FOR = timedelta(days=30)
Standing = Literal["representative", "asked"]


def stand_for(
    tx: Tx, ring: Keyring, *, company_id: str, person_id: UUID, name: str, identity: str
) -> Standing:
    """Let somebody act for a company, at once or once its legal representative has confirmed.

    Name and identity number are compared with the register's (by keyed hash). Raises UserError ACC-RATE
    after five tries a day for one company or by one person.
    """
    quota.count(tx, f"company/{company_id}", "register", limit=MAX_TRIES_A_DAY, seconds=86400)
    quota.count(tx, f"person/{person_id}", "register", limit=MAX_TRIES_A_DAY, seconds=86400)
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT name, id_hash FROM representative WHERE company_id = %s", [company_id]
        ).fetchone()
        if row is not None and row["name"] == name.strip() and _same(ring, identity, row["id_hash"]):
            join(tx, person_id, AGENT, basis="legal_representative", company_id=company_id)
            told = keyed_hash(plain_identity(identity), ring, IDENTITY)
            tx.execute("UPDATE credential SET id_hash = %s WHERE person_id = %s", [told, person_id])
            return "representative"
        _ask(tx, company_id, person_id, name)
    return "asked"


def _same(ring: Keyring, identity: str, held: str) -> bool:
    told = keyed_hashes(plain_identity(identity), ring, IDENTITY)
    return any(secrets.compare_digest(each, held) for each in told)


def _ask(tx: Tx, company_id: str, person_id: UUID, name: str) -> None:
    at = now()
    tx.execute(
        "INSERT INTO agent_request (id, company_id, person_id, name, asked_at, until) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [new_id(), company_id, person_id, name.strip(), at, at + ASKED_FOR],
    )
    text = Text(
        zh=f"{name} 申请代本企业办理，请确认或拒绝", en=f"{name} asks to act for the firm: confirm or refuse"
    )
    notify(tx, to_company=company_id, text=text, link="/account/agents")


def represents(tx: Tx, actor: Actor) -> bool:
    """Whether the actor is the legal representative of the company acted for."""
    found = tx.execute(
        "SELECT 1 FROM membership WHERE person_id = %s AND company_id = %s AND ended_at IS NULL "
        "AND basis = 'legal_representative'",
        [actor.person, actor.company],
    ).fetchone()
    return found is not None


def requests(tx: Tx, company_id: str) -> list[Row]:
    """Who waits for the legal representative's word."""
    return tx.execute(
        "SELECT id, name, asked_at, until FROM agent_request WHERE company_id = %s AND outcome IS NULL "
        "AND until > %s ORDER BY asked_at",
        [company_id, now()],
    ).fetchall()


def agents(tx: Tx, company_id: str) -> list[Row]:
    """Who acts for the company."""
    return tx.execute(
        "SELECT m.id, p.name, m.basis, m.given_at FROM membership m JOIN person p ON p.id = m.person_id "
        "WHERE m.company_id = %s AND m.ended_at IS NULL ORDER BY m.given_at",
        [company_id],
    ).fetchall()


def answer_request(tx: Tx, actor: Actor, request_id: UUID, outcome: Literal["confirmed", "refused"]) -> None:
    """The legal representative's word. Raises UserError ACC-REPRESENTATIVE-FORBIDDEN, ACC-REQUEST-ABSENT."""
    if actor.company is None or not represents(tx, actor):
        fail("ACC-REPRESENTATIVE-FORBIDDEN", "company")
    row = tx.execute(
        "UPDATE agent_request SET decided_by = %s, decided_at = %s, outcome = %s WHERE id = %s "
        "AND company_id = %s AND outcome IS NULL AND until > %s RETURNING person_id",
        [actor.person, now(), outcome, request_id, actor.company, now()],
    ).fetchone()
    if row is None:
        fail("ACC-REQUEST-ABSENT", str(request_id))
    if outcome == "confirmed":
        join(tx, row["person_id"], AGENT, basis="authorised", company_id=actor.company, given_by=actor.person)
    audit.note(tx, actor, f"agent.{outcome}", str(row["person_id"]))
    text = {
        "confirmed": Text(
            zh="法定代表人已确认您代企业办理", en="the legal representative confirmed you as agent"
        ),
        "refused": Text(zh="法定代表人未同意您代企业办理", en="the legal representative did not confirm you"),
    }[outcome]
    notify(tx, to_person=row["person_id"], text=text, link="/account")


def end_agent(tx: Tx, actor: Actor, membership_id: UUID) -> None:
    """The legal representative ends an agent's authority. Raises UserError as ``answer_request`` does."""
    if actor.company is None or not represents(tx, actor):
        fail("ACC-REPRESENTATIVE-FORBIDDEN", "company")
    row = tx.execute(
        "UPDATE membership SET ended_at = %s WHERE id = %s AND company_id = %s AND basis = 'authorised' "
        "AND ended_at IS NULL RETURNING person_id",
        [now(), membership_id, actor.company],
    ).fetchone()
    if row is None:
        fail("ACC-REQUEST-ABSENT", str(membership_id))
    audit.note(tx, actor, "agent.ended", str(row["person_id"]))
