"""Writing delivered files: same content, same bytes, and never half a file under its final name."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import openpyxl
import polars as pl
import pyarrow.parquet as pq

PIECE = 1 << 20  # the compressor is always fed pieces of this size, however rows arrive
GZIP = 16 + zlib.MAX_WBITS  # a gzip header without name and time
CHANGED = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")
XLSX_MAX_ROWS = 50_000
GROUP_ROWS = 1 << 17


class Sink(Protocol):
    """A table being written in pieces; ``path`` is where it stands in the end."""

    path: Path

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; the columns are those of the first piece."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Atomic:
    """A file that takes its name when complete and leaves nothing when writing fails."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self.part.replace(self.path)
        else:
            self.part.unlink(missing_ok=True)

    def close(self) -> None:
        """End the file."""


class CsvSink(_Atomic):
    """CSV in ``encoding``; gzip when the name ends in ``.gz``."""

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        super().__init__(path)
        self.encoding = encoding
        self.file = self.part.open("wb")
        self.packer = zlib.compressobj(6, zlib.DEFLATED, GZIP) if path.suffix == ".gz" else None
        self.waiting = bytearray()
        self.begun = False

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        text = frame.write_csv(include_header=not self.begun)
        self.begun = True
        data = text.encode(self.encoding)
        if self.packer is None:
            self.file.write(data)
            return
        self.waiting += data
        whole = len(self.waiting) // PIECE * PIECE
        for at in range(0, whole, PIECE):
            self.file.write(self.packer.compress(self.waiting[at : at + PIECE]))
        del self.waiting[:whole]

    def close(self) -> None:
        """Write what waits and close."""
        if self.packer is not None:
            self.file.write(self.packer.compress(bytes(self.waiting)) + self.packer.flush())
        self.file.close()


class ParquetSink(_Atomic):
    """Parquet in row groups of one size, however rows arrive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writer: pq.ParquetWriter | None = None
        self.waiting: list[pl.DataFrame] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        self.waiting.append(frame)
        if sum(map(len, self.waiting)) >= GROUP_ROWS:
            rows = pl.concat(self.waiting)
            whole = len(rows) // GROUP_ROWS * GROUP_ROWS
            for at in range(0, whole, GROUP_ROWS):
                self._group(rows[at : at + GROUP_ROWS])
            self.waiting = [rows[whole:]]

    def _group(self, frame: pl.DataFrame) -> None:
        table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.part, table.schema, compression="zstd")
        self.writer.write_table(table)

    def close(self) -> None:
        """Write the last rows and the footer."""
        rows = pl.concat(self.waiting) if self.waiting else pl.DataFrame()
        if self.writer is None or len(rows):
            self._group(rows)
        if self.writer is not None:
            self.writer.close()


class SheetSink:
    """XLSX, or CSV beside it once the table is too long for a spreadsheet."""

    def __init__(self, path: Path, sheet: str) -> None:
        self.path = path
        self.sheet = sheet
        self.waiting: list[pl.DataFrame] = []
        self.long: CsvSink | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        if self.long is not None:
            self.long.write(frame)
            return
        self.waiting.append(frame)
        if sum(map(len, self.waiting)) > XLSX_MAX_ROWS:
            self.path = self.path.with_suffix(".csv")
            self.long = CsvSink(self.path)
            self.long.write(pl.concat(self.waiting))
            self.waiting = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.long is not None:
            self.long.__exit__(kind, error, trace)
        elif kind is None:
            _write_book(self.path, pl.concat(self.waiting), self.sheet)


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a small table: CSV or Parquet by its name."""
    sink: Sink = ParquetSink(path) if path.suffix == ".parquet" else CsvSink(path)
    with sink:
        sink.write(frame)


def _write_book(path: Path, frame: pl.DataFrame, sheet: str) -> None:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append(frame.columns)
    for row in frame.iter_rows():
        page.append(row)
    raw = io.BytesIO()
    book.save(raw)
    with _Atomic(path) as file:
        file.part.write_bytes(_timeless(raw))


def _timeless(raw: io.BytesIO) -> bytes:
    """The same workbook without the time it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, CHANGED.sub(b"", source.read(name)))
    return out.getvalue()
