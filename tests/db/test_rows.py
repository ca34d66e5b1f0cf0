"""Row-level security, table by table: nobody sees, changes or forges a row of another tenant."""

from __future__ import annotations

import contextlib

import psycopg
from psycopg import sql

from tests.db.tenants import (
    BY_KEY,
    ENGINE,
    OPEN,
    RECORDED,
    SIDES,
    WORKED,
    Table,
    fill,
    first,
    insert,
    loosen,
    second,
    tables,
    values,
)
from xinqiao.db.database import Database, Scope, Side
from xinqiao.db.embedded import Access

NOBODYS = {
    "model": "score models of the platform: the bytes of a public method, no one's data",
}
"""Tables without row-level security, each with the reason; the engine's besides."""


def _count(database: Database, table: Table, scope: Scope) -> int:
    with database.transaction(scope) as tx:
        name = sql.Identifier(table.name)
        row = tx.execute(sql.SQL("SELECT count(*) AS n FROM {}").format(name)).fetchone()
    return 0 if row is None else int(row["n"])


def _beyond(found: set[tuple[str, Side]], allowed: set[str]) -> set[tuple[str, Side]]:
    """What was found and has no reason: the operator's own work has one."""
    return {
        (table, side)
        for table, side in found
        if table not in allowed and not (side == "operator" and table in WORKED)
    }


def test_every_table_is_secured_or_stands_in_the_list(access: Access) -> None:
    bare = {t.name for t in tables(access.owner) if not t.secured and not t.name.startswith(ENGINE)}
    assert bare == set(NOBODYS)


def test_no_side_of_another_tenant_sees_a_row(access: Access, database: Database) -> None:
    loosen(access.owner)
    secured = fill(access.owner)
    seen = {(t.name, side) for t in secured for side in SIDES if _count(database, t, second(side))}
    assert _beyond(seen, OPEN.keys() | BY_KEY.keys()) == set()
    own = [t for t in secured if any(_count(database, t, first(side)) for side in SIDES)]
    assert len(own) > len(secured) // 3, "the rows are there to be seen by whom they belong to"


def test_no_side_of_another_tenant_changes_or_takes_away_a_row(access: Access, database: Database) -> None:
    loosen(access.owner)
    changed: set[tuple[str, Side]] = set()
    for table in fill(access.owner):
        name, field = sql.Identifier(table.name), sql.Identifier(next(iter(table.columns)))
        for side in SIDES:
            for statement in (sql.SQL("UPDATE {0} SET {1} = {1}"), sql.SQL("DELETE FROM {0}")):
                with database.transaction(second(side)) as tx:
                    if tx.execute(statement.format(name, field)).rowcount:
                        changed.add((table.name, side))
    assert _beyond(changed, set(BY_KEY)) == set()


def test_no_side_writes_a_row_in_the_name_of_another(access: Access, database: Database) -> None:
    loosen(access.owner)
    forged: set[tuple[str, Side]] = set()
    for table in (t for t in tables(access.owner) if t.secured):
        for side in SIDES:
            with (
                contextlib.suppress(psycopg.errors.InsufficientPrivilege),
                database.transaction(second(side)) as tx,
            ):
                tx.execute(*insert(table, values(table)))
                forged.add((table.name, side))
                tx.rollback()
    assert _beyond(forged, RECORDED.keys() | BY_KEY.keys()) == set()


def test_the_lists_name_tables_there_are(access: Access) -> None:
    known = {t.name for t in tables(access.owner)}
    assert OPEN.keys() | WORKED.keys() | RECORDED.keys() | BY_KEY.keys() <= known
