"""Fixtures of the indicator tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.cli.conftest import real
from tests.indicator.lakes import RowLake, T, Tables
from xinqiao.indicator.compute import compute

__all__ = ["Evaluate", "Explain", "evaluate", "explain", "real"]

Evaluate = Callable[..., dict[str, float | None]]
Explain = Callable[..., dict[str, str]]


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Evaluate ``ids`` for one company over literal rows: id -> value."""

    def run(tables: Tables, *ids: str, company: str = "A", as_of: date = T) -> dict[str, float | None]:
        snapshot = compute(RowLake(tmp_path / "lake", tables), as_of, ids=ids or None)
        rows = {row["company_id"]: row for row in snapshot.values.to_pylist()}
        return {name: rows[company][name] for name in snapshot.values.column_names[1:]}

    return run


@pytest.fixture
def explain(tmp_path: Path) -> Explain:
    """Why ``ids`` have no value for one company over literal rows: id -> reason of those without."""

    def run(tables: Tables, *ids: str, company: str = "A", as_of: date = T) -> dict[str, str]:
        missing = compute(RowLake(tmp_path / "lake", tables), as_of, ids=ids).missing.to_pylist()
        return {row["indicator"]: row["reason"] for row in missing if row["company_id"] == company}

    return run
