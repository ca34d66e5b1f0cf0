"""Cells of sheets and Parquet columns become the texts a CSV export would hold."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.source.conftest import SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.source.block import Block
from xinqiao.source.read_parquet import ParquetReader
from xinqiao.source.read_xlsx import XlsxReader
from xinqiao.source.scan import Opened


def texts(found: list[Block]) -> list[tuple[object, ...]]:
    return [row for block in found for row in block.frame.iter_rows()]


def test_cells_of_a_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.create_sheet("数据", 0)
    values = [
        943.4,
        0.1 + 0.2,
        1e15,
        3.0,
        7,
        True,
        " x ",
        date(2018, 1, 31),
        datetime(2018, 1, 31, 9, 5),  # noqa: DTZ001 - a sheet's times have no zone
        time(9, 5),
    ]
    page.append([])
    page.append(["b", " a "])
    for value in values:
        page.append([None, value])
    page.append([])
    page.append(["only b"])
    book.save(tmp_path / "a.xlsx")
    with (tmp_path / "a.xlsx").open("rb") as handle:
        file = Opened(handle, "zip", "a.xlsx", SMALL, lambda _: None)
        found = texts(list(XlsxReader(file, "数据", ("a",)).blocks()))
        with pytest.raises(UserError, match=r"SRC-SHEET.*数据"):
            XlsxReader(file, "data", ("a",))
    shown = [
        "943.4",
        "0.3",
        "1000000000000000",
        "3",
        "7",
        "true",
        " x ",
        "2018-01-31",
        "2018-01-31 09:05:00",
        "09:05:00",
    ]
    assert found == [*((text, line) for line, text in enumerate(shown, 3)), ("", 14)]


def test_columns_of_parquet(tmp_path: Path) -> None:
    columns = {
        "float": [943.4, None],
        "decimal": pa.array([Decimal("1.50"), None]),
        "day": [date(2018, 1, 31), None],
        "midnight": pa.array([datetime(2018, 1, 31), None], pa.timestamp("us")),  # noqa: DTZ001 - no zone stored
        "moment": pa.array([datetime(2018, 1, 31, 9, 5), None], pa.timestamp("ns")),  # noqa: DTZ001 - no zone stored
        "word": pa.array(["x", None]).dictionary_encode(),
        "whole": pa.array([2**60, None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with (tmp_path / "a.parquet").open("rb") as handle:
        file = Opened(handle, "parquet", "a.parquet", SMALL, lambda _: None)
        found = texts(list(ParquetReader(file, tuple(columns)).blocks()))
    first = ("943.4", "1.50", "2018-01-31", "2018-01-31", "2018-01-31 09:05:00", "x", str(2**60), 1)
    assert found == [first, ("",) * 7 + (2,)]
