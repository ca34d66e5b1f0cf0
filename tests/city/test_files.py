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

from xinqiao.city.files import PIECE, CsvSink, write_sheet
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


def test_sheets_carry_no_time(tmp_path: Path) -> None:
    paths = [write_sheet(tmp_path / name, FRAME, "表") for name in ("a.xlsx", "b.xlsx")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    page = openpyxl.load_workbook(paths[0])["表"]
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["名称", "值"],
        ["甲", "1"],
        ["乙,丙", "2"],
        [None, "3"],
    ]


def test_tables_too_long_for_a_sheet_become_csv(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "a.xlsx", pl.DataFrame({"a": ["x"] * 50_001}), "表")
    assert path.name == "a.csv"
    assert not (tmp_path / "a.xlsx").exists()


@given(st.integers(-(10**15), 10**15))
def test_money_texts_are_exact(cents: int) -> None:
    text = money(np.array([cents]))[0]
    assert text == f"{Decimal(cents) / 100:.2f}"
