"""What readers hand on: blocks of records as text, the rows that are none, and the limits of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from xinqiao.kernel.errors import fail

LINE = "_line"
Tick = Callable[[int], None]
"""Called with the number of bytes of the file worked off since the last call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost. Sizes in bytes after decompression; ratio = decompressed / compressed."""

    line_bytes: int = 1 << 20
    file_bytes: int = 64 << 30
    ratio: int = 200
    ratio_from_bytes: int = 64 << 20
    columns: int = 1_000
    xlsx_cells: int = 1_000_000
    xlsx_rows: int = 1_048_576
    xlsx_bytes: int = 256 << 20
    xlsx_members: int = 2_000
    block_bytes: int = 8 << 20
    block_rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule a row breaks: where, the rule's id, the value, and the row as text (CSV)."""

    line: int
    column: str
    rule: str
    value: str
    row: str


@dataclass(frozen=True, slots=True)
class Block:
    """Records in file order.

    ``frame`` has one String column per wanted column of the file ("" = empty) and ``_line`` (Int64,
    the 1-based physical line or sheet row a record starts at). ``rejected`` rows are not in it:
    they broke the rules in ``faults`` before they could become records. ``plain``: no text in it
    holds a blank or a control character.
    """

    frame: pl.DataFrame
    faults: tuple[Fault, ...] = ()
    rejected: int = 0
    plain: bool = False

    @property
    def rows(self) -> int:
        """Rows read, whether or not they became records."""
        return self.frame.height + self.rejected


@dataclass(frozen=True, slots=True)
class Header:
    """The file's columns and where those a mapping wants stand."""

    columns: tuple[str, ...]
    wanted: dict[str, int]
    banned: bool = False

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns nobody asked for."""
        return tuple(c for c in self.columns if c not in self.wanted)


def find_columns(cells: Sequence[str], wanted: Sequence[str], limits: Limits, where: str) -> Header:
    """Match a file's header with the columns wanted; blanks around names do not count.

    Raises UserError SRC-COLUMNS (too many), SRC-HEADER (missing), SRC-HEADER-TWICE.
    """
    if len(cells) > limits.columns:
        fail("SRC-COLUMNS", where, found=len(cells), limit=limits.columns)
    names = tuple(cell.strip(" \t\r\n\u3000\ufeff") for cell in cells)
    shown = {"found": ", ".join(names)[:2_000], "wanted": ", ".join(wanted)}
    if missing := [name for name in wanted if name not in names]:
        fail("SRC-HEADER", where, missing=", ".join(missing), **shown)
    if twice := [name for name in wanted if names.count(name) > 1]:
        fail("SRC-HEADER-TWICE", where, twice=", ".join(twice), **shown)
    return Header(names, {name: names.index(name) for name in wanted})


def row_text(cells: Sequence[str]) -> str:
    """The cells as one CSV record, without a line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def frame_of(wanted: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]) -> pl.DataFrame:
    """A block's frame from rows of cells in the order of ``wanted``."""
    columns = zip(*rows, strict=True) if rows else [()] * len(wanted)
    data = {
        name: pl.Series(name, list(cells), dtype=pl.String)
        for name, cells in zip(wanted, columns, strict=True)
    }
    return pl.DataFrame({**data, LINE: pl.Series(LINE, list(lines), dtype=pl.Int64)})
