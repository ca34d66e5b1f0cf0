"""The lake as known at a date, for questions asked in SQL: every contract a view of DuckDB.

A record counts when it was known by T and its event is not later than T; of the versions of a key the
latest known one counts, versions of the same day told apart by their content, never by the order of
files, so the choice is the same however the data arrived. The engines of `indicator` read by the same
query.
"""

# ruff: noqa: S608 - queries are put together from names of our catalog and paths of our lake
from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import date
from typing import Any, Self

import duckdb
import pyarrow as pa

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.source.contract import Contract, contracts
from xinqiao.source.lake import Lake

MEMORY_LIMIT = "4GB"
_SQL = {"money": "BIGINT", "int": "BIGINT", "date": "DATE", "bool": "BOOLEAN", "ratio": "DOUBLE"}


class AsOf:
    """A connection in which ``contract_id`` is a view; use as a context manager.

    A contract without files is an empty view, so a question about it has no rows and no fault.
    """

    def __init__(self, lake: Lake, as_of: date, only: Iterable[str] | None = None) -> None:
        self.lake = lake
        self.as_of = as_of
        self.only = sorted(contracts() if only is None else only)

    def __enter__(self) -> Self:
        """Open the connection and define the views; raises UserError SRC-LAKE, SRC-LAKE-FILE."""
        self._spill = tempfile.mkdtemp(prefix="xinqiao-")
        self.connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": self._spill, "threads": 2}
        )
        self.connection.execute("SET enable_progress_bar = false")
        try:
            self.connection.execute(f"SET VARIABLE as_of = DATE '{self.as_of.isoformat()}'")
            for name in self.only:
                self._define(contracts()[name])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close it and remove what was spilled."""
        self.connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def holds(self, *names: str) -> bool:
        """Whether the lake has data of all these contracts."""
        return all(self.lake.files(name) for name in names)

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """The rows of ``query`` as dicts; ``values`` are its named parameters ($name)."""
        found: list[dict[str, Any]] = self.table(query, **values).to_pylist()
        return found

    def table(self, query: str, **values: object) -> pa.Table:
        """The rows of ``query`` as Arrow."""
        return self.connection.sql(query, params=_used(query, values)).to_arrow_table()

    def keep(self, name: str, query: str, **values: object) -> None:
        """Compute ``query`` once, for several questions."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", _used(query, values))

    def add(self, name: str, table: pa.Table) -> None:
        """Bring in a table made elsewhere."""
        self.connection.register(f"_{name}", table)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM _{name}")
        self.connection.unregister(f"_{name}")

    def _define(self, contract: Contract) -> None:
        files = [str(path) for path in self.lake.files(contract.id)]
        try:
            self.connection.execute(f"CREATE VIEW {contract.id} AS {_view(contract, files, self.as_of)}")
        except duckdb.Error as error:  # a file that is no Parquet, or of other types than the contract's
            raise damaged(contract, error) from error


def damaged(contract: Contract, error: duckdb.Error) -> UserError:
    """The files of ``contract`` cannot be read as what they should be: UserError SRC-LAKE-FILE."""
    return user_error("SRC-LAKE-FILE", f"data/{contract.id}", detail=str(error).partition("\n")[0][:200])


def _used(query: str, values: dict[str, object]) -> dict[str, object] | None:
    """The values ``query`` asks for: DuckDB refuses others."""
    asked = set(re.findall(r"\$(\w+)", query))
    return {name: value for name, value in values.items() if name in asked} or None


def _view(contract: Contract, files: list[str], as_of: date) -> str:
    """The view of a contract; names come from our catalog, paths from our lake."""
    fields = [f'CAST(NULL AS {_SQL.get(f.type, "VARCHAR")}) AS "{n}"' for n, f in contract.fields.items()]
    if not files:
        return f"SELECT {', '.join(fields)} WHERE false"
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    # by name, after an empty relation of the contract's shape: a field the files lack is null
    read = (
        f"SELECT {', '.join(fields)} WHERE false UNION ALL BY NAME "
        f"SELECT * EXCLUDE (_file, _line) FROM read_parquet([{quoted}], union_by_name = true, "
        "hive_partitioning = false)"
    )
    return known_at(contract, f"({read})", as_of)


def known_at(contract: Contract, source: str, as_of: date, quote: str = '"') -> str:
    """A query, in SQL every engine speaks, of the records of ``source`` (a table) as known at ``as_of``."""

    def named(names: Iterable[str]) -> str:
        return ", ".join(f"{quote}{name}{quote}" for name in names)

    fields, day = named(contract.fields), f"DATE '{as_of.isoformat()}'"
    known, event = named([contract.known]), named([contract.event])
    happened = f"({event} IS NULL OR {event} <= {day})"
    if not contract.keys:
        return f"SELECT {fields} FROM {source} WHERE {known} <= {day} AND {happened}"
    rest = (name for name in sorted(contract.fields) if name not in {*contract.keys, contract.known})
    order = ", ".join(f"{named([name])} DESC NULLS LAST" for name in (contract.known, *rest))
    version = f"row_number() OVER (PARTITION BY {named(contract.keys)} ORDER BY {order})"
    return (
        f"SELECT {fields} FROM (SELECT {fields}, {version} AS _version FROM {source} WHERE {known} <= {day}) "
        f"AS versions WHERE _version = 1 AND {happened}"
    )
