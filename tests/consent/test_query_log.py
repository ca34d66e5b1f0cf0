from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.consent.people import COMPANY, OTHER, agent, granted, institution, officer
from xinqiao.consent.access import permit
from xinqiao.consent.query_log import about, seal, verify
from xinqiao.db.database import SYSTEM, Database, Scope
from xinqiao.db.embedded import Access
from xinqiao.kernel.errors import UserError

LINES = 6


def read_often(database: Database, times: int) -> None:
    bank = institution(database)
    granted(database, bank)
    reader = officer(bank)
    for _ in range(times):
        with database.transaction(reader.scope) as tx:
            permit(tx, reader, COMPANY, "credit_decision")


def test_a_line_names_who_when_what_and_for_what(database: Database) -> None:
    read_often(database, 1)
    with database.transaction(agent().scope) as tx:
        line = about(tx, COMPANY)[0]
    assert line.reader == "李示范"
    assert line.person is not None
    assert line.purpose == "credit_decision"
    assert "INV" in line.data_sets
    assert len(line.grants) == 1
    with database.transaction(agent(OTHER).scope) as tx:
        assert about(tx, COMPANY) == []


def test_the_chain_covers_every_line_and_can_be_extended(database: Database) -> None:
    read_often(database, LINES)
    with database.transaction(SYSTEM) as tx:
        assert seal(tx) == LINES
        assert seal(tx) == 0
        assert verify(tx) == LINES
    read_often(database, 1)
    with database.transaction(SYSTEM) as tx:
        assert seal(tx) == 1
        assert verify(tx) == LINES + 1


def test_the_product_cannot_change_the_log(database: Database) -> None:
    read_often(database, 1)
    for change in ("UPDATE query_log SET purpose = 'x'", "DELETE FROM query_log"):
        with database.transaction(SYSTEM) as tx:
            assert tx.execute(change).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Scope("bank")) as tx:
        tx.execute(
            "INSERT INTO query_log VALUES (gen_random_uuid(), now(), 'x', 'bank', null, null, null, 'x', "
            "'x', '{}', '{}')"
        )


LINE = "WHERE id = (SELECT query FROM query_link WHERE number = {n})"
TAMPERINGS = (
    f"UPDATE query_log SET purpose = 'post_loan' {LINE}",  # noqa: S608 - constants
    f"UPDATE query_log SET reader = reader || '.' {LINE}",  # noqa: S608 - constants
    f"DELETE FROM query_log {LINE}",  # noqa: S608 - constants
    "DELETE FROM query_link WHERE number = {n}",
    "DELETE FROM query_link WHERE number >= {n}",
    "UPDATE query_link SET number = -number WHERE number = {n}",
    "UPDATE query_link SET query = gen_random_uuid() WHERE number = {n}",
)


@given(what=st.sampled_from(TAMPERINGS), line=st.integers(1, LINES))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tampering_by_the_owner_of_the_database_is_found(
    database: Database, access: Access, what: str, line: int
) -> None:
    with database.transaction(SYSTEM) as tx:
        empty = tx.execute("SELECT NOT EXISTS (SELECT FROM query_log) AS empty").fetchone() == {"empty": True}
    if empty:
        read_often(database, LINES)
        with database.transaction(SYSTEM) as tx:
            seal(tx)
    with psycopg.connect(access.owner) as owner:
        owner.execute("SET session_replication_role = replica")  # triggers off: the owner can do anything
        owner.execute(what.format(n=line).encode())
        owner.execute("SELECT set_config('xinqiao.side', 'system', true)")
        owner.row_factory = psycopg.rows.dict_row  # type: ignore[assignment]
        with pytest.raises(UserError, match="CST-CHAIN"):
            verify(owner)  # type: ignore[arg-type] # the owner's connection with our rows
        owner.rollback()
