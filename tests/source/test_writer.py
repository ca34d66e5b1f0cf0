from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.source import writer as module
from xinqiao.source.block import Fault
from xinqiao.source.contract import contract
from xinqiao.source.writer import PartitionedWriter, QuarantineWriter, RepeatCounter


@settings(deadline=None)
@given(parts=st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), max_size=20), max_size=5))
def test_rows_with_a_repeated_key(
    parts: list[list[tuple[str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    counter = RepeatCounter(tmp_path_factory.mktemp("repeats"))
    for part in parts:
        counter.append(pl.DataFrame(part, schema={"x": pl.String, "y": pl.Int64}, orient="row"), ["x", "y"])
    counts = Counter(key for part in parts for key in part)
    assert counter.rows() == sum(n for n in counts.values() if n > 1)


def frame(days: list[str | None]) -> pl.DataFrame:
    fields = contract("credit").fields
    empty = pl.DataFrame(
        {name: [None] * len(days) for name in fields}, schema={n: f.polars for n, f in fields.items()}
    )
    opened = pl.Series(days, dtype=pl.String).str.to_date().alias("opened_on")
    return empty.with_columns(opened, pl.Series("_line", range(len(days)), dtype=pl.Int64))


def test_partitions_by_year_with_a_place_for_none(tmp_path: Path) -> None:
    writer = PartitionedWriter(contract("credit"), "id", tmp_path)
    writer.append(frame(["2018-05-01", None, "2019-01-01"]))
    writer.append(frame(["2018-06-01"]))
    found = [(file.path, file.rows) for file in writer.close()]
    assert found == [
        ("data/credit/year=0000/id-0.parquet", 1),
        ("data/credit/year=2018/id-0.parquet", 2),
        ("data/credit/year=2019/id-0.parquet", 1),
    ]
    table = pq.ParquetFile(tmp_path / found[1][0]).read()
    assert table.schema.equals(contract("credit").schema)
    assert table["_file"].to_pylist() == ["id", "id"]


def test_rows_held_in_memory_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GROUP_ROWS", 10)
    monkeypatch.setattr(module, "_HELD_ROWS", 25)
    writer = PartitionedWriter(contract("credit"), "id", tmp_path)
    for step in range(50):
        writer.append(frame([f"{1950 + (7 * step + i) % 60}-01-01" for i in range(6)]))
        assert writer._held_rows <= 25
    assert sum(file.rows for file in writer.close()) == 300


def test_quarantine_texts_do_not_run_in_a_spreadsheet(tmp_path: Path) -> None:
    quarantine = QuarantineWriter(tmp_path / "q" / "a.csv", "f.csv")
    quarantine.append([])
    assert not (tmp_path / "q").exists()
    for value in ("=1", "@x", "+1", "-1", "x"):
        quarantine.append([(Fault(3, "c", "formula", value, value), Text(zh="公式", en="formula"))])
    lines = (tmp_path / "q" / "a.csv").read_text("utf-8").splitlines()
    assert lines[0] == "file,line,column,rule,reason_zh,reason_en,value,raw row"
    assert [line.split(",")[6] for line in lines[1:]] == ["'=1", "'@x", "'+1", "-1", "x"]
    assert lines[1].startswith("f.csv,3,c,formula,公式,formula,")
