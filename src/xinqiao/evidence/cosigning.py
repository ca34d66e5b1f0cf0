"""What the log offers its witnesses, and the cosignatures it takes from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.evidence.note import Note, PublicKey, check, signature
from xinqiao.evidence.proof import checkpoint
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error

EVERY = timedelta(seconds=10)
"""All witnesses that ask within one such stretch get the same checkpoint, so their signatures meet on it."""
AHEAD = timedelta(minutes=5)


def to_cosign(tx: Tx) -> Note:
    """The checkpoint to cosign now: the latest from before the current stretch of ten seconds."""
    seconds = int(EVERY.total_seconds())
    begun = datetime.fromtimestamp(int(now().timestamp()) // seconds * seconds, UTC)
    row = tx.execute(
        "SELECT size FROM log_checkpoint WHERE signed_at < %s ORDER BY size DESC LIMIT 1", [begun]
    ).fetchone()
    if row is None:
        fail("EVD-ABSENT", "checkpoint", what="checkpoint")
    return checkpoint(tx, int(row["size"]))


def witnesses(tx: Tx) -> list[PublicKey]:
    """The keys whose cosignatures are taken, by name."""
    rows = tx.execute("SELECT key FROM log_witness ORDER BY name").fetchall()
    return [PublicKey.read(row["key"]) for row in rows]


def add_witness(tx: Tx, key: str, by: UUID | None) -> PublicKey:
    """Take cosignatures of the public key ``key`` from now on (operator or SYSTEM).

    Raises UserError EVD-KEY (no witness's key) and EVD-WITNESS-STATE (the name has another key).
    """
    told = PublicKey.read(key)
    if told.use != "witness":
        fail("EVD-KEY", told.name, detail="not a witness's key")
    row = tx.execute("SELECT key FROM log_witness WHERE name = %s", [told.name]).fetchone()
    if row is not None and row["key"] != str(told):
        fail("EVD-WITNESS-STATE", told.name)
    if row is None:
        tx.execute(
            "INSERT INTO log_witness (name, key, added_at, added_by) VALUES (%s, %s, %s, %s)",
            [told.name, str(told), now(), by],
        )
    return told


def accept(tx: Tx, size: int, line: str) -> datetime:
    """Keep a witness's cosignature of the checkpoint of ``size``; who signed shows in the line itself.

    Raises UserError EVD-WITNESS-FORBIDDEN (not a known witness), EVD-SIGNATURE (wrong, or from the future),
    EVD-NOTE, EVD-ABSENT.
    """
    told = signature(line.removesuffix("\n"))
    key = next((k for k in witnesses(tx) if (k.name, k.key_id) == (told.name, told.key_id)), None)
    if key is None:
        raise user_error("EVD-WITNESS-FORBIDDEN", told.name, witness=told.name)
    at = check(key, checkpoint(tx, size).text, told.data)
    if at is None or at > now() + AHEAD:
        raise user_error("EVD-SIGNATURE", told.name)
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO log_cosignature (size, witness, line, signed_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [size, told.name, told.line, at],
        )
    return at
