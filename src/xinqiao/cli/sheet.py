"""A CSV file of somebody else's, whole: its columns, its records as text, and the lines that are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.source.block import LINE, Fault, Limits
from xinqiao.source.read_csv import CsvReader
from xinqiao.source.scan import Opened, file_kind, open_file, scan


@dataclass(frozen=True, slots=True)
class Sheet:
    """``frame``: String ``columns`` and ``_line`` (Int64); ``faults``: lines that are no record."""

    columns: tuple[str, ...]
    frame: pl.DataFrame
    faults: tuple[Fault, ...]


def read_sheet(path: Path) -> Sheet:
    """Read a CSV file (UTF-8 or GB18030, gzip too). Raises UserError SRC-*, ENT-COLUMN-TAKEN."""
    with _opened(path) as file:
        scanned = scan(file)
        columns = CsvReader(file, scanned, (), ",").header.columns
        if LINE in columns:  # its values would give way to the numbers of lines
            fail("ENT-COLUMN-TAKEN", path.name, columns=LINE)
        reader = CsvReader(file, scanned, columns, ",")
        blocks = list(reader.blocks())
    empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"_line": pl.Int64})
    frame = pl.concat([empty, *(block.frame for block in blocks)])
    return Sheet(columns, frame, tuple(fault for block in blocks for fault in block.faults))


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    with open_file(path) as handle:
        kind = file_kind(handle, path.name)
        if kind not in {"text", "gzip"}:
            fail("SRC-FORMAT", path.name, found=kind)
        yield Opened(handle, kind, path.name, Limits(), lambda _: None)


def write_sheet(path: Path, frame: pl.DataFrame) -> None:
    """Write ``frame`` as CSV (UTF-8), whole or not at all."""
    write_whole(path, frame.write_csv(line_terminator="\n").encode())
