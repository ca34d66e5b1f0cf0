"""Proofs out of the stored log: inclusion, consistency, cosigned checkpoints and whole bundles."""

from __future__ import annotations

from uuid import UUID

from xinqiao.db.database import Tx
from xinqiao.evidence.bundle import Bundle
from xinqiao.evidence.merkle import Range, complete, consistency, hash_of, inclusion
from xinqiao.evidence.note import Checkpoint, Note, PublicKey, encode, signature
from xinqiao.evidence.sequencer import stored
from xinqiao.kernel.errors import fail
from xinqiao.kernel.suite import CryptoSuite


def checkpoint(tx: Tx, size: int | None = None) -> Note:
    """The checkpoint of ``size`` (the latest unless told) with all its cosignatures.

    Raises UserError EVD-ABSENT where there is none of that size.
    """
    row = tx.execute(
        "SELECT size, note FROM log_checkpoint WHERE %(size)s::bigint IS NULL OR size = %(size)s "
        "ORDER BY size DESC LIMIT 1",
        {"size": size},
    ).fetchone()
    if row is None:
        fail("EVD-ABSENT", "checkpoint", what="checkpoint" if size is None else f"checkpoint {size}")
    note = Note.read(row["note"])
    lines = tx.execute(
        "SELECT line FROM log_cosignature WHERE size = %s ORDER BY witness", [row["size"]]
    ).fetchall()
    return Note(note.text, (*note.signatures, *(signature(line["line"]) for line in lines)))


def _hashes(tx: Tx, suite: CryptoSuite, ranges: list[Range]) -> list[bytes]:
    nodes = stored(tx, [place for leaves in ranges for place in complete(leaves)])
    return [hash_of(suite, leaves, lambda *place: nodes[place]) for leaves in ranges]


def suite_of(tx: Tx) -> CryptoSuite:
    """The suite of this log, as its lines and checkpoints are hashed."""
    return log_key(tx).suite


def log_key(tx: Tx) -> PublicKey:
    """The log's public key. Raises UserError EVD-ABSENT before the log has begun."""
    row = tx.execute("SELECT key FROM log_public_key").fetchone()
    if row is None:
        fail("EVD-ABSENT", "log", what="log")
    return PublicKey.read(row["key"])


def inclusion_proof(tx: Tx, index: int, size: int) -> list[bytes]:
    """That line ``index`` is in the log of ``size`` lines. Raises UserError EVD-RANGE."""
    if not 0 <= index < size <= Checkpoint.read(checkpoint(tx).text).size:
        fail("EVD-RANGE", "index, size", detail=f"{index}, {size}")
    return _hashes(tx, suite_of(tx), inclusion(index, size))


def consistency_proof(tx: Tx, old: int, new: int) -> list[bytes]:
    """That the log of ``new`` lines begins with that of ``old``. Raises UserError EVD-RANGE."""
    if not 0 <= old <= new <= Checkpoint.read(checkpoint(tx).text).size:
        fail("EVD-RANGE", "old, new", detail=f"{old}, {new}")
    return _hashes(tx, suite_of(tx), consistency(old, new))


def bundle(tx: Tx, entry: UUID) -> Bundle:
    """The proof of ``entry`` for who may read it, with the most cosigned checkpoint that covers it.

    Raises UserError EVD-ABSENT (no such entry for this reader, or its salt was deleted) and EVD-WAIT-STATE
    (it has no place in the log yet).
    """
    row = tx.execute(
        "SELECT o.salt, o.body, o.attached, e.line, l.idx FROM evidence_opening o "
        "JOIN evidence_entry e ON e.id = o.entry_id LEFT JOIN log_leaf l ON l.entry_id = o.entry_id "
        "WHERE o.entry_id = %s",
        [entry],
    ).fetchone()
    if row is None:
        fail("EVD-ABSENT", str(entry), what=str(entry))
    if row["idx"] is None:
        fail("EVD-WAIT-STATE", str(entry))
    index = int(row["idx"])
    note = checkpoint(tx, _best(tx, index))
    proof = inclusion_proof(tx, index, Checkpoint.read(note.text).size)
    return Bundle(
        document=bytes(row["body"]).decode(),
        attached=None if row["attached"] is None else bytes(row["attached"]).decode(),
        salt=encode(bytes(row["salt"])),
        line=row["line"],
        index=index,
        proof=[encode(part) for part in proof],
        checkpoint=str(note),
    )


def _best(tx: Tx, index: int) -> int:
    """The size whose checkpoint covers ``index``: of the lately cosigned ones that with most cosignatures."""
    row = tx.execute(
        "SELECT size FROM (SELECT size FROM log_cosignature WHERE size > %s ORDER BY size DESC LIMIT 500) s "
        "GROUP BY size ORDER BY count(*) DESC, size DESC LIMIT 1",
        [index],
    ).fetchone()
    return Checkpoint.read(checkpoint(tx).text).size if row is None else int(row["size"])
