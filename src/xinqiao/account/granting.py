"""What needs two people of an institution: roles, API clients and their keys, and who joins the platform."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.approval import Approval, Outcome, decide, propose
from xinqiao.account.client import description, new_client_id, put_client
from xinqiao.account.institution import (
    ADMIN,
    KINDS,
    ROLES,
    add_institution,
    get_institution,
    set_filing,
    set_status,
)
from xinqiao.account.membership import join
from xinqiao.account.notice import notify
from xinqiao.account.person import find, make_person
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring
from xinqiao.kernel.text import Text

FIRST_PEOPLE = 2
"""An institution begins with two administrators, or nobody could give a second decision."""


def propose_role(tx: Tx, ring: Keyring, actor: Actor, *, name: str, phone: str, role: str) -> UUID:
    """Propose a role at the actor's institution for the person of ``phone``, who need not have been here.

    Raises UserError ACC-ROLE, ACC-PHONE, ACC-NAME, ACC-TWO-FORBIDDEN.
    """
    if actor.institution is None:
        fail("ACC-TWO-FORBIDDEN", "role.grant")
    allowed = ROLES[get_institution(tx, actor.institution).kind]
    if role not in allowed:
        fail("ACC-ROLE", role[:40], known=", ".join(allowed))
    person = find(tx, ring, phone) or make_person(tx, ring, name=name, phone=phone)
    body = {"person": str(person), "role": role, "name": name.strip()}
    return propose(tx, actor, "role.grant", str(person), body)


def propose_client(tx: Tx, actor: Actor, **told: Any) -> UUID:  # noqa: ANN401 - client.description names them
    """Propose a program of the actor's institution. Raises what ``client.description`` does."""
    if actor.institution is None:
        fail("ACC-TWO-FORBIDDEN", "client.add")
    return propose(tx, actor, "client.add", new_client_id(), description(tx, actor.institution, **told))


def propose_keys(tx: Tx, actor: Actor, client_id: str, keys: dict[str, Any]) -> UUID:
    """Propose other keys for a program. Raises UserError ACC-CLIENT-ABSENT, ACC-KEYS."""
    row = tx.execute(
        "SELECT * FROM api_client WHERE id = %s AND institution_id = %s AND ended_at IS NULL",
        [client_id, actor.institution],
    ).fetchone()
    if row is None or actor.institution is None:
        fail("ACC-CLIENT-ABSENT", client_id[:60])
    told = {
        name: row[name] for name in ("name", "role", "scopes", "sandbox", "calls_a_minute", "calls_a_day")
    }
    return propose(tx, actor, "client.keys", client_id, description(tx, actor.institution, **told, keys=keys))


def propose_institution(
    tx: Tx,
    ring: Keyring,
    actor: Actor,
    *,
    kind: str,
    name: str,
    uscc: str,
    people: list[tuple[str, str]],
    name_en: str = "",
    filing_number: str = "",
    filing_expires_on: date | None = None,
) -> UUID:
    """Propose a new member of the platform with its first two administrators (name, phone).

    Raises UserError ACC-INSTITUTION, ACC-USCC-STATE, ACC-FILING (no number), ACC-FIRST (not two people).
    """
    if kind not in KINDS:
        fail("ACC-INSTITUTION", "institution")
    if kind != "regulator" and not filing_number.strip():
        fail("ACC-FILING", "filing_number")
    made = add_institution(
        tx,
        kind=kind,
        name=name,
        name_en=name_en,
        uscc=uscc,
        filing_number=filing_number.strip() or None,
        filing_expires_on=filing_expires_on,
    )
    with acting(tx, SYSTEM):
        first = [
            find(tx, ring, phone) or make_person(tx, ring, name=who, phone=phone) for who, phone in people
        ]
    if len(set(first)) < FIRST_PEOPLE:
        fail("ACC-FIRST", "people", least=FIRST_PEOPLE)
    body = {"people": [str(person) for person in first], "name": name, "kind": kind}
    return propose(tx, actor, "institution.admit", str(made), body)


def propose_status(tx: Tx, actor: Actor, institution_id: UUID, status: str) -> UUID:
    """Propose to suspend a member or to let it work again. Raises UserError ACC-INSTITUTION-STATE."""
    found = get_institution(tx, institution_id)
    wanted = {"suspended": "active", "active": "suspended"}
    if wanted.get(status) != found.status:
        fail("ACC-INSTITUTION-STATE", found.name)
    return propose(
        tx, actor, "institution.status", str(institution_id), {"status": status, "name": found.name}
    )


def propose_filing(tx: Tx, actor: Actor, institution_id: UUID, number: str, expires_on: date | None) -> UUID:
    """Propose the filing as it now stands. Raises UserError ACC-FILING, ACC-INSTITUTION-ABSENT."""
    if not number.strip():
        fail("ACC-FILING", "filing_number")
    found = get_institution(tx, institution_id)
    told = {"number": number.strip(), "expires_on": expires_on and expires_on.isoformat(), "name": found.name}
    return propose(tx, actor, "institution.filing", str(institution_id), told)


def decide_grant(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> Approval:
    """Decide and, if approved, do it in the same transaction. Raises what ``approval.decide`` does."""
    decided = decide(tx, actor, approval_id, outcome, reason)
    if outcome == "approved":
        _EFFECTS[decided.kind](tx, actor, decided)
    elif decided.kind == "institution.admit":
        with acting(tx, SYSTEM):
            tx.execute("DELETE FROM institution WHERE id = %s AND status = 'applied'", [decided.subject])
    return decided


def _give_role(tx: Tx, actor: Actor, decided: Approval) -> None:
    person, role = UUID(decided.body["person"]), decided.body["role"]
    join(
        tx,
        person,
        role,
        basis="approval",
        institution_id=decided.institution,
        given_by=actor.person,
        approval_id=decided.id,
    )
    text = Text(zh=f"您在本机构获得角色 {role}", en=f"you were given the role {role}")
    notify(tx, to_person=person, text=text, link="/account")


def _put_client(tx: Tx, actor: Actor, decided: Approval) -> None:  # noqa: ARG001 - the shape of effects
    put_client(tx, decided.institution, decided.subject, decided.body, decided.id)


def _admit(tx: Tx, actor: Actor, decided: Approval) -> None:
    institution_id = UUID(decided.subject)
    with acting(tx, SYSTEM):
        set_status(tx, institution_id, "active")
        for person in decided.body["people"]:
            join(
                tx,
                UUID(person),
                ADMIN[decided.body["kind"]],
                basis="onboarding",
                institution_id=institution_id,
                given_by=actor.person,
                approval_id=decided.id,
            )


def _set_status(tx: Tx, actor: Actor, decided: Approval) -> None:  # noqa: ARG001 - the shape of effects
    set_status(tx, UUID(decided.subject), decided.body["status"])


def _set_filing(tx: Tx, actor: Actor, decided: Approval) -> None:  # noqa: ARG001 - the shape of effects
    expires = decided.body["expires_on"]
    set_filing(
        tx, UUID(decided.subject), decided.body["number"], date.fromisoformat(expires) if expires else None
    )


_EFFECTS: dict[str, Callable[[Tx, Actor, Approval], None]] = {
    "role.grant": _give_role,
    "client.add": _put_client,
    "client.keys": _put_client,
    "institution.admit": _admit,
    "institution.status": _set_status,
    "institution.filing": _set_filing,
}
KINDS_HERE = tuple(_EFFECTS)
"""Kinds of approvals that ``decide_grant`` knows."""
