"""A lead: what a rule noticed about one firm, with the records and the subgraph it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from xinqiao.relation.leads.rule import Severity

MOST = 20
"""Records and edges shown of one lead; how many there are is told."""
_BESIDE = {"company_id", "severity", "records", "edges"}

Figure = float | int | str | date


@dataclass(frozen=True, slots=True)
class Record:
    """A record a lead rests on: its contract, its own key there, the day and the sum in cents, if any."""

    contract: str
    key: str
    day: date | None
    cents: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """A step of the subgraph: ``kind`` is what joins the two (invoice, flow, phone, guarantee, ...)."""

    source: str
    target: str
    kind: str
    cents: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead to verify. ``records`` and ``edges`` are at most MOST; the totals say how many there were."""

    rule: str
    company_id: str
    severity: Severity
    figures: dict[str, Figure]
    records: tuple[Record, ...]
    edges: tuple[Edge, ...]
    records_total: int
    edges_total: int

    def as_json(self) -> dict[str, Any]:
        """Plain values; dates as ISO texts."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def lead_of(rule: str, row: Mapping[str, Any], severity: Severity) -> Lead:
    """A lead from a row of a rule's query; a column ``severity`` there goes before the rule's own.

    A figure that is missing, or a share of nothing (x / 0), is left out, and so is an edge to nobody known.
    """
    records = [Record(**record) for record in row.get("records") or ()]
    edges = [Edge(**edge) for edge in row.get("edges") or () if None not in {edge["source"], edge["target"]}]
    figures = {name: value for name, value in row.items() if name not in _BESIDE and _known(value)}
    return Lead(
        rule=rule,
        company_id=row["company_id"],
        severity=row.get("severity") or severity,
        figures={n: round(v, 6) if isinstance(v, float) else v for n, v in figures.items()},
        records=tuple(sorted(set(records), key=repr)[:MOST]),
        edges=tuple(sorted(set(edges), key=repr)[:MOST]),
        records_total=len(set(records)),
        edges_total=len(set(edges)),
    )


def _known(value: Figure | None) -> bool:
    return math.isfinite(value) if isinstance(value, float) else value is not None


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
