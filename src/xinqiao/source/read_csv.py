"""CSV, plain or gzip, in blocks: Polars' parser where lines are records, the csv module elsewhere.

A block without quotes, without undecodable lines and in which every line is one well-formed record goes
through Polars. Any other block goes line by line through ``csv``, which knows exactly on which line
a record starts; a record that runs over the end of a block simply takes lines from the next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

from xinqiao.kernel.errors import fail, user_error
from xinqiao.source.block import LINE, Block, Fault, Header, find_columns, frame_of
from xinqiao.source.forbidden import forbidden_reason
from xinqiao.source.parse import BLANKS
from xinqiao.source.scan import UTF8_BOM, Opened, Scanned, blocks, has_lone_return

_BAD_LINES_PER = 100  # at most one undecodable line in so many
_SHOWN_CHARS = 4_000
_UNPLAIN = tuple(c.encode() for c in ("\x7f", *BLANKS) if c > " ")


class CsvReader:
    """Reads one scanned CSV file; iterate ``blocks()`` once."""

    def __init__(self, file: Opened, scanned: Scanned, wanted: tuple[str, ...], delimiter: str) -> None:
        limits = self._limits = file.limits
        csv.field_size_limit(max(csv.field_size_limit(), 2 * limits.line_bytes))  # _pull stops earlier
        self._where, self._delimiter = file.where, delimiter
        self._encoding, self._clean, self._wanted = scanned.encoding, scanned.clean, wanted
        self._raw: Iterator[bytes] = blocks(file)
        self._queue: deque[tuple[int, str]] = deque()
        self._queued = (1, b"")
        self._next_line = self._start = 1
        self._last_line = 0
        self._broken: list[tuple[int, bytes]] = []
        self._broken_lines = 0
        self._taken: list[str] = []
        self._taken_chars = 0
        self._csv = csv.reader(self._pull(), delimiter=delimiter, strict=True)
        self.header = self._read_header()
        self._rest = self._below_header()

    def blocks(self) -> Iterator[Block]:
        """The records below the header; raises UserError SRC-QUOTE, SRC-ENCODING."""
        for data in chain([self._rest], self._raw):
            if not data:
                continue
            first, text, whole = self._decode(data)
            block = self._at_once(text, first) if whole else None
            if block is None:
                self._enqueue(first, data)
                block = self._by_line()
            yield block
        if self._broken_lines * _BAD_LINES_PER >= self._next_line:
            fail("SRC-ENCODING", self._where, tried="utf-8, gb18030")

    def _read_header(self) -> Header:
        data = next(self._raw, b"").removeprefix(UTF8_BOM)
        first_line = data.find(b"\n") + 1 or len(data)
        self._raw = chain([data[first_line:]], self._raw)
        self._enqueue(1, data[:first_line])
        try:
            cells = next(row for row in self._csv if row)
        except (csv.Error, StopIteration) as error:
            code = "SRC-ENCODING" if self._broken else "SRC-HEADER-BAD"
            raise user_error(code, f"{self._where}:1", detail=str(error), tried="utf-8, gb18030") from error
        if self._broken and self._broken[0][0] <= self._last_line:
            fail("SRC-ENCODING", f"{self._where}:{self._broken[0][0]}", tried="utf-8, gb18030")
        header = find_columns(cells, self._wanted, self._limits, f"{self._where}:1")
        banned = any(forbidden_reason(name) for name in header.columns)
        return Header(header.columns, header.wanted, banned)

    def _below_header(self) -> bytes:
        """What follows the header in the block it ended in, so that it is read like any other block."""
        first, data = self._queued
        self._queue.clear()
        self._broken.clear()
        self._next_line = self._last_line + 1
        pieces = data.split(b"\n", self._next_line - first)
        return pieces[-1] if len(pieces) > self._next_line - first else b""

    def _decode(self, data: bytes) -> tuple[int, bytes, bool]:
        """First line number, the block in UTF-8, and whether all of it decodes."""
        first = self._next_line
        if self._clean:
            return first, data, True
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError:
            return first, data, False
        return first, data if self._encoding == "utf-8" else text.encode(), True

    def _at_once(self, data: bytes, first: int) -> Block | None:
        """The block if every line is one record, else None."""
        if b'"' in data or has_lone_return(data) or data.startswith(UTF8_BOM):
            return None
        codes = np.frombuffer(data, dtype=np.uint8)
        ends = int(np.count_nonzero(codes == ord("\n")))
        lines = ends + (not data.endswith(b"\n"))
        read = self._parse(data)
        if read is None or read.height != lines or not self._regular(codes, lines, read):
            return None
        read = read.select(pl.col(str(place)).alias(name) for name, place in self.header.wanted.items())
        self._next_line = first + lines
        numbers = pl.int_range(first, first + lines, dtype=pl.Int64, eager=True).alias(LINE)
        plain = int(np.count_nonzero(codes <= ord(" "))) == ends and not any(
            c[:1] in data and c in data  # one byte is found much faster than several
            for c in _UNPLAIN
        )
        return Block(read.with_columns(numbers), plain=plain)

    def _regular(self, codes: npt.NDArray[np.uint8], lines: int, read: pl.DataFrame) -> bool:
        """Whether every line has as many cells as the header; Polars does not always say.

        The delimiters of the block must be as many as its lines need. Then a line with too many comes
        with one with too few, which Polars fills up with empty cells: without any in the last
        column there is none. Else every so-many-th of delimiters and line ends must be a line end.
        """
        delimiter, width = ord(self._delimiter), len(self.header.columns)
        if width == 1 or np.count_nonzero(codes == delimiter) != lines * (width - 1):
            return False
        if not (read[:, -1] == "").any():
            return True
        ends = np.flatnonzero((codes == delimiter) | (codes == ord("\n")))[width - 1 :: width]
        return bool((codes[ends] == ord("\n")).all())

    def _parse(self, data: bytes) -> pl.DataFrame | None:
        names = [str(place) for place in range(len(self.header.columns))]
        try:
            return pl.read_csv(
                data,
                has_header=False,
                schema=dict.fromkeys(names, pl.String),
                separator=self._delimiter,
                quote_char=None,
                empty_string_is_null=False,
            ).rechunk()
        except pl.exceptions.PolarsError:
            return None

    def _enqueue(self, first: int, data: bytes) -> None:
        self._queued = (first, data)
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for number, raw in enumerate(lines, first):
            try:
                self._queue.append((number, raw.decode(self._encoding) + "\n"))
            except UnicodeDecodeError:
                self._broken.append((number, raw))
        self._next_line = first + len(lines)

    def _pull(self) -> Iterator[str]:
        """Lines for the csv module: the queue's, and inside a quoted field those of the next block."""
        while True:
            while not self._queue:
                data = next(self._raw, None)
                if data is None:
                    return
                self._enqueue(self._next_line, data)
            self._last_line, line = self._queue.popleft()
            self._taken.append(line)
            self._taken_chars += len(line)
            if self._taken_chars > self._limits.line_bytes:
                fail("SRC-QUOTE", f"{self._where}:{self._start}", limit=f"{self._limits.line_bytes:,}")
            yield line

    def _by_line(self) -> Block:
        rows: list[list[str]] = []
        lines: list[int] = []
        faults: list[Fault] = []
        width, places = len(self.header.columns), list(self.header.wanted.values())
        while self._queue:
            start = self._queue[0][0]
            row, rule = self._record(start)
            if rule is None and row and len(row) != width:
                rule = "ragged"
            if rule is not None:
                faults.append(self._fault(start, rule, f"{len(row)} / {width}", "".join(self._taken)))
            elif row:
                rows.append([row[place] for place in places])
                lines.append(start)
        for number, raw in self._broken:
            shown = raw.decode(self._encoding, errors="backslashreplace")
            faults.append(self._fault(number, "undecodable", "", shown))
        self._broken_lines += len(self._broken)
        self._broken.clear()
        frame = frame_of(list(self.header.wanted), rows, lines)
        return Block(frame, tuple(sorted(faults, key=lambda f: f.line)), len(faults))

    def _record(self, start: int) -> tuple[list[str], str | None]:
        """The next record, or the rule its lines break."""
        self._taken.clear()
        self._taken_chars, self._start = 0, start
        try:
            return next(self._csv), None
        except csv.Error:
            return [], "malformed"

    def _fault(self, line: int, rule: str, value: str, raw: str) -> Fault:
        shown = "" if self.header.banned else raw.rstrip("\r\n")[:_SHOWN_CHARS]
        return Fault(line, "", rule, value, shown)
