"""How good the data of a contract in a lake is: valid, complete, on time, and about how many companies.

The score is 100 times the mean of three shares: *validity* (rows kept of rows read), *completeness*
(filled cells of the fields that were delivered) and *timeliness* (rows known within the days their
source allows). Coverage stands beside it: a source may be about few companies and still be good.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from xinqiao.source.as_of import damaged
from xinqiao.source.contract import Contract, contracts
from xinqiao.source.holder import sources
from xinqiao.source.lake import Lake

REGISTER = "registry"
"""The contract whose companies coverage is counted against."""

_FILES = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
COUNTS = ("read", "kept", "quarantined", "repaired", "flagged")
"""What the manifests of the files count."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one contract; shares are 0..1, None where nothing was delivered to measure.

    ``read`` = ``kept`` + ``quarantined``; ``companies`` have at least one row, ``registered`` are in the
    register; ``first`` and ``last`` event, ``lag_days`` the median of known day less event day.
    """

    read: int
    kept: int
    quarantined: int
    repaired: int
    flagged: int
    registered: int
    companies: int = 0
    first: date | None = None
    last: date | None = None
    lag_days: float | None = None
    timeliness: float | None = None
    filled: dict[str, float] = field(default_factory=dict)

    @property
    def validity(self) -> float | None:
        """Share of rows kept."""
        return self.kept / self.read if self.read else None

    @property
    def completeness(self) -> float | None:
        """Share of cells filled, over the fields delivered."""
        return sum(self.filled.values()) / len(self.filled) if self.filled else None

    @property
    def coverage(self) -> float | None:
        """Share of registered companies with a row; never over 1."""
        return min(1.0, self.companies / self.registered) if self.registered else None

    @property
    def score(self) -> float | None:
        """0..100; None when nothing was delivered."""
        parts = (self.validity, self.completeness, self.timeliness)
        known = [part for part in parts if part is not None]
        return 100 * sum(known) / len(parts) if len(known) == len(parts) else None


def quality(lake: Lake, contract: Contract) -> Quality:
    """Measure the data of ``contract`` in ``lake``. Raises UserError SRC-LAKE, SRC-LAKE-FILE."""
    counts = {
        name: sum(getattr(manifest, name) for manifest in lake.manifests(contract.id)) for name in COUNTS
    }
    delivered = sorted(lake.fields(contract.id) & set(contract.fields))
    files = [str(path) for path in lake.files(contract.id)]
    with duckdb.connect() as connection:
        registered = _companies(connection, lake)
        if not files:
            return Quality(**counts, registered=registered)
        allowed = sources()[contract.source].on_time_days
        query = _query(contract, delivered, allowed)
        companies, first, last, lag, on_time, *filled = _row(connection, query, files, contract)
    return Quality(
        **counts,
        registered=registered,
        companies=companies,
        first=first,
        last=last,
        lag_days=lag,
        timeliness=on_time,
        filled=dict(zip(delivered, filled, strict=True)),
    )


def _companies(connection: duckdb.DuckDBPyConnection, lake: Lake) -> int:
    files = [str(path) for path in lake.files(REGISTER)]
    if not files:
        return 0
    query = f"SELECT count(DISTINCT company_id) FROM {_FILES}"  # noqa: S608 - a constant
    return int(_row(connection, query, files, contracts()[REGISTER])[0])


def _row(
    connection: duckdb.DuckDBPyConnection, query: str, files: list[str], contract: Contract
) -> tuple[Any, ...]:
    """The only row of ``query``, which reads ``files``."""
    try:
        return connection.execute(query, [files]).fetchall()[0]
    except duckdb.Error as error:
        raise damaged(contract, error) from error


def _query(contract: Contract, delivered: list[str], allowed: int) -> str:
    """Names come from our catalog, never from data."""
    lag = f"({contract.known} - {contract.event})"
    parts = [
        f"count(DISTINCT {contract.company})",
        f"min({contract.event})",
        f"max({contract.event})",
        f"median({lag})",
        f"avg(CASE WHEN {lag} <= {allowed} THEN 1.0 ELSE 0.0 END)",
        *(f'count("{name}") / count(*)::DOUBLE' for name in delivered),
    ]
    return f"SELECT {', '.join(parts)} FROM {_FILES}"  # noqa: S608 - see above
