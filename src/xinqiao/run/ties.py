"""The ties around each firm that a credit file shows: two steps, capped, as known at a date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from xinqiao.portrait.credit_file import Edge
from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

NEAR, FAR = 24, 6
"""Ties shown of the firm itself, and of each of its neighbours."""
HUB = 60
"""Whoever has more ties is shown but not passed through: a market or a bank joins everyone."""
_READ = ("registry", "registry_holding", "registry_person", "guarantee", "invoice")
_TIES = """
    SELECT holder_id AS source, company_id AS target, 'holding' AS kind, paid_in_cents AS cents,
        CAST(NULL AS BIGINT) AS count, share
    FROM registry_holding WHERE held_until IS NULL OR held_until > getvariable('as_of')
    UNION ALL BY NAME
    SELECT DISTINCT person_hash AS source, company_id AS target, role AS kind
    FROM registry_person WHERE held_until IS NULL OR held_until > getvariable('as_of')
    UNION ALL BY NAME
    SELECT company_id AS source, guaranteed_id AS target, 'guarantee' AS kind,
        CAST(sum(amount_cents) AS BIGINT) AS cents, count(*) AS count
    FROM guarantee WHERE ended_on IS NULL OR ended_on > getvariable('as_of') GROUP BY ALL
    UNION ALL BY NAME
    SELECT * FROM (
        SELECT CASE direction WHEN 'output' THEN company_id ELSE counterparty_id END AS source,
            CASE direction WHEN 'output' THEN counterparty_id ELSE company_id END AS target,
            'invoice' AS kind, CAST(sum(total_cents) AS BIGINT) AS cents, count(*) AS count
        FROM invoice
        WHERE status = 'valid' AND counterparty_id IS NOT NULL
            AND issued_on > getvariable('as_of') - INTERVAL 12 MONTH
        GROUP BY ALL HAVING sum(total_cents) > 0
    )
"""
_WEIGHT = {"holding": 4, "guarantee": 3, "legal_representative": 3, "controller": 3, "invoice": 1}


def ties(lake: Lake, as_of: date) -> dict[str, tuple[Edge, ...]]:
    """Company -> its ties and its neighbours', the weightiest first."""
    with AsOf(lake, as_of, _READ) as at:
        edges = [Edge(**row) for row in _merged(at.rows(_TIES))]
        firms = [row["company_id"] for row in at.rows("SELECT company_id FROM registry")]
    around: dict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(edges, key=_order):
        around[edge.source].append(edge)
        around[edge.target].append(edge)
    return {firm: tuple(_two_steps(firm, around)) for firm in firms}


def _merged(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """An invoice reported by both sides is one tie."""
    seen: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["source"], row["target"], row["kind"])
        if row["source"] != row["target"] and (
            key not in seen or (row["cents"] or 0) > (seen[key]["cents"] or 0)
        ):
            seen[key] = row
    return seen.values()


def _order(edge: Edge) -> tuple[float, float, str, str]:
    return -_WEIGHT.get(edge.kind, 2), -(edge.cents or 0), edge.source, edge.target


def _two_steps(firm: str, around: Mapping[str, list[Edge]]) -> Iterable[Edge]:
    found: dict[tuple[str, str, str], Edge] = {}
    near = around.get(firm, [])[:NEAR]
    for edge in near:
        found[edge.source, edge.target, edge.kind] = edge
    for edge in near:
        other = edge.target if edge.source == firm else edge.source
        if len(around[other]) <= HUB:
            for far in around[other][:FAR]:
                found.setdefault((far.source, far.target, far.kind), far)
    return found.values()
