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


class Sink(Protocol):
    """A table being written in pieces."""

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
    """Parquet, one row group a piece."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writer: pq.ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.part, table.schema, compression="zstd")
        self.writer.write_table(table)

    def close(self) -> None:
        """Write the footer."""
        if self.writer is not None:
            self.writer.close()


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a small table: CSV or Parquet by its name."""
    sink: Sink = ParquetSink(path) if path.suffix == ".parquet" else CsvSink(path)
    with sink:
        sink.write(frame)


def write_sheet(path: Path, frame: pl.DataFrame, sheet: str) -> Path:
    """Write XLSX, or CSV beside it when the table is too long for a spreadsheet; return the path used."""
    if len(frame) > XLSX_MAX_ROWS:
        path = path.with_suffix(".csv")
        write_table(path, frame)
        return path
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append(frame.columns)
    for row in frame.iter_rows():
        page.append(row)
    raw = io.BytesIO()
    book.save(raw)
    with _Atomic(path) as file:
        file.part.write_bytes(_timeless(raw))
    return path


def _timeless(raw: io.BytesIO) -> bytes:
    """The same workbook without the time it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, CHANGED.sub(b"", source.read(name)))
    return out.getvalue()
