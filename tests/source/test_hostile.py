"""Hostile and broken files: a clear error in both languages, and the lake as it was."""

from __future__ import annotations

import csv
import gzip
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.source.conftest import HEADER, ROW, SMALL, ingest_into, quarantine_of, rows_of, tree_of
from xinqiao.kernel.errors import UserError
from xinqiao.source.block import Limits

TEXT = f"{HEADER}\n{ROW}\n".encode()


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., UserError]:
    """Ingests into a lake that holds one good file, and expects an error that changes nothing."""
    root = tmp_path / "lake"
    good = tmp_path / "good.csv"
    good.write_bytes(TEXT)
    ingest_into(good, root)
    before = tree_of(root)

    def ingest(content: bytes | Path, limits: Limits = SMALL) -> UserError:
        path = content if isinstance(content, Path) else tmp_path / "bad.csv"
        if isinstance(content, bytes):
            path.write_bytes(content)
        with pytest.raises(UserError) as error:
            ingest_into(path, root, limits)
        assert tree_of(root) == before
        assert error.value.what.zh != error.value.what.en
        assert error.value.where.startswith(path.name)
        return error.value

    return ingest


def test_gzip_bomb(refused: Callable[..., UserError]) -> None:
    assert (
        refused(gzip.compress(TEXT + ROW.encode() * 3 + (ROW.encode() + b"\n") * 100_000)).code == "SRC-BOMB"
    )


def test_gzip_cut_off_at_any_place(refused: Callable[..., UserError]) -> None:
    packed = gzip.compress(TEXT * 50)
    for keep in (2, 10, len(packed) // 2, len(packed) - 8, len(packed) - 1):
        assert refused(packed[:keep]).code == "SRC-GZIP"


def test_gzip_with_a_wrong_checksum(refused: Callable[..., UserError]) -> None:
    packed = bytearray(gzip.compress(TEXT * 50))
    packed[-8] ^= 1
    assert refused(bytes(packed)).code == "SRC-GZIP"


def test_gzip_followed_by_rubbish(refused: Callable[..., UserError]) -> None:
    assert refused(gzip.compress(TEXT) + b"rubbish").code == "SRC-GZIP"


def test_too_large(refused: Callable[..., UserError]) -> None:
    assert refused(TEXT * 100, replace(SMALL, file_bytes=1000)).code == "SRC-TOO-LARGE"


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_ten_megabytes(refused: Callable[..., UserError], packed: bool) -> None:  # noqa: FBT001 - parametrised
    content = TEXT + os.urandom(5 << 20).hex().encode() + b"\n" + ROW.encode()
    error = refused(gzip.compress(content, 1) if packed else content)
    assert (error.code, error.where) == ("SRC-LINE", "bad.csv:3")


def test_a_quote_never_closed(refused: Callable[..., UserError]) -> None:
    content = TEXT + b'E1,"open\n' + (ROW.encode() + b"\n") * 30_000
    error = refused(content)
    assert (error.code, error.where) == ("SRC-QUOTE", "bad.csv:3")


def test_nul_bytes(refused: Callable[..., UserError]) -> None:
    error = refused(TEXT + b"E1,\0,\n")
    assert (error.code, error.where) == ("SRC-NUL", "bad.csv:3")


def test_utf16_and_other_encodings(refused: Callable[..., UserError]) -> None:
    assert refused(TEXT.decode().encode("utf-16")).code == "SRC-ENCODING"
    latin = f"{HEADER}\n".encode() + b"E1,100,2018-01-31,\xff\xff\xfe,1,1,2,x\n" * 5
    assert refused(latin).code == "SRC-ENCODING"
    assert refused(b"\xff\xfa\xff,\xff\xfb\xff\nE1,1\n").code == "SRC-ENCODING"


def test_empty_file(refused: Callable[..., UserError]) -> None:
    assert refused(b"").code == "SRC-EMPTY"
    assert refused(gzip.compress(b"")).code == "SRC-EMPTY"
    assert refused(b"\n\n").code == "SRC-HEADER-BAD"


def test_header_lacks_a_column(refused: Callable[..., UserError]) -> None:
    error = refused(TEXT.replace("税额".encode(), "税金".encode()))
    assert error.code == "SRC-HEADER"
    assert "税金" in error.what.en  # the file's columns are listed
    assert "税额" in error.what.zh  # and those the mapping wants


def test_header_names_a_wanted_column_twice(refused: Callable[..., UserError]) -> None:
    assert refused(TEXT.replace("对手".encode(), "税额".encode()) + b"\n").code == "SRC-HEADER"
    twice = f"{HEADER},税额\n{ROW},1\n".encode()
    assert refused(twice).code == "SRC-HEADER-TWICE"


def test_ten_thousand_columns(refused: Callable[..., UserError]) -> None:
    names = ",".join(f"c{i}" for i in range(10_000))
    assert refused(f"{HEADER},{names}\n".encode()).code == "SRC-COLUMNS"


def test_not_an_ordinary_file(refused: Callable[..., UserError], tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "good.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("folder.csv", "link.csv", "pipe.csv", "absent.csv"):
        assert refused(tmp_path / name).code == "SRC-NOT-A-FILE"


def test_old_excel(refused: Callable[..., UserError]) -> None:
    assert refused(b"\xd0\xcf\x11\xe0" + bytes(512)).code == "SRC-FORMAT"


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr] # a new workbook has an active sheet
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one member changed."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == part else data)
    return out.getvalue()


GOOD_SHEET = workbook([HEADER.split(","), ROW.split(",")])
SHEET = "xl/worksheets/sheet1.xml"


def test_zip_bomb(refused: Callable[..., UserError]) -> None:
    assert refused(repacked(GOOD_SHEET, SHEET, lambda x: x + b" " * (4 << 20))).code == "SRC-BOMB"


def test_zip_of_very_many_members(refused: Callable[..., UserError]) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for i in range(3_000):
            new.writestr(str(i), b"")
    assert refused(out.getvalue()).code == "SRC-XLSX-LIMIT"


def test_zip_that_is_no_workbook(refused: Callable[..., UserError]) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        new.writestr("data.csv", TEXT)
    assert refused(out.getvalue()).code == "SRC-XLSX"
    assert refused(GOOD_SHEET[: len(GOOD_SHEET) // 2]).code == "SRC-XLSX"
    assert refused(repacked(GOOD_SHEET, SHEET, lambda x: x[:300])).code == "SRC-XLSX"


def test_xlsx_of_a_million_cells(refused: Callable[..., UserError]) -> None:
    limits = replace(SMALL, xlsx_cells=1_000)
    error = refused(workbook([HEADER.split(","), *([ROW.split(",")] * 200)]), limits)
    assert error.code == "SRC-XLSX-LIMIT"
    assert "CSV" in error.fix.zh
    assert Limits().xlsx_cells == 1_000_000


def test_xlsx_that_claims_one_far_cell(refused: Callable[..., UserError]) -> None:
    """A sheet of a few bytes that says it goes to column XFD must not cost memory."""
    wide = repacked(GOOD_SHEET, SHEET, lambda x: x.replace(b'r="H2"', b'r="XFD2"'))
    assert refused(wide).code == "SRC-COLUMNS"


def test_xlsx_that_claims_one_row_far_below(refused: Callable[..., UserError]) -> None:
    far = repacked(GOOD_SHEET, SHEET, lambda x: x.replace(b'<row r="2"', b'<row r="999999999999"'))
    assert far != GOOD_SHEET
    assert refused(far, replace(SMALL, xlsx_rows=10_000)).code == "SRC-XLSX-LIMIT"
    assert Limits().xlsx_rows == 2**20  # all a sheet can have


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"])
def test_xml_entities_nested_in_a_workbook(refused: Callable[..., UserError], part: str) -> None:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>'.encode()

    def inject(data: bytes) -> bytes:
        body = data.split(b"?>", 1)[1] if data.startswith(b"<?xml") else data
        return laughs + body.replace(b"</", b"&e9;</", 1)

    assert refused(repacked(GOOD_SHEET, part, inject)).code == "SRC-XLSX"


def test_formula_cells_have_no_known_value(tmp_path: Path) -> None:
    rows = [HEADER.split(","), ROW.split(","), *[ROW.split(",") for _ in range(3)]]
    sheet: list[list[object]] = [list(row) for row in rows]
    sheet[2][4] = "=1+1"
    sheet[3][0] = '=HYPERLINK("http://example.invalid","x")'
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(sheet))
    found = ingest_into(path, tmp_path / "lake").manifest
    assert (found.read, found.kept, found.quarantined) == (4, 2, 2)
    assert quarantine_of(tmp_path / "lake") == [(3, "金额", "formula"), (4, "企业代号", "formula")]
    with next((tmp_path / "lake" / "quarantine").rglob("*.csv")).open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1" in cells  # harmless when the quarantine file is opened in a spreadsheet
    assert not any(cell.startswith("=") for cell in cells)


def test_damaged_and_nested_parquet(refused: Callable[..., UserError], tmp_path: Path) -> None:
    assert refused(b"PAR1" + b"x" * 100).code == "SRC-PARQUET"
    names = HEADER.split(",")
    table = pa.table({name: [[1]] if name == "金额" else ["1"] for name in names})
    pq.write_table(table, tmp_path / "nested.parquet")
    assert refused(tmp_path / "nested.parquet").code == "SRC-NESTED"


def test_a_forbidden_column_of_a_file_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER},法人血型\n{ROW},AB-型\n{ROW}\n{ROW},AB-型,x\nE1,,,,,,,,AB-型\n", "utf-8")
    found = ingest_into(path, tmp_path / "lake").manifest
    assert (found.read, found.kept) == (4, 1)
    assert "法人血型" in found.ignored_columns
    assert not any("AB-型".encode() in data for data in tree_of(tmp_path / "lake").values())
    assert rows_of(tmp_path / "lake").height == 1
