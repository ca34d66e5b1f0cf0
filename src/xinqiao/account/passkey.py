"""Passkeys (WebAuthn): a key on the person's device instead of a password."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail, user_error

LASTS = timedelta(minutes=5)
MAX_KEYS = 10
MAX_ANSWER = 20_000
MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys hold: the platform's address as browsers see it."""

    address: str

    @property
    def domain(self) -> str:
        """The relying party's id."""
        return urlsplit(self.address).hostname or ""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser is asked: ``options`` is JSON for navigator.credentials."""

    id: UUID
    options: str


def begin_adding(tx: Tx, site: Site, person_id: UUID, name: str) -> Challenge:
    """Ask the device for a new key. Raises UserError ACC-PASSKEY-STATE (too many)."""
    held = passkeys(tx, person_id)
    if len(held) >= MAX_KEYS:
        fail("ACC-PASSKEY-STATE", "passkey", limit=MAX_KEYS)
    options = generate_registration_options(
        rp_id=site.domain,
        rp_name="信桥 Xinqiao",
        user_name=name,
        user_id=person_id.bytes,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row["id"]) for row in held],
    )
    return _keep(tx, options.challenge, person_id, options_to_json(options))


def add(tx: Tx, site: Site, person_id: UUID, *, challenge_id: UUID, answer: str, name: str) -> None:
    """Keep the key that the device made. Raises UserError ACC-PASSKEY."""
    try:
        made = verify_registration_response(
            credential=_json(answer),
            expected_challenge=_take(tx, challenge_id, person_id),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        raise user_error("ACC-PASSKEY", "passkey") from None
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO passkey (id, person_id, public_key, sign_count, name, made_at) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [
                made.credential_id,
                person_id,
                made.credential_public_key,
                made.sign_count,
                name.strip()[:MAX_NAME] or "passkey",
                now(),
            ],
        )


def begin_sign_in(tx: Tx, site: Site) -> Challenge:
    """Ask the device for a key it has for this site; whose, it tells."""
    options = generate_authentication_options(
        rp_id=site.domain, user_verification=UserVerificationRequirement.REQUIRED
    )
    return _keep(tx, options.challenge, None, options_to_json(options))


def by_passkey(tx: Tx, site: Site, challenge_id: UUID, answer: str) -> UUID | UserError:
    """The person whose key answered, or ACC-PASSKEY."""
    try:
        told = _json(answer)
        credential_id = base64url_to_bytes(str(told.get("id", "")))
        with acting(tx, SYSTEM):
            row = tx.execute("SELECT * FROM passkey WHERE id = %s FOR UPDATE", [credential_id]).fetchone()
        if row is None:
            return user_error("ACC-PASSKEY", "passkey")
        proved = verify_authentication_response(
            credential=told,
            expected_challenge=_take(tx, challenge_id, None),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=bytes(row["public_key"]),
            credential_current_sign_count=row["sign_count"],
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return user_error("ACC-PASSKEY", "passkey")
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE passkey SET sign_count = %s, used_at = %s WHERE id = %s",
            [proved.new_sign_count, now(), row["id"]],
        )
    person_id: UUID = row["person_id"]
    return person_id


def passkeys(tx: Tx, person_id: UUID) -> list[Row]:
    """The keys of a person."""
    return tx.execute(
        "SELECT id, name, made_at, used_at FROM passkey WHERE person_id = %s ORDER BY made_at", [person_id]
    ).fetchall()


def remove(tx: Tx, person_id: UUID, key_id: bytes) -> None:
    """Forget a key. Raises UserError ACC-PASSKEY-ABSENT."""
    if tx.execute("DELETE FROM passkey WHERE id = %s AND person_id = %s", [key_id, person_id]).rowcount == 0:
        fail("ACC-PASSKEY-ABSENT", "passkey")


def _json(answer: str) -> dict[str, object]:
    if len(answer) > MAX_ANSWER:
        message = "too long"
        raise ValueError(message)
    told = json.loads(answer)
    if not isinstance(told, dict):
        message = "not an object"
        raise TypeError(message)
    return told


def _keep(tx: Tx, challenge: bytes, person_id: UUID | None, options: str) -> Challenge:
    made = new_id()
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO passkey_challenge (id, challenge, person_id, until) VALUES (%s, %s, %s, %s)",
            [made, challenge, person_id, now() + LASTS],
        )
    return Challenge(made, options)


def _take(tx: Tx, challenge_id: UUID, person_id: UUID | None) -> bytes:
    """A challenge is good once."""
    with acting(tx, SYSTEM):
        row = tx.execute(
            "DELETE FROM passkey_challenge WHERE id = %s AND person_id IS NOT DISTINCT FROM %s "
            "AND until > %s RETURNING challenge",
            [challenge_id, person_id, now()],
        ).fetchone()
    if row is None:
        raise user_error("ACC-PASSKEY", "passkey")
    return bytes(row["challenge"])
