"""Rules on the graph: FI01 (circles of invoices), FG01 (near known fraud), FG02 (alike applications).

What SQL says badly is prepared here with the graph's own kernels and then asked like the other rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import pyarrow as pa

from xinqiao.relation.components import circles
from xinqiao.relation.csr import from_edges
from xinqiao.relation.cycles import simple_cycles
from xinqiao.relation.leads.question import Question
from xinqiao.relation.measures import relation_tables
from xinqiao.source.as_of import AsOf

Limits = Mapping[str, float | int]

FI01 = Question(
    needs=("invoice",),
    prepared=("ring",),
    query="""
        WITH member AS (
            SELECT DISTINCT r.window_end, r.ring, e.source AS company_id, r.least, r.balance, r.edges
            FROM ring AS r, unnest(r.edges) AS u(e)
        ), sold AS (
            SELECT m.company_id, m.window_end, sum(s.cents) AS cents
            FROM (SELECT DISTINCT company_id, window_end FROM member) AS m JOIN sale AS s
                ON s.company_id = m.company_id AND s.valid AND s.issued_on <= m.window_end
                AND s.issued_on > m.window_end - to_days(CAST($window_days AS INTEGER))
            GROUP BY ALL
        )
        SELECT company_id, max(least / cents) AS share, max(least) / 100 AS circle_cny,
            count(DISTINCT ring) AS circles, max(len(edges)) AS firms, max(balance) AS balance,
            CASE WHEN max(balance) < $balance THEN 'medium' END AS severity,
            flatten(list(edges)) AS edges
        FROM member JOIN sold USING (company_id, window_end)
        WHERE least > $share * cents GROUP BY company_id
    """,
)

FG01 = Question(
    needs=("credit_list", "registry"),
    prepared=("near_fraud",),
    query="""
        SELECT company_id, ppr, ppr_percentile AS percentile FROM near_fraud
        WHERE ppr > 0 AND ppr_percentile > $percentile AND company_id NOT IN (
            SELECT company_id FROM credit_list WHERE list = 'fraud_confirmed')
    """,
)

FG02 = Question(
    needs=("application",),
    prepared=("alike",),
    query="""
        SELECT company_id, max(firms) AS firms, max(likeness) AS likeness,
            list(rec('application', application_no, day, cents)) AS records
        FROM alike WHERE firms >= $firms GROUP BY company_id
    """,
)


def _ring(at: AsOf, limits: Limits) -> pa.Table:
    """Circles of invoices in every window of the last 12 months that ends with a month; rows of ``ring``."""
    rows: list[dict[str, object]] = []
    ends = at.rows(
        "SELECT CAST(as_of() - to_months(CAST(m AS INTEGER)) AS DATE) AS day FROM range(10) AS t(m)"
    )
    for end in ends:
        edges = at.table(
            """
            SELECT company_id AS a, buyer AS b, sum(cents) AS cents, count(*) AS n FROM sale
            WHERE valid AND buyer IS NOT NULL AND buyer <> company_id AND issued_on <= $end
                AND issued_on > $end - to_days(CAST($window_days AS INTEGER))
            GROUP BY ALL HAVING sum(cents) >= $edge_cny * 100 ORDER BY a, b
            """,
            end=end["day"],
            **limits,
        )
        rows += _rings_of(edges, end["day"], limits)
    return pa.Table.from_pylist(rows, schema=_RING)


_EDGE = pa.struct(
    [
        ("source", pa.string()),
        ("target", pa.string()),
        ("kind", pa.string()),
        ("cents", pa.int64()),
        ("count", pa.int64()),
    ]
)
_RING = pa.schema(
    [
        ("window_end", pa.date32()),
        ("ring", pa.string()),
        ("least", pa.float64()),
        ("balance", pa.float64()),
        ("edges", pa.list_(_EDGE)),
    ]
)


def _rings_of(edges: pa.Table, end: object, limits: Limits) -> list[dict[str, object]]:
    names = np.unique(edges["a"].to_pylist() + edges["b"].to_pylist())
    if not len(names):
        return []
    source, target = (np.searchsorted(names, edges[c].to_pylist()).astype(np.int32) for c in ("a", "b"))
    cents = edges["cents"].to_numpy().astype(np.float64)
    count = edges["n"].to_pylist()
    found = simple_cycles(
        from_edges(len(names), source, target, cents), int(limits["shortest"]), int(limits["longest"])
    )
    graph = from_edges(len(names), source, target, cents)
    rows = []
    for i in range(len(found)):
        places = [int(graph.edge[e]) for e in found.edge[found.start[i] : found.start[i + 1]]]
        steps = [
            {
                "source": str(names[source[p]]),
                "target": str(names[target[p]]),
                "kind": "invoice",
                "cents": int(cents[p]),
                "count": count[p],
            }
            for p in places
        ]
        most = max(float(cents[p]) for p in places)
        ring = "|".join(sorted(str(step["source"]) for step in steps))
        least = float(found.least[i])
        rows.append(
            {"window_end": end, "ring": ring, "least": least, "balance": least / most, "edges": steps}
        )
    return rows


def _circle(at: AsOf, _: Limits) -> pa.Table:
    """Firms that stand behind one another: strongly connected guarantees in force; rows of ``circle``."""
    edges = at.table(
        "SELECT DISTINCT company_id AS a, guaranteed_id AS b FROM guarantee "
        "WHERE (ended_on IS NULL OR ended_on > as_of()) AND company_id <> guaranteed_id ORDER BY ALL"
    )
    names = np.unique(edges["a"].to_pylist() + edges["b"].to_pylist())
    source, target = (np.searchsorted(names, edges[c].to_pylist()).astype(np.int32) for c in ("a", "b"))
    label, _order = circles(from_edges(len(names), source, target))
    size = np.bincount(label, minlength=1)[label] if len(label) else label
    inside = np.flatnonzero(size >= 2)  # noqa: PLR2004 - a circle has two members at least
    return pa.table(
        {
            "company_id": pa.array([str(names[i]) for i in inside], pa.string()),
            "circle": pa.array(label[inside].astype(np.int64), pa.int64()),
            "members": pa.array(size[inside].astype(np.int64), pa.int64()),
        }
    )


def _near_fraud(at: AsOf, _: Limits) -> pa.Table:
    table = relation_tables(at.lake, at.as_of, ["relation_proximity"])["relation_proximity"]
    return table.select(["company_id", "ppr", "ppr_percentile"])


FEATURES = ("device", "ip", "agent", "referrer", "phone", "template", "founded")


def _alike(at: AsOf, limits: Limits) -> pa.Table:
    """Applications of one industry and amount whose other known features agree; rows of ``alike``."""
    rows = at.rows(
        "SELECT a.*, date_trunc('month', established_on) AS founded "
        "FROM applied AS a LEFT JOIN firm USING (company_id) "
        "QUALIFY count(DISTINCT a.company_id) OVER (PARTITION BY a.industry, a.cents) >= $firms "
        "ORDER BY a.industry, a.cents, a.day, a.application_no",
        **limits,
    )
    blocks: dict[tuple[object, object], list[dict[str, object]]] = {}
    for row in rows:
        blocks.setdefault((row["industry"], row["cents"]), []).append(row)
    found = [row for block in blocks.values() for row in _clusters(block, limits)]
    schema = pa.schema(
        [
            ("company_id", pa.string()),
            ("application_no", pa.string()),
            ("day", pa.date32()),
            ("cents", pa.int64()),
            ("firms", pa.int64()),
            ("likeness", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(found, schema=schema)


MOST_IN_BLOCK = 2_000
"""Pairs are compared within one industry and amount; a larger block is cut to its latest applications."""


def _clusters(block: list[dict[str, object]], limits: Limits) -> list[dict[str, object]]:
    """Joined pairs of ``block`` (sorted by day) as clusters, each application with its cluster's firms."""
    block = block[-MOST_IN_BLOCK:]
    parent = list(range(len(block)))
    likeness = [0.0] * len(block)

    def top(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in combinations(range(len(block)), 2):
        if (block[j]["day"] - block[i]["day"]).days > limits["days"]:  # type: ignore[operator]  # both are dates
            continue
        share = _likeness(block[i], block[j], int(limits["known"]))
        if share >= limits["alike"]:
            parent[top(i)] = top(j)
            likeness[i], likeness[j] = max(likeness[i], share), max(likeness[j], share)
    firms: dict[int, set[object]] = {}
    for i, row in enumerate(block):
        firms.setdefault(top(i), set()).add(row["company_id"])
    names = ("company_id", "application_no", "day", "cents")
    return [
        {name: row[name] for name in names} | {"firms": len(firms[top(i)]), "likeness": likeness[i]}
        for i, row in enumerate(block)
    ]


def _likeness(a: Mapping[str, object], b: Mapping[str, object], known: int) -> float:
    """Share of the features both know that agree; 0 when fewer than ``known`` are."""
    both = [name for name in FEATURES if a[name] is not None and b[name] is not None]
    if len(both) < known:
        return 0.0
    return sum(a[name] == b[name] for name in both) / len(both)


PREPARED: dict[str, Callable[[AsOf, Limits], pa.Table]] = {
    "ring": _ring,
    "circle": _circle,
    "near_fraud": _near_fraud,
    "alike": _alike,
}
"""Tables made before a question is asked, from the limits of its rule."""
