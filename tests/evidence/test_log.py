from __future__ import annotations

import json
from uuid import UUID

import pytest

from xinqiao.db.database import PUBLIC, SYSTEM, Database, Scope, new_id
from xinqiao.evidence.log import KINDS, Kind, commitment, forget, record
from xinqiao.kernel.suite import SUITES, CryptoSuite

BANK = new_id()


@pytest.mark.parametrize("kind", KINDS)
def test_any_side_records_and_the_line_names_nobody(database: Database, kind: Kind) -> None:
    with database.transaction(Scope("enterprise", company="C1")) as tx:
        entry = record(tx, kind, {"company": "C1", "金额": "100.00"}, subject="C1")
    with database.transaction(PUBLIC) as tx:
        row = tx.execute("SELECT line FROM evidence_entry WHERE id = %s", [entry]).fetchone()
    assert row is not None
    assert set(json.loads(row["line"])) == {"at", "commitment", "id", "kind", "suite"}
    assert "C1" not in row["line"]


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_the_commitment_opens_with_its_salt_only(suite: CryptoSuite) -> None:
    told = commitment(suite, b"s" * 32, "grant", b"{}")
    assert told == commitment(suite, b"s" * 32, "grant", b"{}")
    for other in (
        (b"t" * 32, "grant", b"{}"),
        (b"s" * 32, "query", b"{}"),
        (b"s" * 32, "grant", b"[]"),
    ):
        assert told != commitment(suite, *other)


def _readable(database: Database, scope: Scope, entry: UUID) -> bool:
    with database.transaction(scope) as tx:
        return (
            tx.execute("SELECT 1 FROM evidence_opening WHERE entry_id = %s", [entry]).fetchone() is not None
        )


def test_documents_are_read_by_subject_and_acting_institution_only(database: Database) -> None:
    person = new_id()
    with database.transaction(Scope("bank", institution=BANK)) as tx:
        entry = record(tx, "query", {"company": "C1"}, subject="C1")
    with database.transaction(SYSTEM) as tx:
        personal = record(tx, "grant", {"a": 1}, subject=str(person), institution=BANK)
    assert _readable(database, Scope("enterprise", company="C1"), entry)
    assert _readable(database, Scope("bank", institution=BANK), entry)
    assert _readable(database, Scope("bank", institution=BANK), personal)
    assert _readable(database, Scope("enterprise", person=person), personal)
    for other in (PUBLIC, Scope("enterprise", company="C2"), Scope("bank", institution=new_id())):
        assert not _readable(database, other, entry)
        assert not _readable(database, other, personal)
    for side in ("operator", "regulator", "holder"):
        assert not _readable(database, Scope(side, institution=new_id()), entry)  # type: ignore[arg-type]


def test_forgetting_leaves_the_line(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        entry = record(tx, "grant", {"company": "C1"}, subject="C1")
        kept = record(tx, "grant", {"company": "C2"}, subject="C2")
        assert forget(tx, "C1") == 1
        assert tx.execute("SELECT 1 FROM evidence_entry WHERE id = %s", [entry]).fetchone()
    assert not _readable(database, SYSTEM, entry)
    assert _readable(database, SYSTEM, kept)


def test_only_the_platform_forgets(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        entry = record(tx, "grant", {"company": "C1"}, subject="C1")
    with database.transaction(Scope("enterprise", company="C1")) as tx:
        assert forget(tx, "C1") == 0
    assert _readable(database, SYSTEM, entry)


def test_an_unknown_kind_is_a_mistake_of_ours(database: Database) -> None:
    with database.transaction(SYSTEM) as tx, pytest.raises(ValueError, match="no kind"):
        record(tx, "gossip", {})  # type: ignore[arg-type]
