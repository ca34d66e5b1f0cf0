from __future__ import annotations

from pathlib import Path
from traceback import format_exception

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from tests.privacy.manifests import data
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.source_data import Source, check_rows

FIELDS = {"id": "id", "sales": "money", "share": "ratio", "day": "date"}


def _source(file: Path | None = None, query: str | None = None) -> Source:
    return Source.model_validate({"name": "table", "file": file, "query": query, "fields": FIELDS})


def _csv(folder: Path, *lines: str) -> Source:
    file = folder / "table.csv"
    file.write_text("\n".join(["id,sales,share,day", *lines]) + "\n", "utf-8")
    return _source(file)


def test_only_what_is_asked_for_is_read_and_keys_are_written_alike(tmp_path: Path) -> None:
    source = _csv(tmp_path, " A ,100,0.5,2026-01-31", "ｂ,,0.25,", ",300,1,2026-02-28")
    table = source.read(data("sales", "day"))
    assert table.column_names == ["id", "sales", "day"]
    assert table.column("id").to_pylist() == ["a", "b"]
    assert table.column("sales").to_pylist() == [100, None]
    assert table.schema.field("day").type == pa.date32()


def test_a_file_a_query_and_a_contract_give_the_same(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "sales": pa.array([1, 2], pa.int32())}), file)
    asked = _source(query=f"SELECT * FROM read_parquet('{file}') ORDER BY id")  # noqa: S608 - a test's own file
    assert asked.read(data("sales")).to_pylist() == _source(file).read(data("sales")).to_pylist()
    known = Source(name="tax", query="SELECT 1", contract="tax_return")
    assert known.types
    with pytest.raises(UserError, match="CON-UNKNOWN"):
        _ = Source(name="tax", query="SELECT 1", contract="none_such").types


def test_rows_without_a_key_column_come_as_they_are(tmp_path: Path) -> None:
    table = _csv(tmp_path, "a,1,0.5,2026-01-31", ",2,0.5,2026-01-31").read(data("sales", key=None))
    assert table.to_pylist() == [{"sales": 1}, {"sales": 2}]


def test_a_source_that_is_not_as_said_is_an_error_without_values(tmp_path: Path) -> None:
    for source in (
        _csv(tmp_path, "a,CONFIDENTIAL,0.5,2026-01-31"),
        _source(tmp_path / "absent.csv"),
        _source(tmp_path / "absent.parquet"),
        _source(query="SELECT nothing"),
        _source(query="SELECT 'a' AS id"),
    ):
        with pytest.raises(UserError, match="PRV-SOURCE") as told:
            source.read(data("sales"))
        assert "CONFIDENTIAL" not in str(told.value)


def test_an_engines_error_shows_no_value() -> None:
    """DuckDB's first line quotes the value it can't convert, which may be an identifier."""
    source = _source(
        query="SELECT CAST(v AS INT) AS id, 1 AS sales FROM (VALUES ('91310000CONFIDENTIAL')) t(v)"
    )
    with pytest.raises(UserError, match="PRV-SOURCE") as told:
        source.read(data("sales"))
    assert "CONFIDENTIAL" not in "".join(format_exception(told.value))
    assert "id, sales" in told.value.what.en


def test_sizes_are_bounded(tmp_path: Path) -> None:
    source = _csv(tmp_path, *(f"{n},1,0.5,2026-01-31" for n in range(5)))
    with pytest.raises(UserError, match="PRV-ROWS"):
        source.read(data("sales", rows_at_most=4))
    table = source.read(data("sales", rows_at_most=5))
    check_rows(table, data("sales", rows_at_least=5), "x")
    with pytest.raises(UserError, match="PRV-ROWS"):
        check_rows(table, data("sales", rows_at_least=6), "x")


@pytest.mark.parametrize(
    "asked", [data("secret"), data("sales", "sales"), data(key="secret"), data(key=None)]
)
def test_columns_that_are_no_contracts_are_refused(asked: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-SOURCE"):
        _csv(tmp_path, "a,1,0.5,2026-01-31").check(asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told", [{}, {"file": "a.csv", "query": "SELECT 1"}, {"file": "a.xlsx"}, {"file": "a.csv", "path": "b"}]
)
def test_a_source_is_one_file_or_one_query(told: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate({"name": "table"} | told)
