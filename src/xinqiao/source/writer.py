"""Writing one file's records and quarantine into staging, with bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.kernel.text import Text
from xinqiao.source.block import LINE, Fault
from xinqiao.source.contract import Contract
from xinqiao.source.lake import DataFile

_GROUP_ROWS = 128 * 1024
_HELD_ROWS = 1024 * 1024
_BUCKETS = 64
_HELD_KEYS = 512 * 1024
_REPEATING_TYPES = ("enum", "date", "time")
"""Types worth a Parquet dictionary; one of nearly distinct ids or sums costs time and makes files larger."""
_NO_YEAR = 0
_YEAR = "_year"
_QUARANTINE_COLUMNS = ("file", "line", "column", "rule", "reason_zh", "reason_en", "value", "raw row")
_FORMULA_STARTS = ("=", "@", "+", "\t", "\r")
_VALUE_CHARS = 1_000


class PartitionedWriter:
    """Appends records to one Parquet file a partition (partition fields and year of the event)."""

    def __init__(self, contract: Contract, file_id: str, folder: Path) -> None:
        self._contract, self._file_id, self._folder = contract, file_id, folder
        self._schema = contract.schema
        kinds = contract.fields.items()
        self._repeating = [name for name, kind in kinds if kind.type in _REPEATING_TYPES]
        self._repeating += [contract.company, "_file"]
        self._measured = [contract.company, contract.event, contract.known]
        self._held: dict[str, list[pl.DataFrame]] = {}
        self._rows: dict[str, int] = {}
        self._held_rows = 0
        self._writers: dict[str, pq.ParquetWriter] = {}

    def append(self, frame: pl.DataFrame) -> None:
        """Add typed records in file order."""
        if not frame.height:
            return
        year = pl.col(self._contract.event).dt.year().fill_null(_NO_YEAR).alias(_YEAR)
        keys = [*self._contract.partition, _YEAR]
        parts = frame.with_columns(year).partition_by(keys, as_dict=True, maintain_order=True)
        for values, part in parts.items():
            named = zip(self._contract.partition, values[:-1], strict=True)
            folders = [*(f"{name}={value}" for name, value in named), f"year={values[-1]:04d}"]
            self._hold("/".join(folders), part.drop(_YEAR))
        if self._held_rows > _HELD_ROWS:
            self._flush_all()

    def close(self) -> tuple[DataFile, ...]:
        """Finish all files; their paths are those they will have in the lake."""
        self._flush_all()
        for writer in self._writers.values():
            writer.close()
        return tuple(
            DataFile(path=path, rows=rows, size=(self._folder / path).stat().st_size)
            for path, rows in ((self._path(key), rows) for key, rows in sorted(self._rows.items()))
        )

    def _path(self, key: str) -> str:
        return f"data/{self._contract.id}/{key}/{self._file_id}-0.parquet"

    def _hold(self, key: str, part: pl.DataFrame) -> None:
        held = self._held.setdefault(key, [])
        held.append(part)
        self._held_rows += part.height
        if sum(frame.height for frame in held) >= _GROUP_ROWS:
            self._flush(key)

    def _flush_all(self) -> None:
        for key in sorted(self._held):
            self._flush(key)

    def _flush(self, key: str) -> None:
        part = pl.concat(self._held.pop(key))
        self._held_rows -= part.height
        self._rows[key] = self._rows.get(key, 0) + part.height
        if key not in self._writers:
            path = self._folder / self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[key] = pq.ParquetWriter(
                path,
                self._schema,
                compression="zstd",
                compression_level=1,
                version="2.6",
                use_dictionary=self._repeating,
                write_statistics=self._measured,
                column_encoding={LINE: "DELTA_BINARY_PACKED"},
            )
        self._writers[key].write_table(self._table(part), row_group_size=_GROUP_ROWS)

    def _table(self, part: pl.DataFrame) -> pa.Table:
        marked = part.select(*self._contract.fields, pl.lit(self._file_id).alias("_file"), pl.col(LINE))
        return marked.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema)


class QuarantineWriter:
    """Appends faults to a CSV; texts that a spreadsheet would run as formulas get an apostrophe."""

    def __init__(self, path: Path, file_name: str) -> None:
        self._path, self._file_name = path, file_name
        self.lines = 0

    def append(self, faults: Sequence[tuple[Fault, Text]]) -> None:
        """Add one line a fault, in the order given; the texts are the rules' names."""
        if not faults:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            if not self.lines:
                writer.writerow(_QUARANTINE_COLUMNS)
            for fault, name in faults:
                reason = (fault.rule, name.zh, name.en)
                value, row = _harmless(fault.value[:_VALUE_CHARS]), _harmless(fault.row)
                writer.writerow((self._file_name, fault.line, fault.column, *reason, value, row))
        self.lines += len(faults)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class RepeatCounter:
    """Counts rows whose key occurs more than once, on disk: 64-bit hashes in buckets.

    Two of n keys share a hash with probability n^2 / 2^65: 1e-5 at 20 million.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[npt.NDArray[np.uint64]] = []
        self._held_keys = 0
        self._paths = [folder / f"{i:02d}.hash" for i in range(_BUCKETS)]

    def append(self, frame: pl.DataFrame, fields: Sequence[str]) -> None:
        """Add the keys of some rows."""
        self._held.append(frame.select(fields).hash_rows(seed=0).to_numpy())
        self._held_keys += frame.height
        if self._held_keys >= _HELD_KEYS:
            self._flush()

    def _flush(self) -> None:
        if not self._held_keys:
            return
        hashes = np.sort(np.concatenate(self._held))
        self._held, self._held_keys = [], 0
        edges = np.arange(1, _BUCKETS, dtype=np.uint64) << np.uint64(58)
        self._folder.mkdir(parents=True, exist_ok=True)
        for path, part in zip(self._paths, np.split(hashes, np.searchsorted(hashes, edges)), strict=True):
            if len(part):
                with path.open("ab") as out:
                    out.write(part.tobytes())

    def rows(self) -> int:
        """Rows whose key another row has too."""
        self._flush()
        total = 0
        for path in self._paths:
            if path.exists():
                _, counts = np.unique(np.fromfile(path, dtype=np.uint64), return_counts=True)
                total += int(counts[counts > 1].sum())
                path.unlink()
        return total
