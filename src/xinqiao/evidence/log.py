"""Recording an act in the transparency log, in the transaction of the act itself.

The public line of an act holds its kind, its second and a commitment: the keyed hash (``CryptoSuite.mac``)
of the document under a random salt of its own. Without the salt the line tells nothing of the document,
however few documents are possible; with it, nobody can show another document for the same line.
Lines get their place in the log afterwards (``evidence.sequencer``), so writers never wait for each other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.suite import INTERNATIONAL, CryptoSuite, suite_named

Kind = Literal[
    "grant",
    "revocation",
    "query",
    "decision",
    "offer",
    "acceptance",
    "contract",
    "model",
    "policy",
    "report",
    "computation",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SALT_BYTES = 32
CONTEXT = b"xinqiao evidence v1\n"


def commitment(suite: CryptoSuite, salt: bytes, kind: str, body: bytes) -> str:
    """The commitment to ``body`` as hex."""
    return suite.mac(salt, CONTEXT + kind.encode() + b"\n" + body).hex()


def line_of(suite: CryptoSuite, entry: UUID, kind: str, at: datetime, committed: str) -> str:
    """The public line of an entry: canonical JSON without a line end; its bytes are the leaf of the log."""
    told = {
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commitment": committed,
        "id": str(entry),
        "kind": kind,
        "suite": suite.name,
    }
    return canonical_json(told).decode()


def record(
    tx: Tx,
    kind: Kind,
    body: Mapping[str, Any],
    *,
    subject: str | None = None,
    institution: UUID | None = None,
    file: str | None = None,
) -> UUID:
    """Record an act under any scope; ``body`` is what canonical JSON can hold. Returns the entry's id.

    ``subject``: the company or person the document is about, who may read it and whose salts can be
    deleted. ``institution``: which institution may read it too; the one that acts unless told.
    ``file``: a text kept with the document, which is given its digest (SHA-256) as ``digest``.
    """
    if kind not in KINDS:
        message = f"no kind of evidence: {kind}"
        raise ValueError(message)
    attached = None if file is None else file.encode()
    told = dict(body) if attached is None else {**body, "digest": digest(attached)}
    suite = _suite(tx)
    entry, salt, data, at = new_id(), secrets.token_bytes(SALT_BYTES), canonical_json(told), now()
    line = line_of(suite, entry, kind, at, commitment(suite, salt, kind, data))
    tx.execute(
        "WITH e AS (INSERT INTO evidence_entry (id, kind, recorded_at, suite, line) "
        "VALUES (%s, %s, %s, %s, %s)), "
        "p AS (INSERT INTO evidence_pending (entry_id) VALUES (%s)) "
        "INSERT INTO evidence_opening (entry_id, subject, institution, salt, body, attached) "
        "VALUES (%s, %s, coalesce(%s, xq_institution()), %s, %s, %s)",
        [entry, kind, at, suite.name, line, entry, entry, subject, institution, salt, data, attached],
    )
    return entry


def _suite(tx: Tx) -> CryptoSuite:
    """The suite of the log; international until the log has begun. Each line tells its own."""
    row = tx.execute("SELECT suite FROM log_public_key").fetchone()
    return INTERNATIONAL if row is None else suite_named(row["suite"])


def forget(tx: Tx, subject: str) -> int:
    """Delete what ties the log to ``subject`` (scope SYSTEM): salts and documents. Returns how many.

    The lines stay and the log still verifies; what remains of the subject is a row of random-looking hex.
    """
    return tx.execute("DELETE FROM evidence_opening WHERE subject = %s", [subject]).rowcount
