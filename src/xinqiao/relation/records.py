"""The firms known at a date, numbered by their ids, and records about them as columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

FIRMS: Mapping[str, tuple[str, ...]] = {
    "registry": ("company_id",),
    "invoice": ("company_id", "counterparty_id"),
    "registry_holding": ("company_id", "CASE WHEN holder_kind = 'company' THEN holder_id END"),
    "registry_person": ("company_id",),
    "guarantee": ("company_id", "guaranteed_id"),
    "application": ("company_id",),
}
"""Where firms are named that something ties to others: the nodes of the graph."""
UNIVERSE = ("registry", "invoice")
"""Contracts whose companies get a row in the tables, as in the indicators."""
READ = (*FIRMS, "court_list", "registry_listing", "credit_list", "credit_month")
"""Every contract the graph reads."""


class Records:
    """What is known at ``as_of`` (`source.as_of`); a context manager that frees its database on leaving.

    Queries see the contracts, the table ``firm(id, listed, code)``, and ``known_<contract>`` after `know`.
    ``ids`` are the firms' ids in order of their codes; ``listed`` tells whether a firm is in `UNIVERSE`.
    """

    def __init__(self, lake: Lake, as_of: date) -> None:
        self.as_of = as_of
        self.at = AsOf(lake, as_of, READ)

    def __enter__(self) -> Self:
        """Open the database and number the firms."""
        self.at.__enter__()
        self._known: set[str] = set()
        parts = [
            f"SELECT {expression} AS id, {name in UNIVERSE and not place} AS listed FROM {name}"  # noqa: S608 - names of our catalog
            for name, expressions in FIRMS.items()
            for place, expression in enumerate(expressions)
        ]
        self.at.keep("firm", _FIRM.format(named=" UNION ALL ".join(parts)))
        firms = self.at.table("SELECT id, listed FROM firm ORDER BY code")
        self.ids = firms["id"].combine_chunks()
        self.listed = firms["listed"].to_numpy().astype(bool)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it and remove what was spilled."""
        self.at.__exit__(kind, error, trace)

    @property
    def firms(self) -> int:
        """The number of firms known."""
        return len(self.ids)

    def know(self, *names: str) -> None:
        """Compute the contracts as of T once, for several queries: ``known_<contract>``."""
        for name in names:
            if name not in self._known:
                self._known.add(name)
                self.at.keep(f"known_{name}", f"SELECT * FROM {name}")  # noqa: S608 - a name of our catalog

    def columns(self, query: str, **values: object) -> dict[str, np.ndarray[Any, Any]]:
        """The columns of a query, in which there are no nulls; ``values`` are its parameters ($name)."""
        table: pa.Table = self.at.table(query, **values)
        return {name: table[name].to_numpy() for name in table.column_names}

    def since(self, days: int) -> date:
        """The first of the ``days`` days that end at T."""
        return self.as_of - timedelta(days=days - 1)


_FIRM = """
    SELECT id, bool_or(listed) AS listed, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code
    FROM ({named}) WHERE id IS NOT NULL GROUP BY id
"""
