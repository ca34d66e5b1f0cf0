from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings

from tests.scoring.export.conftest import Rows, cards_and_rows
from tests.scoring.test_card import variable
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.card import Card
from xinqiao.scoring.export.sql import Dialect, expression, identifier, to_sql


def create(card: Card) -> str:
    kinds = {"numeric": "DOUBLE PRECISION", "categorical": "TEXT"}
    columns = ", ".join(f"{identifier(v.name)} {kinds[v.kind]}" for v in card.variables)
    return f"CREATE TEMP TABLE applicants (row_ INTEGER, {columns})"


def insert(card: Card, mark: str) -> str:
    return f"INSERT INTO applicants VALUES ({', '.join([mark] * (len(card.names) + 1))})"  # noqa: S608 - marks only


def listed(card: Card, rows: Rows) -> list[list[Any]]:
    return [[i, *(row[n] for n in card.names)] for i, row in enumerate(rows)]


def test_duckdb_scores_exactly_as_the_card() -> None:
    with duckdb.connect() as duck:

        @settings(max_examples=40)
        @given(cards_and_rows())
        def equal(given_: tuple[Card, Rows]) -> None:
            card, rows = given_
            duck.execute("DROP TABLE IF EXISTS applicants")
            duck.execute(create(card))
            duck.executemany(insert(card, "?"), listed(card, rows))
            query = to_sql(card, "duckdb").rstrip(";\n") + " ORDER BY row_"
            found = [r[-1] for r in duck.execute(query).fetchall()]
            assert found == [card.score_one(row) for row in rows]

        equal()


def test_nan_in_a_parquet_file_is_missing(tmp_path: Path) -> None:
    values = [1.0, float("nan"), 5.0, None, -1.0]
    pl.DataFrame({"v": values}).write_parquet(tmp_path / "t.parquet")  # the statistics leave NaN out
    card = Card(base_points=7, variables=(variable(),))
    with duckdb.connect() as duck:
        duck.read_parquet(str(tmp_path / "t.parquet")).create_view("applicants")
        found = [r[-1] for r in duck.execute(to_sql(card, "duckdb")).fetchall()]
    assert found == [card.score_one({"v": v}) for v in values]


@pytest.fixture(scope="session")
def connection(postgres: str) -> Iterator[Any]:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: PostgreSQL is not tried")
    with psycopg.connect(postgres, autocommit=True, prepare_threshold=None) as opened:
        yield opened


@settings(max_examples=40)
@given(given_=cards_and_rows())
def test_postgres_scores_exactly_as_the_card(connection: Any, given_: tuple[Card, Rows]) -> None:  # noqa: ANN401 - psycopg may be absent
    card, rows = given_
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS applicants")
        cursor.execute(create(card))
        cursor.executemany(insert(card, "%s"), listed(card, rows))
        cursor.execute(to_sql(card, "postgres").rstrip(";\n") + " ORDER BY row_")
        found = [r[-1] for r in cursor.fetchall()]
    assert found == [card.score_one(row) for row in rows]


@pytest.mark.parametrize("value", ["Infinity", "-Infinity"])
def test_an_infinite_value_has_no_score(value: str) -> None:
    card = Card(base_points=7, variables=(variable(name="x"),))
    with duckdb.connect() as duck:
        query = f"SELECT {expression(card, 'duckdb')} FROM (SELECT CAST('{value}' AS DOUBLE) AS x)"  # noqa: S608 - our own text
        assert duck.execute(query).fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("dialect", "name"), [("duckdb", "a\0b"), ("postgres", "a\0b"), ("postgres", "税" * 22), ("duckdb", "X")]
)
def test_what_the_dialect_cannot_hold_is_refused(dialect: Dialect, name: str) -> None:
    card = Card(base_points=0, variables=(variable(name=name), variable(name="x")))
    with pytest.raises(UserError, match="SCR-EXPORT"):
        to_sql(card, dialect)


def test_a_table_may_stand_in_a_schema() -> None:
    card = Card(base_points=7, variables=())
    assert 'FROM "risk"."new ""firms"""' in to_sql(card, "duckdb", 'risk.new "firms"')
