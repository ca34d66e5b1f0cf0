"""XLSX sheets in blocks of text rows, after the ZIP has been looked at from outside.

Cells become the text a CSV export would hold: numbers without trailing zeros (15 significant digits,
as Excel shows), dates as ISO. A wanted cell that is a formula has no known value: its row is rejected.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from xinqiao.kernel.errors import fail, user_error
from xinqiao.source.block import Block, Fault, Header, Limits, find_columns, frame_of, row_text
from xinqiao.source.scan import Opened

_DAMAGED = (
    zipfile.BadZipFile,
    InvalidFileException,
    DefusedXmlException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
_DAMAGED_DETAIL_CHARS = 200


def check_zip(handle: BinaryIO, limits: Limits, where: str) -> None:
    """Refuse a ZIP by its directory: too many members, too large, packed too tightly, not a workbook.

    Raises UserError SRC-XLSX, SRC-XLSX-LIMIT, SRC-BOMB.
    """
    handle.seek(0)
    try:
        members = zipfile.ZipFile(handle).infolist()
    except _DAMAGED as error:
        raise user_error("SRC-XLSX", where, detail=str(error)) from error
    if len(members) > limits.xlsx_members:
        fail("SRC-XLSX-LIMIT", where, detail=f"{len(members):,} > {limits.xlsx_members:,} (ZIP)")
    if "[Content_Types].xml" not in {member.filename for member in members}:
        fail("SRC-XLSX", where, detail="ZIP, no workbook / 不是工作簿")
    total, packed = (
        sum(sizes) for sizes in zip(*((m.file_size, m.compress_size) for m in members), strict=True)
    )
    if total > limits.xlsx_bytes:
        fail("SRC-XLSX-LIMIT", where, detail=f"{total:,} > {limits.xlsx_bytes:,} bytes")
    if total > limits.ratio_from_bytes and total > limits.ratio * max(packed, 1):
        fail("SRC-BOMB", where, ratio=limits.ratio)


class XlsxReader:
    """Reads one sheet; iterate ``blocks()`` once."""

    def __init__(self, file: Opened, sheet: str | None, wanted: tuple[str, ...]) -> None:
        handle, limits, where = file.handle, file.limits, file.where
        check_zip(handle, limits, where)
        handle.seek(0)
        self._limits, self._where = limits, where
        self._rows = self._guarded(self._open(handle, sheet))
        first = next(((line, row) for line, row in self._rows if _filled(row)), None)
        if first is None:
            fail("SRC-EMPTY", where)
        cells = [_text(cell.value) for cell in first[1]]
        while cells and not cells[-1]:
            cells.pop()
        self.header: Header = find_columns(cells, wanted, limits, f"{where}:{first[0]}")

    def blocks(self) -> Iterator[Block]:
        """The rows below the header that hold anything."""
        rows: list[list[str]] = []
        lines: list[int] = []
        faults: list[Fault] = []
        rejected = 0
        for line, row in self._rows:
            if not _filled(row):
                continue
            found = self._cells(line, row)
            if isinstance(found[0], Fault):
                faults += [fault for fault in found if isinstance(fault, Fault)]
                rejected += 1
            else:
                rows.append([cell for cell in found if isinstance(cell, str)])
                lines.append(line)
            if len(rows) + rejected >= self._limits.block_rows:
                yield Block(frame_of(list(self.header.wanted), rows, lines), tuple(faults), rejected)
                rows, lines, faults, rejected = [], [], [], 0
        yield Block(frame_of(list(self.header.wanted), rows, lines), tuple(faults), rejected)

    def _cells(self, line: int, row: Sequence[Any]) -> Sequence[str | Fault]:
        """The wanted cells as text, or a fault for each that has no value."""
        places = self.header.wanted.items()
        cells = [(name, row[place] if place < len(row) else None) for name, place in places]
        texts = [_text(cell.value) if cell is not None else "" for _, cell in cells]
        rules = {"f": "formula", "e": "cell_error"}
        return [
            Fault(line, name, rules[cell.data_type], _text(cell.value), row_text(texts))
            for name, cell in cells
            if cell is not None and cell.value is not None and cell.data_type in rules
        ] or texts

    def _open(self, handle: BinaryIO, sheet: str | None) -> Iterator[Sequence[Any]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions we don't read
            try:
                book = openpyxl.load_workbook(handle, read_only=True, data_only=False, keep_links=False)
            except _DAMAGED as error:
                raise user_error("SRC-XLSX", self._where, detail=_short(error)) from error
        if sheet is not None and sheet not in book.sheetnames:
            fail("SRC-SHEET", self._where, sheet=sheet, found=", ".join(book.sheetnames))
        page = book[sheet] if sheet is not None else book.worksheets[0]
        page.reset_dimensions()  # the size a file claims is not to be believed
        return iter(page.iter_rows())

    def _guarded(self, rows: Iterator[Sequence[Any]]) -> Iterator[tuple[int, Sequence[Any]]]:
        line = cells = 0
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    row = next(rows, None)
            except _DAMAGED as error:
                raise user_error("SRC-XLSX", f"{self._where}:{line + 1}", detail=_short(error)) from error
            if row is None:
                return
            line, cells = line + 1, cells + len(row)
            if cells > self._limits.xlsx_cells or line > self._limits.xlsx_rows:
                limits = f"> {self._limits.xlsx_cells:,} 单元格 cells / {self._limits.xlsx_rows:,} 行 rows"
                fail("SRC-XLSX-LIMIT", f"{self._where}:{line}", detail=limits)
            if len(row) > self._limits.columns:
                fail("SRC-COLUMNS", f"{self._where}:{line}", found=len(row), limit=self._limits.columns)
            yield line, row


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_DAMAGED_DETAIL_CHARS]


def _filled(row: Sequence[Any]) -> bool:
    return any(cell.value is not None for cell in row)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"  # noqa: PLR2004 - 15 digits are exact
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
