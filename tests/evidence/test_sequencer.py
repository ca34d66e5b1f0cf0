from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access
from xinqiao.evidence import sequencer
from xinqiao.evidence.log import record
from xinqiao.evidence.merkle import Growing, leaf_hash
from xinqiao.evidence.note import Checkpoint, Note, PublicKey
from xinqiao.evidence.proof import bundle
from xinqiao.evidence.sequencer import identity, last_checkpoint, sequence
from xinqiao.evidence.trust import Trust
from xinqiao.evidence.verify import verify_bundle
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.kernel.suite import INTERNATIONAL

Filled = Callable[[int], list[UUID]]


def lines_of(database: Database) -> list[str]:
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT idx, line FROM log_leaf JOIN evidence_entry ON id = entry_id ORDER BY idx"
        ).fetchall()
    assert [row["idx"] for row in rows] == list(range(len(rows)))
    return [row["line"] for row in rows]


def checkpoints(database: Database) -> list[str]:
    with database.transaction(SYSTEM) as tx:
        return [row["note"] for row in tx.execute("SELECT note FROM log_checkpoint ORDER BY size").fetchall()]


def root_over(lines: list[str]) -> tuple[int, bytes]:
    tree = Growing(INTERNATIONAL)
    for line in lines:
        tree.add(leaf_hash(INTERNATIONAL, line.encode()))
    return tree.size, tree.root()


def test_every_line_gets_one_place_and_every_size_one_signed_root(
    database: Database, ring: Keyring, filled: Filled
) -> None:
    sequence(database, ring)
    for count in (1, 4, 9):
        filled(count)
    assert sequence(database, ring).placed == 0
    lines = lines_of(database)
    assert len(lines) == 14
    with database.transaction(SYSTEM) as tx:
        key = identity(tx, ring).public
    for text, size in zip(checkpoints(database), (0, 1, 5, 14), strict=True):
        note = Note.read(text)
        assert note.signed_by(key) is not None
        told = Checkpoint.read(note.text)
        assert (told.size, told.root) == root_over(lines[:size])
        assert told.origin == key.name


def test_large_batches_are_taken_in_rounds(
    database: Database, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 10)
    made = filled(35)
    assert len(lines_of(database)) == len(made) == 35
    assert len(checkpoints(database)) == 4


def test_sequencers_at_once_place_each_line_once(database: Database, ring: Keyring) -> None:
    def write(number: int) -> None:
        for n in range(20):
            with database.transaction(SYSTEM) as tx:
                record(tx, "query", {"writer": number, "n": n})

    def place() -> None:
        for _ in range(15):
            sequence(database, ring)

    threads = [threading.Thread(target=write, args=[n]) for n in range(3)]
    threads += [threading.Thread(target=place) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sequence(database, ring)
    lines = lines_of(database)
    assert len(lines) == len(set(lines)) == 60
    told = Checkpoint.read(Note.read(checkpoints(database)[-1]).text)
    assert (told.size, told.root) == root_over(lines)


def test_what_was_rolled_back_is_not_in_the_log(database: Database, ring: Keyring) -> None:
    with contextlib.suppress(ZeroDivisionError), database.transaction(SYSTEM) as tx:
        record(tx, "offer", {"a": 1})
        raise ZeroDivisionError
    assert sequence(database, ring).size == 0


def test_the_key_stays_and_is_sealed(database: Database, ring: Keyring) -> None:
    with database.transaction(SYSTEM) as tx:
        key = identity(tx, ring, origin="log.example/city")
        assert identity(tx, ring) == key
        assert str(PublicKey.read(str(key.public))).startswith("log.example/city+")
        row = tx.execute("SELECT sealed_key FROM log_identity").fetchone()
        assert row is not None
        assert key.pair.private.hex() not in row["sealed_key"]
        with pytest.raises(UserError, match="CRY-SEAL"):
            identity(tx, Keyring({"k": bytes(32)}, "k"))


def test_a_log_of_the_national_suite(database: Database) -> None:
    ring = Keyring({"g": bytes(range(32))}, "g", suites={"g": "guomi"})
    with database.transaction(SYSTEM) as tx:
        record(tx, "grant", {"a": 1})
    assert sequence(database, ring).size == 1
    with database.transaction(SYSTEM) as tx:
        key = identity(tx, ring).public
        second = record(tx, "grant", {"a": 2})
    assert key.suite.name == "guomi"
    assert Note.read(checkpoints(database)[-1]).signed_by(key) is not None
    sequence(database, ring)
    with database.transaction(SYSTEM) as tx:
        told = bundle(tx, second)
    assert '"suite":"guomi"' in told.line
    assert all(found.holds for found in verify_bundle(told, Trust(key)))


def test_the_key_moves_to_a_new_ring_key(database: Database) -> None:
    old, new = Keyring({"a": bytes(32)}, "a"), Keyring({"a": bytes(32), "b": bytes(range(32))}, "b")
    with database.transaction(SYSTEM) as tx:
        key = identity(tx, old)
        assert identity(tx, new) == key
        assert identity(tx, Keyring({"b": bytes(range(32))}, "b")) == key


TAMPER = (
    "UPDATE log_node SET hash = sha256('x') WHERE (level, place) = (2, 0)",
    "DELETE FROM log_node WHERE (level, place) = (0, 4)",
)


@pytest.mark.parametrize("change", TAMPER)
def test_the_log_signs_no_tree_that_was_changed(
    database: Database, access: Access, ring: Keyring, filled: Filled, change: str
) -> None:
    filled(5)
    with database.transaction(SYSTEM) as tx:
        assert tx.execute(change).rowcount == 0  # the product itself can't
    with psycopg.connect(access.owner) as owner:
        owner.execute("SET session_replication_role = replica")  # who owns the database can
        owner.execute(change)
    with database.transaction(SYSTEM) as tx:
        record(tx, "grant", {"a": 1})
    with pytest.raises(UserError, match="EVD-LOG"):
        sequence(database, ring)
    with database.transaction(SYSTEM) as tx:
        told = last_checkpoint(tx)
    assert told is not None
    assert told.size == 5


def test_the_timer_places_lines(database: Database, ring: Keyring) -> None:
    with database.transaction(SYSTEM) as tx:
        record(tx, "model", {"a": 1})
    with jobs.working(database, ring):
        deadline = time.monotonic() + 20
        while not lines_of(database) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert len(lines_of(database)) == 1
