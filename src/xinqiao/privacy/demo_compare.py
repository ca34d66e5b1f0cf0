"""How far a job's results are from those of plain text, over everything every party got."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from xinqiao.kernel.canonical import canonical_json
from xinqiao.privacy.demo_nodes import Ending
from xinqiao.privacy.kind import Result


def distance(plain: Mapping[str, Result], found: Mapping[str, Ending]) -> float:
    """The largest difference of a number; infinite where anything else differs."""
    if set(plain) != set(found):
        return math.inf
    return max((_party(plain[name], found[name]) for name in plain), default=0.0)


def _party(wanted: Result, found: Ending) -> float:
    told = {} if found.kept is None else found.kept.told
    apart = _apart(json.loads(canonical_json(dict(wanted.told))), told)
    return max(apart, _apart(_rows(wanted.table), _rows(found.table)))


def _rows(table: pa.Table | None) -> list[Any]:
    """Rows in an order of their own, numbers aside."""
    if table is None:
        return []
    rows = table.to_pylist()
    return sorted(rows, key=lambda row: repr([v for v in row.values() if not isinstance(v, float)]))


def _apart(wanted: Any, found: Any) -> float:  # noqa: ANN401 - as JSON has it
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        if set(wanted) != set(found):
            return math.inf
        return max((_apart(wanted[name], found[name]) for name in wanted), default=0.0)
    if isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            return math.inf
        return max((_apart(a, b) for a, b in zip(wanted, found, strict=True)), default=0.0)
    if isinstance(wanted, float) and isinstance(found, int | float):
        return abs(wanted - found)
    return 0.0 if wanted == found else math.inf
