"""Grants of subjects, kept at the party whose data they are about: who may receive them, and for what.

Grants come as lists signed by whom the node's configuration names. A subject is kept only as a keyed hash
under the node's own key. A revocation, or a later list, holds from the next job on; what was computed
before stays computed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.db.database import Tx
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.agreement.signing import CONSENTS, Identity, sign, signed
from xinqiao.privacy.job.keys import KeyKind, written_alike
from xinqiao.privacy.job.manifest import Input, Name

GRANTS_AT_MOST = 5_000_000
AHEAD = timedelta(minutes=10)
"""How far an issuer's clock may be ahead."""
_KEEP = (
    "INSERT INTO privacy_consent AS c (institution_id, subject, receiver, purpose, until, revoked, told_at) "
    "VALUES (%s,%s,%s,%s,%s,%s,%s) ON CONFLICT (institution_id, subject, receiver, purpose) "
    "DO UPDATE SET until = excluded.until, revoked = excluded.revoked, told_at = excluded.told_at "
    "WHERE c.told_at < excluded.told_at OR (c.told_at = excluded.told_at AND excluded.revoked)"
)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Granted(_Strict):
    """One subject's word: its rows may be used for ``purpose`` to the benefit of ``receiver`` until then.

    ``revoked``: no longer.
    """

    subject: str = Field(max_length=256)
    receiver: Name
    purpose: Name
    until: datetime
    revoked: bool = False


class ConsentList(_Strict):
    """Grants as their issuer signed them at a time; ``signature``: hex, under everything else."""

    format: Literal["xinqiao.consents/1"] = "xinqiao.consents/1"
    issuer: Name
    made_at: datetime
    key_kind: KeyKind
    grants: tuple[Granted, ...] = Field(max_length=GRANTS_AT_MOST)
    signature: str = ""

    def body(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))


def signed_list(told: ConsentList, identity: Identity) -> ConsentList:
    """The list with its issuer's signature."""
    return told.model_copy(update={"signature": sign(identity.pair, CONSENTS, told.body()).hex()})


def read_list(data: bytes, where: str, issuers: Mapping[str, str]) -> ConsentList:
    """A list of consents. Raises UserError PRV-CONSENT-LIST: not one, or not signed by a known issuer."""
    try:
        told = ConsentList.model_validate_json(data)
        signature = bytes.fromhex(told.signature)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        detail = f"{'.'.join(map(str, first['loc']))} {first['msg']}"
        raise user_error("PRV-CONSENT-LIST", where, detail=detail) from None  # the cause would show subjects
    except ValueError:
        fail("PRV-CONSENT-LIST", where, detail="signature")
    if told.made_at.tzinfo is None or any(granted.until.tzinfo is None for granted in told.grants):
        fail("PRV-CONSENT-LIST", where, detail="time zone")
    if told.made_at > now() + AHEAD:
        fail("PRV-CONSENT-LIST", where, detail=f"made_at {told.made_at.isoformat()}")
    if not signed(issuers.get(told.issuer, ""), CONSENTS, told.body(), signature):
        fail("PRV-CONSENT-LIST", where, detail=f"signature of {told.issuer}")
    return told


def take_in(tx: Tx, identity: Identity, institution: UUID, told: ConsentList) -> int:
    """Keep a list that was read; returns how many rows are new or changed by it.

    Of two lists that speak of the same grant the one made later holds, in whatever order they are taken in;
    within one list, a revocation.
    Raises UserError PRV-CONSENT-LIST for a subject that is no key of the list's kind.
    """
    keys = written_alike(pl.Series("subject", [g.subject for g in told.grants], pl.String), told.key_kind)
    if keys.bad:
        fail("PRV-CONSENT-LIST", told.issuer, detail=f"{keys.bad} subjects: {told.key_kind}")
    subjects = hashed(identity, told.key_kind, keys.keys.to_list())
    rows = [
        [institution, subject, g.receiver, g.purpose, g.until, g.revoked, told.made_at]
        for subject, g in zip(subjects, told.grants, strict=True)
    ]
    with tx.cursor() as cursor:
        cursor.executemany(_KEEP, rows)
        changed = cursor.rowcount
    ended = sum(g.revoked for g in told.grants)
    tx.execute(
        "INSERT INTO privacy_consent_list "
        "(institution_id, digest, issuer, made_at, grants, revoked, imported_at) "
        "VALUES (%s,%s,%s,%s,%s,%s,%s) ON CONFLICT DO NOTHING",
        [institution, digest(told.body()), told.issuer, told.made_at, len(rows), ended, now()],
    )
    return changed


def hashed(identity: Identity, kind: KeyKind, keys: Sequence[str]) -> list[bytes]:
    """Each subject's keyed hash (HMAC-SHA-256) as it is kept."""
    secret = identity.secret("consents")
    head = f"{kind}\n".encode()
    return [hmac.digest(secret, head + key.encode(), hashlib.sha256) for key in keys]


def covered(
    tx: Tx, identity: Identity, table: pa.Table, brought: Input, *, to: Collection[str], purpose: str
) -> pa.Table:
    """The rows whose subjects let every receiver have them for the purpose, now.

    ``table`` has its key first, written alike. Raises UserError PRV-CONSENT where the manifest says that a
    missing grant refuses the whole job, or where rows have no key to find a grant by.
    """
    if brought.consents.basis == "none" or not to:
        return table
    if brought.key is None or brought.key_kind is None:
        fail("PRV-CONSENT", brought.source, missing=table.num_rows, purpose=purpose)
    subjects = hashed(identity, brought.key_kind, table.column(0).to_pylist())
    granted = _granted(tx, to, purpose)
    kept = [subject in granted for subject in subjects]
    missing = len(kept) - sum(kept)
    if missing and brought.consents.missing == "refuse":
        fail("PRV-CONSENT", brought.source, missing=missing, purpose=purpose)
    return table.filter(pa.array(kept, pa.bool_()))


def _granted(tx: Tx, to: Collection[str], purpose: str) -> set[bytes]:
    """The subjects whose grants to every one of ``to`` are in force."""
    found = tx.execute(
        "SELECT subject FROM privacy_consent WHERE purpose = %s AND receiver = ANY(%s) "
        "AND NOT revoked AND until > %s GROUP BY subject HAVING count(DISTINCT receiver) = %s",
        [purpose, sorted(to), now(), len(set(to))],
    )
    return {bytes(row["subject"]) for row in found}
