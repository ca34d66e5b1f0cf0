"""First institutions and people: what a demo and a new deployment begin with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from xinqiao.account.client import description, put_client
from xinqiao.account.institution import Kind, add_institution, set_status
from xinqiao.account.membership import AGENT, join
from xinqiao.account.person import IDENTITY, find, make_person, plain_identity, set_password
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.protect import Keyring, keyed_hash


def institution(
    tx: Tx,
    *,
    kind: Kind,
    name: str,
    uscc: str,
    name_en: str = "",
    filing_number: str | None = None,
    filing_expires_on: date | None = None,
) -> UUID:
    """An institution that is admitted already; the one of this code if it is there."""
    with acting(tx, SYSTEM):
        found = tx.execute("SELECT id FROM institution WHERE uscc = %s", [uscc]).fetchone()
        if found is not None:
            return UUID(str(found["id"]))
        made = add_institution(
            tx,
            kind=kind,
            name=name,
            name_en=name_en,
            uscc=uscc,
            filing_number=filing_number,
            filing_expires_on=filing_expires_on,
        )
        set_status(tx, made, "active")
    return made


def person(
    tx: Tx,
    ring: Keyring,
    *,
    name: str,
    phone: str,
    password: str | None = None,
    identity: str | None = None,
    institution_id: UUID | None = None,
    roles: Sequence[str] = (),
    company_id: str | None = None,
) -> UUID:
    """A person with roles at an institution, or as agent of a company; the one of this phone if there."""
    with acting(tx, SYSTEM):
        found = find(tx, ring, phone)
        made = found or make_person(tx, ring, name=name, phone=phone, identity=identity)
        if password is not None and found is None:
            set_password(tx, made, password)
        for role in roles:
            join(tx, made, role, basis="onboarding", institution_id=institution_id)
        if company_id is not None:
            join(tx, made, AGENT, basis="legal_representative", company_id=company_id)
    return made


def representative(tx: Tx, ring: Keyring, *, company_id: str, name: str, identity: str) -> None:
    """Tell who the register has as a company's legal representative; only the hash of the number is kept."""
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO representative (company_id, name, id_hash) VALUES (%s, %s, %s) "
            "ON CONFLICT (company_id) DO UPDATE SET name = excluded.name, id_hash = excluded.id_hash",
            [company_id, name, keyed_hash(plain_identity(identity), ring, IDENTITY)],
        )


def api_client(
    tx: Tx, *, institution_id: UUID, client_id: str, name: str, role: str, keys: dict[str, Any], sandbox: bool
) -> str:
    """A program with the public keys ``keys`` (a JWK set); gives its id."""
    with acting(tx, SYSTEM):
        body = description(tx, institution_id, name=name, role=role, keys=keys, sandbox=sandbox)
        put_client(tx, institution_id, client_id, body, None)
    return client_id
