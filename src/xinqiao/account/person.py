"""People: a name to show, and what only they and the platform may know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from pwdlib import PasswordHash

from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, keyed_hash, keyed_hashes, seal, unseal

PHONE, IDENTITY = "phone", "resident_id"
"""Purposes of keyed hashes."""
MIN_PASSWORD, MAX_PASSWORD = 10, 128
MAX_NAME = 60
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_CLUTTER = re.compile(r"[\s\-()（）]")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as colleagues see them."""

    id: UUID
    name: str


def plain_phone(text: str) -> str:
    """A mobile number in its one form, 11 digits. Raises UserError ACC-PHONE."""
    digits = _CLUTTER.sub("", text).removeprefix("+86")
    if _PHONE.fullmatch(digits) is None:
        fail("ACC-PHONE", "phone")
    return digits


def plain_identity(text: str) -> str:
    """An identity number in the form it is hashed in."""
    return re.sub(r"\s", "", text).upper()


def make_person(tx: Tx, ring: Keyring, *, name: str, phone: str, identity: str | None = None) -> UUID:
    """A new person. Raises UserError ACC-PHONE, ACC-NAME, ACC-PHONE-STATE (the number has an account)."""
    phone, name = plain_phone(phone), name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        fail("ACC-NAME", "name", limit=MAX_NAME)
    person_id = new_id()
    with acting(tx, SYSTEM):
        if find(tx, ring, phone) is not None:
            fail("ACC-PHONE-STATE", "phone")
        tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, %s, %s)", [person_id, name, now()])
        tx.execute(
            "INSERT INTO credential (person_id, phone_hash, phone_sealed, id_hash) VALUES (%s, %s, %s, %s)",
            [
                person_id,
                keyed_hash(phone, ring, PHONE),
                seal(phone, ring, f"credential/{person_id}"),
                None if identity is None else keyed_hash(plain_identity(identity), ring, IDENTITY),
            ],
        )
    return person_id


def find(tx: Tx, ring: Keyring, phone: str) -> UUID | None:
    """The person with this number."""
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT person_id FROM credential WHERE phone_hash = ANY(%s)",
            [list(keyed_hashes(plain_phone(phone), ring, PHONE))],
        ).fetchone()
    return None if row is None else row["person_id"]


def phone_of(tx: Tx, ring: Keyring, person_id: UUID) -> str:
    """The number of a person, for the platform's own messages."""
    with acting(tx, SYSTEM):
        row = tx.execute("SELECT phone_sealed FROM credential WHERE person_id = %s", [person_id]).fetchone()
    if row is None:
        fail("ACC-PERSON-ABSENT", "person")
    return unseal(row["phone_sealed"], ring, f"credential/{person_id}")


@cache
def passwords() -> PasswordHash:
    """Argon2id with the library's recommended cost."""
    return PasswordHash.recommended()


def set_password(tx: Tx, person_id: UUID, password: str) -> None:
    """Change the password. Raises UserError ACC-PASSWORD (too short, too long, or of too few characters)."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or len(set(password)) < MIN_PASSWORD // 2:
        fail("ACC-PASSWORD", "password", least=MIN_PASSWORD, most=MAX_PASSWORD)
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE credential SET password_hash = %s, failures = 0, locked_until = NULL "
            "WHERE person_id = %s",
            [passwords().hash(password), person_id],
        )


def erase(tx: Tx, person_id: UUID) -> None:
    """Take out who somebody was: name and credentials go, what they did stays under a number."""
    with acting(tx, SYSTEM):
        for statement in (
            "UPDATE membership SET ended_at = %(at)s WHERE person_id = %(id)s AND ended_at IS NULL",
            "UPDATE session SET ended_at = %(at)s WHERE person_id = %(id)s AND ended_at IS NULL",
            "DELETE FROM credential WHERE person_id = %(id)s",
            "DELETE FROM passkey WHERE person_id = %(id)s",
            "UPDATE agent_request SET name = '' WHERE person_id = %(id)s",
            "UPDATE person SET name = '', erased_at = %(at)s WHERE id = %(id)s",
        ):
            tx.execute(statement, {"id": person_id, "at": now()})
