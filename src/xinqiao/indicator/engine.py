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
from datetime import date
from pathlib import Path
from typing import Any, Protocol, Self

import ibis
import pyarrow as pa
from ibis.expr.operations import UnboundTable

from xinqiao.kernel.errors import fail, user_error
from xinqiao.source.as_of import known_at
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
    """A compute engine; use as a context manager, it frees what it keeps on leaving.

    The tables it gives are names with a schema; only `keep` and `fetch` compute anything.
    """

    def read(self, contract: Contract, paths: Sequence[Path], as_of: date) -> Table:
        """The records in the Parquet files ``paths`` as known at ``as_of``, as `source.as_of` says."""

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


def _empty(contract: Contract) -> pa.Table:
    return ibis.schema(lake_schema(contract)).to_pyarrow().empty_table()


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
        self._con.con.execute("SET enable_progress_bar = false")  # the caller shows its own
        return self

    def __exit__(self, *_: object) -> None:
        """Close it and remove what was spilled."""
        self._con.disconnect()
        shutil.rmtree(self._spill, ignore_errors=True)
        self._quiet.__exit__(None, None, None)

    def read(self, contract: Contract, paths: Sequence[Path], as_of: date) -> Table:
        """See `Engine`."""
        if not paths:
            return self.table(contract.id, _empty(contract))
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        # the partition fields stand in the files too: folder names are not read
        source = f"read_parquet([{files}], hive_partitioning = false)"
        # the latest versions are found once for all views; facts without versions are too many to keep
        kind = "TEMP TABLE" if contract.keys else "TEMP VIEW"
        self._con.con.execute(f'CREATE {kind} "at_{contract.id}" AS {known_at(contract, source, as_of)}')
        return ibis.table(lake_schema(contract), name=f"at_{contract.id}")

    def table(self, name: str, rows: pa.Table) -> Table:
        """See `Engine`."""
        self._con.con.register(f"given_{name}", rows)
        return ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=f"given_{name}")

    def keep(self, name: str, table: Table) -> Table:
        """See `Engine`."""
        self._con.con.execute(f'CREATE TEMP TABLE "keep_{name}" AS {_sql(self._con, table)}')
        return ibis.table(table.schema(), name=f"keep_{name}")

    def fetch(self, table: Table) -> pa.Table:
        """See `Engine`."""
        return self._con.con.sql(_sql(self._con, table)).to_arrow_table()


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

    def read(self, contract: Contract, paths: Sequence[Path], as_of: date) -> Table:
        """See `Engine`."""
        if not paths:
            return self.table(contract.id, _empty(contract))
        # recursiveFileLookup: the partition fields stand in the files, folder names are not read
        frame = self._session.read.option("recursiveFileLookup", "true").parquet(*map(str, paths))
        source = self._named(f"lake_{contract.id}", frame)
        frame = self._session.sql(known_at(contract, source, as_of, quote="`"))
        frame = self._checkpoint(frame) if contract.keys else frame
        return ibis.table(lake_schema(contract), name=self._named(f"at_{contract.id}", frame))

    def table(self, name: str, rows: pa.Table) -> Table:
        """See `Engine`."""
        frame = self._session.createDataFrame(rows)
        schema = ibis.Schema.from_pyarrow(rows.schema)
        return ibis.table(schema, name=self._named(f"given_{name}", frame))

    def keep(self, name: str, table: Table) -> Table:
        """See `Engine`."""
        frame = self._checkpoint(self._session.sql(_sql(self._con, table)))
        return ibis.table(table.schema(), name=self._named(f"keep_{name}", frame))

    def fetch(self, table: Table) -> pa.Table:
        """See `Engine`."""
        return self._session.sql(_sql(self._con, table)).toArrow()

    def _checkpoint(self, frame: Any) -> Any:  # noqa: ANN401 - a Spark data frame
        """Compute ``frame`` now: a cache would leave its plan, which grows with every view."""
        self._kept.append(frame.localCheckpoint())
        return self._kept[-1]

    def _named(self, name: str, frame: Any) -> str:  # noqa: ANN401 - a Spark data frame
        """A name of its own for ``frame``: a session may serve several evaluations."""
        self._views += 1
        unique = f"{name}_{self._views}"
        frame.createOrReplaceTempView(unique)
        return unique


def _sql(con: Any, table: Table) -> str:  # noqa: ANN401 - an Ibis backend, built at run time
    """``table`` in the engine's SQL; a table that has a name is asked for by it, sparing a compilation."""
    operation = table.op()
    if isinstance(operation, UnboundTable):
        return f"SELECT * FROM {operation.name}"  # noqa: S608 - a name given by this module
    return str(con.compile(table))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Ibis and pyspark say about each other's versions; the user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


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
