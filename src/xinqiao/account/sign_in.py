"""Signing in by password or code, and locking out who tries too often.

Failures must be remembered, so they come back as values: raising would roll the count back.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from uuid import UUID

from xinqiao.account import quota
from xinqiao.account.code import check_code, send_code
from xinqiao.account.notifier import Notifier
from xinqiao.account.person import PHONE, find, passwords, plain_phone
from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, user_error
from xinqiao.kernel.protect import Keyring, keyed_hashes

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
MAX_A_MINUTE = 30
SIGN_IN = "sign-in"


def limit_address(tx: Tx, address: str) -> None:
    """Few tries a minute from one network address. Raises UserError ACC-RATE."""
    quota.count(tx, f"address/{address}", SIGN_IN, limit=MAX_A_MINUTE, seconds=60)


@cache
def _nobody() -> str:
    """A hash to compare with where there is no account, so that the answer takes as long."""
    return passwords().hash("nobody's password")


def by_password(tx: Tx, ring: Keyring, phone: str, password: str) -> UUID | UserError:
    """The person, or ACC-REFUSED (phone or password), ACC-LOCKED."""
    try:
        hashes = list(keyed_hashes(plain_phone(phone), ring, PHONE))
    except UserError as error:
        return error
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT * FROM credential WHERE phone_hash = ANY(%s) FOR UPDATE", [hashes]
        ).fetchone()
    if row is None or row["password_hash"] is None:
        passwords().verify(password, _nobody())
        return user_error("ACC-REFUSED", SIGN_IN)
    return _judge(tx, row, password)


def _judge(tx: Tx, row: Row, password: str) -> UUID | UserError:
    person_id: UUID = row["person_id"]
    if row["locked_until"] is not None and row["locked_until"] > now():
        return user_error("ACC-LOCKED", SIGN_IN, minutes=int(LOCKED_FOR.total_seconds() // 60))
    if passwords().verify(password, row["password_hash"]):
        _forget_failures(tx, person_id)
        return person_id
    return _failed(tx, person_id, row["failures"] + 1)


def _failed(tx: Tx, person_id: UUID, failures: int) -> UserError:
    locked = now() + LOCKED_FOR if failures >= MAX_FAILURES else None
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE credential SET failures = %s, locked_until = %s WHERE person_id = %s",
            [0 if locked else failures, locked, person_id],
        )
    return user_error("ACC-REFUSED", SIGN_IN)


def _forget_failures(tx: Tx, person_id: UUID) -> None:
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE credential SET failures = 0, locked_until = NULL WHERE person_id = %s "
            "AND (failures > 0 OR locked_until IS NOT NULL)",
            [person_id],
        )


def ask_code(tx: Tx, ring: Keyring, notifier: Notifier, phone: str) -> None:
    """Send a code to sign in with; where there is no account nothing is sent, and nobody is told so."""
    if find(tx, ring, phone) is not None:
        send_code(tx, ring, notifier, phone, SIGN_IN)


def by_code(tx: Tx, ring: Keyring, phone: str, code: str) -> UUID | UserError:
    """The person, or ACC-CODE."""
    try:
        person_id = find(tx, ring, phone)
    except UserError as error:
        return error
    if person_id is None:
        return user_error("ACC-CODE", "code")
    refused = check_code(tx, ring, phone, SIGN_IN, code)
    if refused is not None:
        return refused
    _forget_failures(tx, person_id)
    return person_id


def check_again(tx: Tx, person_id: UUID, password: str) -> UserError | None:
    """The password of somebody signed in, asked again before a signature: ACC-CONFIRM, ACC-LOCKED."""
    with acting(tx, SYSTEM):
        row = tx.execute("SELECT * FROM credential WHERE person_id = %s FOR UPDATE", [person_id]).fetchone()
    if row is None or row["password_hash"] is None:
        return user_error("ACC-CONFIRM", "password")
    judged = _judge(tx, row, password)
    if isinstance(judged, UserError) and judged.code == "ACC-REFUSED":
        return user_error("ACC-CONFIRM", "password")
    return judged if isinstance(judged, UserError) else None
