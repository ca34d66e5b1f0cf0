"""A sample of every kind of job: the manifest the docs tell of, generated tables, and how close is equal.

The conformance suite runs each in plain text and privately. The samples themselves stand in modules
``tests.privacy.sample_*``, each with its ``SAMPLES`` by the name of the kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.manifest import Manifest


def same(plain: Mapping[str, Result], private: Mapping[str, Result]) -> None:
    """Every party has exactly what plain text gives it; rows may come in another order."""
    assert set(plain) == set(private)
    for name, wanted in plain.items():
        found = private[name]
        assert dict(found.told) == dict(wanted.told), name
        assert (found.table is None) == (wanted.table is None), name
        if wanted.table is not None and found.table is not None:
            assert rows(found.table) == rows(wanted.table), name


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows in an order of their own."""
    return sorted(table.to_pylist(), key=repr)


@dataclass(frozen=True, slots=True)
class Sample:
    """One job. ``before``: jobs that must have run first, for what they leave in each party's state.

    ``prepare`` puts what else must stand in the parties' states, given their folder.
    ``equal`` compares all parties' results of plain text and of the protocol.
    """

    manifest: Manifest
    tables: Mapping[str, pa.Table]
    equal: Callable[[Mapping[str, Result], Mapping[str, Result]], None] = same
    before: tuple[Sample, ...] = field(default=())
    prepare: Callable[[Path], None] = lambda _: None


def ids(low: int, high: int) -> list[str]:
    """Keys of generated subjects."""
    return [f"g{number:06d}" for number in range(low, high)]


def draw(seed: int) -> np.random.Generator:
    """Reproducible numbers for generated data; nothing secret."""
    return np.random.default_rng(seed)


def samples() -> dict[str, Sample]:
    """All samples by kind."""
    found: dict[str, Sample] = {}
    for file in sorted(Path(__file__).parent.glob("sample_*.py")):
        found |= importlib.import_module(f"tests.privacy.{file.stem}").SAMPLES
    return found
