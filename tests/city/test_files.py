from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.city.files import GROUP_ROWS, PIECE, XLSX_MAX_ROWS, CsvSink, ParquetSink, SheetSink
from xinqiao.city.text import money

FRAME = pl.DataFrame({"名称": ["甲", "乙,丙", None], "值": ["1", "2", "3"]})


def test_gzip_bytes_do_not_depend_on_the_pieces(tmp_path: Path) -> None:
    big = pl.DataFrame({"a": [f"{i * 7919 % 100_003:09d}" for i in range(300_000)]})
    for name, step in (("one", len(big)), ("many", 999)):
        with CsvSink(tmp_path / f"{name}.csv.gz") as sink:
            for at in range(0, len(big), step):
                sink.write(big[at : at + step])
    one, many = ((tmp_path / f"{name}.csv.gz").read_bytes() for name in ("one", "many"))
    assert one == many
    assert len(gzip.decompress(one)) > 2 * PIECE


def test_encoding(tmp_path: Path) -> None:
    with CsvSink(tmp_path / "a.csv", "gb18030") as sink:
        sink.write(FRAME)
    assert (tmp_path / "a.csv").read_text("gb18030") == '名称,值\n甲,1\n"乙,丙",2\n,3\n'


def _write_and_stop(path: Path) -> None:
    with CsvSink(path) as sink:
        sink.write(FRAME)
        message = "stop"
        raise ValueError(message)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"):
        _write_and_stop(tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_row_groups_of_parquet_do_not_depend_on_the_pieces(tmp_path: Path) -> None:
    big = pl.DataFrame({"a": [f"{i:07d}" for i in range(2 * GROUP_ROWS + 5)]})
    for name, step in (("one", len(big)), ("many", 9_999)):
        with ParquetSink(tmp_path / f"{name}.parquet") as sink:
            for at in range(0, len(big), step):
                sink.write(big[at : at + step])
    one, many = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "many"))
    assert one == many
    assert pl.read_parquet(tmp_path / "one.parquet").equals(big)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.xlsx"])
def test_a_table_without_rows_keeps_its_headings(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    kinds = {".parquet": ParquetSink, ".xlsx": lambda path: SheetSink(path, "表")}
    with kinds.get(path.suffix, CsvSink)(path) as sink:  # type: ignore[abstract]  # all three are sinks
        sink.write(FRAME[:0])
    if path.suffix == ".xlsx":
        page = openpyxl.load_workbook(path)["表"]
        assert [[cell.value for cell in row] for row in page.iter_rows()] == [["名称", "值"]]
    elif path.suffix == ".parquet":
        assert pl.read_parquet(path).equals(FRAME[:0])
    else:
        data = path.read_bytes()
        assert (gzip.decompress(data) if path.suffix == ".gz" else data).decode() == "名称,值\n"


def test_sheets_carry_no_time(tmp_path: Path) -> None:
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        with SheetSink(path, "表") as sink:
            sink.write(FRAME[:1])
            sink.write(FRAME[1:])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    page = openpyxl.load_workbook(paths[0])["表"]
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["名称", "值"],
        ["甲", "1"],
        ["乙,丙", "2"],
        [None, "3"],
    ]


def test_tables_too_long_for_a_sheet_become_csv(tmp_path: Path) -> None:
    with SheetSink(tmp_path / "a.xlsx", "表") as sink:
        sink.write(pl.DataFrame({"a": ["x"] * XLSX_MAX_ROWS}))
        sink.write(pl.DataFrame({"a": ["y", "z"]}))
    assert sink.path == tmp_path / "a.csv"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert sink.path.read_text("utf-8").split() == ["a", *["x"] * XLSX_MAX_ROWS, "y", "z"]


@given(st.integers(-(10**15), 10**15))
def test_money_texts_are_exact(cents: int) -> None:
    text = money(np.array([cents]))[0]
    assert text == f"{Decimal(cents) / 100:.2f}"
