"""A party's own data: a file or a question to DuckDB, as its data contract says, cut to what a job names.

Nothing but the node's configuration says where data lie; a manifest names a source and columns only.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.job.keys import written_alike
from xinqiao.privacy.job.manifest import Input, Name
from xinqiao.source.contract import Field as ContractField
from xinqiao.source.contract import FieldType, contract

ENDINGS = (".parquet", ".csv")
BYTES_AT_MOST = 16 << 30
"""Of a source's file."""
_ARROW = {
    "money": pa.int64(),
    "int": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "ratio": pa.float64(),
}
_CUT = 8


class Source(BaseModel):
    """Where a source's rows are, and what they are.

    ``file``: Parquet or CSV; ``query``: DuckDB SQL, with a folder's files by their full path. ``contract``:
    of the catalog; ``fields``: the types of columns that are no contract's (features made of one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    file: Path | None = None
    query: str | None = Field(default=None, max_length=20_000)
    contract: str | None = None
    fields: dict[Name, FieldType] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one(self) -> Source:
        if (self.file is None) == (self.query is None):
            message = "a source is a file or a query"
            raise ValueError(message)
        if self.file is not None and self.file.suffix not in ENDINGS:
            message = f"a source's file ends in {', '.join(ENDINGS)}"
            raise ValueError(message)
        return self

    @property
    def types(self) -> dict[str, pa.DataType]:
        """Each column's type. Raises UserError CON-UNKNOWN."""
        known: dict[str, ContractField] = {} if self.contract is None else contract(self.contract).fields
        own = {name: _ARROW.get(kind, pa.string()) for name, kind in self.fields.items()}
        return {name: field.arrow for name, field in known.items()} | own

    def check(self, brought: Input) -> None:
        """Raises UserError PRV-SOURCE where key or a column is not the contract's, or is named twice."""
        asked = [*([] if brought.key is None else [brought.key]), *brought.columns]
        if unknown := sorted(set(asked) - set(self.types)):
            fail("PRV-SOURCE", self.name, source=self.name, detail=", ".join(unknown[:_CUT]))
        if len(set(asked)) != len(asked) or not asked:
            fail("PRV-SOURCE", self.name, source=self.name, detail="columns once each")
        if (brought.key is None) != (brought.key_kind is None):
            fail("PRV-SOURCE", self.name, source=self.name, detail="key, key_kind")

    def read(self, brought: Input) -> pa.Table:
        """The rows a job reads: key first, written alike, then columns; rows whose key is none are left out.

        Raises UserError PRV-SOURCE (not there, not as the contract says), PRV-ROWS (more rows than the
        manifest allows; whether there are enough is told after consents: ``check_rows``).
        """
        self.check(brought)
        asked = [*([] if brought.key is None else [brought.key]), *brought.columns]
        table = self._typed(self._fetched(asked, brought.rows_at_most), asked)
        if brought.key is None or brought.key_kind is None:
            return table
        keys = written_alike(pl.Series(brought.key, table.column(0)), brought.key_kind).keys
        table = table.set_column(0, brought.key, keys.to_arrow().cast(pa.string()))
        return table.filter(table.column(0).is_valid())

    def _fetched(self, asked: list[str], most: int) -> pa.Table:
        """The columns as they lie there, with one row more than allowed where there are more."""
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in asked)
        try:
            with duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False}) as connection:
                relation = self._relation(connection)
                found: pa.Table = relation.project(names).limit(most + 1).to_arrow_table()
        except (duckdb.Error, OSError) as error:
            # the message of DuckDB would show the value
            detail = f"{type(error).__name__}: {', '.join(asked[:_CUT])}"
            raise user_error("PRV-SOURCE", self.name, source=self.name, detail=detail) from None
        if found.num_rows > most:
            fail("PRV-ROWS", self.name, least="-", most=most)
        return found

    def _relation(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
        if self.query is not None:
            return connection.sql(self.query)
        path = Path(self.file or "")
        if path.stat().st_size > BYTES_AT_MOST:
            fail("PRV-SOURCE", self.name, source=self.name, detail=f"> {BYTES_AT_MOST >> 30} GB")
        if path.suffix == ".parquet":
            return connection.read_parquet(str(path))
        return connection.read_csv(str(path), header=True, all_varchar=True)

    def _typed(self, table: pa.Table, asked: list[str]) -> pa.Table:
        types = self.types
        try:
            return table.cast(pa.schema([(name, types[name]) for name in asked])).combine_chunks()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            # the message of Arrow would show the value
            told = ", ".join(f"{f.name}: {f.type}" for f in table.schema if f.type != types[f.name])
            raise user_error("PRV-SOURCE", self.name, source=self.name, detail=told) from None


def check_rows(table: pa.Table, brought: Input, where: str) -> None:
    """Raises UserError PRV-ROWS unless the number of rows is within the manifest's bounds."""
    if not brought.rows_at_least <= table.num_rows <= brought.rows_at_most:
        fail("PRV-ROWS", where, least=brought.rows_at_least, most=brought.rows_at_most)
