"""The seam to a compute engine: read contract files, keep an intermediate table, fetch a result.

Two implementations: DuckDB in this process, and Spark for those who outgrow one machine.
Everything between reading and fetching is an Ibis expression, the same for both.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import ibis
import pyarrow as pa

from xinqiao.kernel.errors import fail, user_error
from xinqiao.source.contract import Contract

# Ibis builds its table class at run time; to a type checker it is Any.
Table = Any

PHYSICAL = {
    "id": "string",
    "text": "string",
    "enum": "string",
    "time": "string",
    "money": "int64",
    "int": "int64",
    "date": "date",
    "bool": "boolean",
    "ratio": "float64",
}
"""Field types of a contract -> Ibis types in the lake."""

MEMORY_LIMIT = "4GB"
"""DuckDB spills to disk beyond this."""


class Engine(Protocol):
    """A compute engine; use as a context manager, it frees what it keeps on leaving."""

    def read(self, contract: Contract, paths: Sequence[Path]) -> Table:
        """The rows of the Parquet files ``paths``; an empty table of the same columns when none."""

    def table(self, name: str, rows: pa.Table) -> Table:
        """Given rows; ``name`` is used for one table only."""

    def keep(self, name: str, table: Table) -> Table:
        """Compute ``table`` once, for several uses."""

    def fetch(self, table: Table) -> pa.Table:
        """The rows of ``table``, in no stated order."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(self, *_: object) -> None:
        """Stop and free."""


def lake_schema(contract: Contract) -> dict[str, str]:
    """Columns of a contract in the lake -> Ibis types."""
    return {name: PHYSICAL[field.type] for name, field in contract.fields.items()}


class DuckDB:
    """DuckDB in this process, memory bounded, spilling to a folder of its own."""

    def __init__(self, memory_limit: str = MEMORY_LIMIT) -> None:
        self.memory_limit = memory_limit

    def __enter__(self) -> Self:
        """Open a connection to a database in memory."""
        self._quiet = _quiet()
        self._quiet.__enter__()
        self._spill = tempfile.mkdtemp(prefix="xinqiao-")
        self._con = ibis.duckdb.connect(
            memory_limit=self.memory_limit,
            temp_directory=self._spill,
            preserve_insertion_order=False,
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Close it and remove what was spilled."""
        self._con.disconnect()
        shutil.rmtree(self._spill, ignore_errors=True)
        self._quiet.__exit__(None, None, None)

    def read(self, contract: Contract, paths: Sequence[Path]) -> Table:
        """See `Engine`."""
        schema = lake_schema(contract)
        if not paths:
            return self.table(f"no_{contract.id}", ibis.schema(schema).to_pyarrow().empty_table())
        # the partition fields stand in the files too: folder names are not read
        table = self._con.read_parquet(
            [str(path) for path in paths], table_name=f"lake_{contract.id}", hive_partitioning=False
        )
        return _typed(table, schema)

    def table(self, name: str, rows: pa.Table) -> Table:
        """See `Engine`."""
        self._con.con.register(f"given_{name}", rows)
        return self._con.table(f"given_{name}")

    def keep(self, name: str, table: Table) -> Table:
        """See `Engine`."""
        # plain SQL: Ibis would create an empty table first, then compile a second statement to fill it
        self._con.con.execute(f'CREATE TEMP TABLE "keep_{name}" AS {self._con.compile(table)}')
        return self._con.table(f"keep_{name}")

    def fetch(self, table: Table) -> pa.Table:
        """See `Engine`."""
        return self._con.to_pyarrow(table)


class Spark:
    """Spark: a session given, or a local one started here with two threads."""

    def __init__(self, session: Any = None) -> None:  # noqa: ANN401 - pyspark may not be installed
        self._given = session
        self._views = 0
        self._kept: list[Any] = []

    def __enter__(self) -> Self:
        """Start a session unless one was given."""
        self._quiet = _quiet()
        self._quiet.__enter__()
        self._session = self._given or start_spark()
        self._con = ibis.pyspark.connect(self._session)
        return self

    def __exit__(self, *_: object) -> None:
        """Free what was kept; stop the session if it was started here."""
        for frame in self._kept:
            frame.unpersist()
        self._kept.clear()
        if self._given is None:
            self._session.stop()
        self._quiet.__exit__(None, None, None)

    def read(self, contract: Contract, paths: Sequence[Path]) -> Table:
        """See `Engine`."""
        schema = lake_schema(contract)
        if not paths:
            return self.table(f"no_{contract.id}", ibis.schema(schema).to_pyarrow().empty_table())
        # recursiveFileLookup: the partition fields stand in the files, folder names are not read
        frame = self._session.read.option("recursiveFileLookup", "true").parquet(*map(str, paths))
        return _typed(self._named(f"lake_{contract.id}", frame), schema)

    def table(self, name: str, rows: pa.Table) -> Table:
        """See `Engine`."""
        return self._named(f"given_{name}", self._session.createDataFrame(rows))

    def keep(self, name: str, table: Table) -> Table:
        """See `Engine`."""
        # a checkpoint, not a cache: it cuts the plan, which otherwise grows with every view
        frame = self._session.sql(self._con.compile(table)).localCheckpoint()
        self._kept.append(frame)
        return self._named(f"keep_{name}", frame)

    def fetch(self, table: Table) -> pa.Table:
        """See `Engine`."""
        return self._session.sql(self._con.compile(table)).toArrow()

    def _named(self, name: str, frame: Any) -> Table:  # noqa: ANN401 - a Spark data frame
        self._views += 1
        unique = f"{name}_{self._views}"
        frame.createOrReplaceTempView(unique)
        return self._con.table(unique)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Ibis and pyspark say about each other's versions; the user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _typed(table: Table, schema: dict[str, str]) -> Table:
    """The columns of ``schema``; most files have its types already, and casts cost time to compile."""
    found = table.schema()
    columns = {
        name: table[name] if found[name] == ibis.dtype(kind) else table[name].cast(kind)
        for name, kind in schema.items()
    }
    return table.select(**columns)


def start_spark() -> Any:  # noqa: ANN401 - pyspark may not be installed
    """A local Spark session without its web page.

    Raises UserError IND-SPARK when pyspark or Java is not there.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, slow to import
    except ImportError as error:
        raise user_error("IND-SPARK", "--engine spark", detail="pyspark?") from error
    if not shutil.which("java"):
        fail("IND-SPARK", "--engine spark", detail="java?")
    builder = SparkSession.builder.master("local[2]").appName("xinqiao")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "xinqiao-spark"),
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise user_error("IND-SPARK", "--engine spark", detail=str(error)[:200]) from error


ENGINES: dict[str, type[DuckDB | Spark]] = {"duckdb": DuckDB, "spark": Spark}


def engine_of(name: str) -> Engine:
    """The engine called ``name``; raises UserError IND-ENGINE."""
    if name not in ENGINES:
        fail("IND-ENGINE", "--engine", name=name, known=", ".join(ENGINES))
    return ENGINES[name]()
