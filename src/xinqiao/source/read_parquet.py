"""Parquet files in blocks of text rows, so that one conversion serves every format."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.kernel.errors import fail, user_error
from xinqiao.source.block import LINE, Block, Header, find_columns
from xinqiao.source.scan import Opened

_SHORT_CHARS = 200


class ParquetReader:
    """Reads the wanted columns of one file; iterate ``blocks()`` once. Lines count rows from 1."""

    def __init__(self, file: Opened, wanted: tuple[str, ...]) -> None:
        handle, where = file.handle, file.where
        handle.seek(0)
        self._limits, self._where = file.limits, where
        try:
            self._file = pq.ParquetFile(handle, thrift_string_size_limit=1 << 24)
            names = self._file.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise user_error("SRC-PARQUET", where, detail=str(error)[:_SHORT_CHARS]) from error
        self.header: Header = find_columns(names, wanted, file.limits, where)
        self._check()

    def _check(self) -> None:
        schema = self._file.schema_arrow
        for name, place in self.header.wanted.items():
            kind = schema.field(place).type
            if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
                fail("SRC-NESTED", self._where, column=name, type=str(kind))
        about = self._file.metadata
        total = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if total > self._limits.file_bytes:
            fail("SRC-TOO-LARGE", self._where, limit=f"{self._limits.file_bytes:,}")

    def blocks(self) -> Iterator[Block]:
        """The rows in blocks; raises UserError SRC-PARQUET when the file is damaged."""
        schema = self._file.schema_arrow
        stored = [schema.names[place] for place in self.header.wanted.values()]
        line = 1
        batches = self._file.iter_batches(self._limits.block_rows, columns=stored, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise user_error("SRC-PARQUET", self._where, detail=str(error)[:_SHORT_CHARS]) from error
            if batch is None:
                return
            read = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            texts = [_text(read[old]).alias(new) for old, new in zip(stored, self.header.wanted, strict=True)]
            count = len(batch)
            yield Block(
                pl.DataFrame(
                    [*texts, pl.int_range(line, line + count, dtype=pl.Int64, eager=True).alias(LINE)]
                )
            )
            line += count


def _text(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Datetime):
        whole = values.dt.time() == pl.Series([0]).cast(pl.Time)[0]
        days, moments = values.dt.strftime("%Y-%m-%d"), values.dt.strftime("%Y-%m-%d %H:%M:%S")
        values = days.zip_with(whole.fill_null(value=True), moments)
    return values.cast(pl.String).fill_null("")
