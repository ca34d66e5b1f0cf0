"""How far a job's results are from those of plain text, over everything every party got."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from xinqiao.kernel.canonical import canonical_json
from xinqiao.privacy.demo.demo_nodes import Ending
from xinqiao.privacy.job.kind import Result


def distances(plain: Mapping[str, Result], found: Mapping[str, Ending]) -> dict[str, float]:
    """By what a result tells, the largest difference of a number; infinite where anything else differs.

    Rows delivered stand under ``rows delivered``.
    """
    if set(plain) != set(found):
        return {"parties": math.inf}
    apart: dict[str, float] = {}
    for name, wanted in plain.items():
        ending = found[name]
        told = {} if ending.kept is None else ending.kept.told
        expected = json.loads(canonical_json(dict(wanted.told)))
        pairs = {key: (expected.get(key), told.get(key)) for key in {*expected, *told}}
        pairs["rows delivered"] = (_rows(wanted.table), _rows(ending.table))
        for key, (one, other) in pairs.items():
            apart[key] = max(apart.get(key, 0.0), _apart(one, other))
    return apart


def beyond(apart: Mapping[str, float], close: Mapping[str, float]) -> dict[str, float]:
    """Those larger than allowed: by the beginning of the name, else nothing is."""
    allowed = {name: max((v for k, v in close.items() if name.startswith(k)), default=0.0) for name in apart}
    return {name: by for name, by in apart.items() if by > allowed[name]}


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
