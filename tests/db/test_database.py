from __future__ import annotations

import contextlib
import time
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from xinqiao.db import jobs
from xinqiao.db.database import PUBLIC, SYSTEM, Database, Scope, acting, new_id
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate


def test_the_scope_lasts_for_its_transaction_only(database: Database) -> None:
    bank = new_id()
    with database.transaction(Scope("bank", institution=bank)) as tx:
        assert tx.execute("SELECT xq_side() AS side, xq_institution() AS id").fetchone() == {
            "side": "bank",
            "id": bank,
        }
        with acting(tx, SYSTEM):
            assert tx.execute("SELECT xq_side() AS side").fetchone() == {"side": "system"}
        with contextlib.suppress(ZeroDivisionError), acting(tx, SYSTEM):
            raise ZeroDivisionError
        assert tx.execute("SELECT xq_side() AS side").fetchone() == {"side": "bank"}
    with database.transaction(PUBLIC) as tx:
        assert tx.execute("SELECT xq_institution() AS id").fetchone() == {"id": None}


def test_the_product_signs_in_without_power_over_its_tables(database: Database) -> None:
    for forbidden in ("CREATE TABLE t (a int)", "ALTER TABLE migration ADD b int", "DELETE FROM migration"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(SYSTEM) as tx:
            tx.execute(forbidden)


def test_a_second_migration_changes_nothing(access: Access) -> None:
    assert migrate(access.owner) == []


def test_ids_sort_by_time() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert first < second
    assert isinstance(first, UUID)
    assert first.version == 7


SEEN: list[int] = []


@jobs.job("test.add")
def add(database: Database, number: int) -> None:
    with database.transaction(SYSTEM) as tx:
        tx.execute("SELECT 1")
    SEEN.append(number)


def test_a_job_is_there_exactly_when_its_transaction_is(database: Database) -> None:
    SEEN.clear()
    with contextlib.suppress(ZeroDivisionError), database.transaction(SYSTEM) as tx:
        jobs.defer(tx, "test.add", number=1)
        raise ZeroDivisionError
    with database.transaction(SYSTEM) as tx:
        jobs.defer(tx, "test.add", number=2)
    with jobs.working(database):
        deadline = time.monotonic() + 20
        while not SEEN and time.monotonic() < deadline:
            time.sleep(0.05)
    assert SEEN == [2]


def test_a_killed_server_is_started_again_with_its_data(tmp_path: Path) -> None:
    embedded = Embedded(tmp_path / "db")
    with embedded.running() as access:
        migrate(access.owner)
        with Database(access.app) as database:
            with database.transaction(SYSTEM) as tx:
                tx.execute("INSERT INTO model (id, body) VALUES ('m', 'x')")
            assert embedded.process is not None
            embedded.process.kill()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with contextlib.suppress(psycopg.OperationalError), database.transaction(SYSTEM) as tx:
                    assert tx.execute("SELECT id FROM model").fetchall() == [{"id": "m"}]
                    break
                time.sleep(0.2)
            else:
                pytest.fail("the server did not come back")


def test_a_folder_made_again_gets_a_database_of_its_own(tmp_path: Path) -> None:
    for gone in ("first", "second"):
        with (
            Embedded(tmp_path / "db").running() as access,
            psycopg.connect(access.owner, autocommit=True) as connection,
        ):
            assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)
            connection.execute("CREATE TABLE kept (id int)")
        (tmp_path / "db").rename(tmp_path / gone)


def test_a_job_left_by_a_lost_database_is_done(tmp_path: Path) -> None:
    SEEN.clear()
    embedded = Embedded(tmp_path / "db")
    with embedded.running() as access:
        migrate(access.owner)
        with Database(access.app) as database, jobs.working(database):
            assert embedded.process is not None
            embedded.process.kill()
            deadline = time.monotonic() + 200
            while time.monotonic() < deadline and not SEEN:
                with contextlib.suppress(psycopg.OperationalError), database.transaction(SYSTEM) as tx:
                    # jobs of the clock may stand there too
                    own = tx.execute("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'test.add'")
                    if not own.fetchone():
                        jobs.defer(tx, "test.add", number=3)
                time.sleep(0.3)
    assert SEEN[:1] == [3]
