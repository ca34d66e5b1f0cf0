"""Consents taken by outside platforms on their own pages, handed over with their proof (授权移交).

The platform asks for the draft, shows its text to the firm's agent word for word, and signs the draft's
canonical bytes (Ed25519 or SM2) with a key registered before. What cannot be verified is not a grant.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.audit import note
from xinqiao.consent import grants
from xinqiao.consent.draft import Draft, Terms, draft
from xinqiao.consent.grants import Grant, Proof
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.suite import INTERNATIONAL, CryptoSuite, suite_named

OLDEST = timedelta(days=1)
"""How long after the agent agreed a consent may still be handed over."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed over: terms, when the agent agreed, and the signature in base64 by the key ``key``."""

    company_id: str
    institution: UUID
    purposes: Collection[str]
    data_sets: Collection[str]
    until: date
    agreed_at: datetime
    key: str
    signature: str


def register_key(
    tx: Tx, key_id: str, institution: UUID, public_key: bytes, suite: CryptoSuite = INTERNATIONAL
) -> None:
    """Let ``institution`` hand consents over with a key (scope SYSTEM; decided by two people before)."""
    tx.execute(
        "INSERT INTO consent_handover_key (id, institution, suite, public_key, registered_at) "
        "VALUES (%s, %s, %s, %s, %s)",
        [key_id, institution, suite.name, public_key, now()],
    )


def end_key(tx: Tx, key_id: str) -> None:
    """Accept nothing more under a key (scope SYSTEM). Grants it proved stay as they are."""
    tx.execute(
        "UPDATE consent_handover_key SET ended_at = %s WHERE id = %s AND ended_at IS NULL", [now(), key_id]
    )


def prepare(tx: Tx, handed: Handed) -> Draft:
    """The draft whose text is to be shown and whose ``document`` is to be signed. Raises as ``draft``."""
    terms = Terms.of(
        handed.company_id,
        handed.institution,
        kind="ordinary",
        for_=handed.purposes,
        sets=handed.data_sets,
        until=handed.until,
    )
    return draft(tx, terms)


def hand_over(tx: Tx, actor: Actor, handed: Handed) -> Grant:
    """Take a consent over as a grant. Special items can't be handed over: they are signed here.

    Raises UserError CST-HANDOVER (no such key of this platform, wrong signature, too old) and as ``draft``.
    """
    if not timedelta(0) <= now() - handed.agreed_at <= OLDEST:
        fail("CST-HANDOVER", handed.company_id, detail=f"agreed_at: {handed.agreed_at.isoformat()}")
    if tx.execute("SELECT id FROM company WHERE id = %s", [handed.company_id]).fetchone() is None:
        fail("CST-HANDOVER", handed.company_id[:40], detail="company")
    drafted = prepare(tx, handed)
    with acting(tx, SYSTEM):
        found = tx.execute(
            "SELECT suite, public_key FROM consent_handover_key WHERE id = %s AND institution = %s "
            "AND ended_at IS NULL",
            [handed.key, actor.institution],
        ).fetchone()
        if found is None:
            fail("CST-HANDOVER", handed.company_id, detail=f"key {handed.key[:40]}")
        if not _signed(suite_named(found["suite"]), bytes(found["public_key"]), handed, drafted.document):
            fail("CST-HANDOVER", handed.company_id, detail="signature")
        proof = Proof("handover", handed.agreed_at, handed.key, handed.signature)
        made = grants.write(tx, actor, drafted, proof)
    note(tx, actor, "consent.handed_over", str(made.id), {"company": handed.company_id})
    return made


def take_back(tx: Tx, actor: Actor, grant_id: UUID, reason: str) -> None:
    """The firm withdrew on the outside platform: end a grant that this platform handed over.

    Raises UserError CST-GRANT-ABSENT (not one of its own), CST-GRANT-STATE.
    """
    with acting(tx, SYSTEM):
        found = tx.execute(
            "SELECT g.id FROM consent_grant g JOIN consent_handover_key k ON k.id = g.proof ->> 'key' "
            "WHERE g.id = %s AND k.institution = %s",
            [grant_id, actor.institution],
        ).fetchone()
        if found is None:
            fail("CST-GRANT-ABSENT", str(grant_id))
        grants.end(tx, actor, grants.one(tx, grant_id), reason)


def _signed(suite: CryptoSuite, public_key: bytes, handed: Handed, document: bytes) -> bool:
    try:
        return suite.verify(public_key, document, base64.b64decode(handed.signature, validate=True))
    except binascii.Error:
        return False
