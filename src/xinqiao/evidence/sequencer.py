"""Giving recorded lines their place in the log, and signing how long it is now.

One sequencer works at a time (an advisory lock of the transaction); writers never wait for it. A batch, its
tree hashes and the checkpoint are one transaction, so a killed sequencer leaves nothing half done, and the
log never signs two roots for one size. Before it signs, the log's own tree must still give the root that
it signed last: a changed hash in the database stops the log instead of being signed over.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import every
from xinqiao.evidence.merkle import Node, complete, grown, hash_of, leaf_hash
from xinqiao.evidence.note import Checkpoint, Note, PublicKey, SigningKey
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, reseal, seal, unseal
from xinqiao.kernel.suite import CryptoSuite, KeyPair, suite_named

LOCK = 7_301_994_420
BATCH = 5_000
KEY_CONTEXT = "log_identity"


def identity(
    tx: Tx, ring: Keyring, suite: CryptoSuite | None = None, origin: str | None = None
) -> SigningKey:
    """The log's own key (scope SYSTEM), made on first use; ``suite`` and ``origin`` count only then.

    The suite is that of the ring's current key and the origin one nobody else has, unless told.
    """
    row = tx.execute("SELECT origin, suite, public_key, sealed_key FROM log_identity").fetchone()
    if row is None:
        _found(tx, ring, suite or ring.suite(ring.current), origin)
        return identity(tx, ring)
    kept, sealed = suite_named(row["suite"]), reseal(row["sealed_key"], ring, KEY_CONTEXT)
    if sealed != row["sealed_key"]:  # the ring has a new current key
        tx.execute("UPDATE log_identity SET sealed_key = %s", [sealed])
    private = base64.b64decode(unseal(sealed, ring, KEY_CONTEXT))
    public = PublicKey(row["origin"], "log", kept, bytes(row["public_key"]))
    return SigningKey(public, KeyPair(private, public.public))


def _found(tx: Tx, ring: Keyring, suite: CryptoSuite, origin: str | None) -> None:
    pair = suite.generate()
    name = origin or f"log.xinqiao/{suite.hash(pair.public).hex()[:16]}"
    made = tx.execute(
        "INSERT INTO log_identity (origin, suite, public_key, sealed_key) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING RETURNING origin",
        [name, suite.name, pair.public, seal(base64.b64encode(pair.private).decode(), ring, KEY_CONTEXT)],
    ).fetchone()
    if made is not None:
        public = PublicKey(name, "log", suite, pair.public)
        tx.execute("INSERT INTO log_public_key (suite, key) VALUES (%s, %s)", [suite.name, str(public)])


@dataclass(frozen=True, slots=True)
class Batch:
    """What a round of the sequencer did: how many lines got a place, and how long the log is now."""

    placed: int
    size: int


def sequence(database: Database, ring: Keyring) -> Batch:
    """Give all pending lines their place; what another sequencer is at is left to it.

    Raises UserError EVD-LOG where the stored log no longer gives the root it signed.
    """
    placed = 0
    while True:
        batch = _round(database, ring)
        placed += batch.placed
        if batch.placed < BATCH:
            return Batch(placed, batch.size)


def _round(database: Database, ring: Keyring) -> Batch:
    with database.transaction(SYSTEM) as tx:
        got = tx.execute("SELECT pg_try_advisory_xact_lock(%s) AS got", [LOCK]).fetchone()
        last = last_checkpoint(tx)
        size = 0 if last is None else last.size
        if got is None or not got["got"]:
            return Batch(0, size)
        taken = tx.execute(
            "WITH taken AS (DELETE FROM evidence_pending WHERE entry_id IN "
            "(SELECT entry_id FROM evidence_pending ORDER BY entry_id LIMIT %s) RETURNING entry_id) "
            "SELECT e.id, e.line FROM taken JOIN evidence_entry e ON e.id = taken.entry_id ORDER BY e.id",
            [BATCH],
        ).fetchall()
        if taken or last is None:
            _extend(tx, identity(tx, ring), last, [(row["id"], row["line"]) for row in taken])
        return Batch(len(taken), size + len(taken))


def _extend(tx: Tx, key: SigningKey, last: Checkpoint | None, lines: list[tuple[object, str]]) -> None:
    suite, origin = key.public.suite, key.public.name
    size = 0 if last is None else last.size
    edge = complete((0, size))
    nodes = stored(tx, edge)
    if last is not None and hash_of(suite, (0, size), lambda *place: nodes[place]) != last.root:
        fail("EVD-LOG", origin, size=size)
    hashes = [leaf_hash(suite, line.encode()) for _, line in lines]
    new = list(grown(suite, size, [nodes[place] for place in edge], hashes))
    tx.execute(
        "INSERT INTO log_leaf (idx, entry_id) SELECT * FROM unnest(%s::bigint[], %s::uuid[])",
        [list(range(size, size + len(lines))), [entry for entry, _ in lines]],
    )
    _keep(tx, new)
    nodes |= {(node.level, node.place): node.hash for node in new}
    grown_to = size + len(lines)
    told = Checkpoint(origin, grown_to, hash_of(suite, (0, grown_to), lambda *place: nodes[place]))
    text = str(told)
    tx.execute(
        "INSERT INTO log_checkpoint (size, note, signed_at) VALUES (%s, %s, %s)",
        [grown_to, f"{text}\n{key.sign(text)}", now()],
    )


def _keep(tx: Tx, nodes: list[Node]) -> None:
    tx.execute(
        "INSERT INTO log_node (level, place, hash) "
        "SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])",
        [[n.level for n in nodes], [n.place for n in nodes], [n.hash for n in nodes]],
    )


def stored(tx: Tx, places: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of complete subtrees. Raises UserError EVD-LOG where one is gone."""
    rows = tx.execute(
        "SELECT level, place, hash FROM log_node "
        "JOIN unnest(%s::smallint[], %s::bigint[]) AS asked (l, p) ON level = l AND place = p",
        [[level for level, _ in places], [place for _, place in places]],
    ).fetchall()
    found = {(row["level"], row["place"]): bytes(row["hash"]) for row in rows}
    if len(found) != len(set(places)):
        fail("EVD-LOG", "log_node", size=len(found))
    return found


def last_checkpoint(tx: Tx) -> Checkpoint | None:
    """The latest signed size and root; None: the log has not begun."""
    row = tx.execute("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else Checkpoint.read(Note.read(row["note"]).text)


@every("* * * * * */5", "evidence.sequence", keys=True)
def sequence_pending(database: Database, ring: Keyring) -> None:
    """The timer: five seconds is the longest that a line waits for its place."""
    sequence(database, ring)
