"""The same questions to networkx, igraph, scipy and DuckDB, written as one would with each alone.

Every function takes the generated arrays and the number of firms and gives an array that is the same
for all that answer rightly.
"""

# ruff: noqa: PLC0415 - each job pays for its own imports only
from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.graph_data import HUB, KEY_CAP, Arrays

THRESHOLD, LEAST = 0.25, 1e-5


def stakes_networkx(a: Arrays, firms: int) -> np.ndarray:
    """A walk up from every firm, shares multiplied, until the product is below the least."""
    import networkx as nx

    graph = nx.DiGraph()
    triples = zip(a["held"].tolist(), a["holder"].tolist(), a["share"].tolist(), strict=True)
    graph.add_weighted_edges_from(triples)
    rows = []
    for firm in range(firms):
        reached: dict[int, float] = {}
        stack = [(firm, 1.0)]
        while stack:
            node, product = stack.pop()
            for holder, edge in graph._adj[node].items():  # noqa: SLF001 - the quickest way in
                share = product * edge["weight"]
                if holder >= firms:
                    reached[holder] = reached.get(holder, 0.0) + share
                elif share >= LEAST:
                    stack.append((holder, share))
        rows += [(firm, holder, share) for holder, share in reached.items() if share >= THRESHOLD]
    return np.array(sorted(rows))


def stakes_duckdb(a: Arrays, firms: int) -> np.ndarray:
    """A recursive query, paths kept apart until the end."""
    sql = f"""
        WITH RECURSIVE walk AS (
            SELECT held AS firm, holder, share FROM stake
            UNION ALL
            SELECT firm, s.holder, w.share * s.share FROM walk w JOIN stake s ON s.held = w.holder
            WHERE w.holder < {firms} AND w.share >= {LEAST}
        )
        SELECT firm, holder, sum(share) AS share FROM walk WHERE holder >= {firms}
        GROUP BY ALL HAVING sum(share) >= {THRESHOLD} ORDER BY firm, holder
    """  # noqa: S608 - our own numbers
    found = _duckdb({"stake": {name: a[name] for name in ("held", "holder", "share")}}, sql)
    return np.column_stack([found["firm"], found["holder"], found["share"]])


def circles_networkx(a: Arrays, _firms: int) -> np.ndarray:
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_edges_from(zip(a["seller"].tolist(), a["buyer"].tolist(), strict=True))
    lengths = np.zeros(3, np.int64)
    for members in nx.strongly_connected_components(graph):
        if len(members) > 2:
            for cycle in nx.simple_cycles(graph.subgraph(members).copy(), length_bound=5):
                if len(cycle) > 2:
                    lengths[len(cycle) - 3] += 1
    return lengths


def circles_igraph(a: Arrays, firms: int) -> np.ndarray:
    import igraph

    graph = igraph.Graph(4 * firms, np.column_stack([a["seller"], a["buyer"]]), directed=True)
    label = np.array(graph.connected_components("strong").membership)
    inner = np.flatnonzero(label[a["seller"]] == label[a["buyer"]])
    found = graph.subgraph_edges(inner.tolist()).simple_cycles(min=3, max=5)
    return np.bincount([len(cycle) for cycle in found], minlength=6)[3:]


def circles_duckdb(a: Arrays, _firms: int) -> np.ndarray:
    sql = """
        WITH RECURSIVE walk AS (
            SELECT seller AS first, buyer AS last, [buyer] AS path FROM trade WHERE buyer > seller
            UNION ALL
            SELECT first, t.buyer, list_append(path, t.buyer) FROM walk JOIN trade t ON t.seller = last
            WHERE len(path) < 4 AND t.buyer > first AND NOT list_contains(path, t.buyer)
        )
        SELECT len(path) + 1 AS length, count(*) AS number FROM walk
        JOIN trade t ON t.seller = last AND t.buyer = first WHERE len(path) >= 2 GROUP BY ALL
    """
    found = _duckdb({"trade": {name: a[name] for name in ("seller", "buyer")}}, sql)
    lengths = np.zeros(3, np.int64)
    lengths[found["length"] - 3] = found["number"]
    return lengths


def _joining(a: Arrays) -> np.ndarray:
    count = np.bincount(a["contact_key"])
    return (count <= KEY_CAP)[a["contact_key"]]


def _first_of(label: np.ndarray, firms: int) -> np.ndarray:
    """The lowest firm of every firm's component."""
    first = np.full(int(label.max()) + 1, firms)
    np.minimum.at(first, label[:firms], np.arange(firms))
    return first[label[:firms]]


def rings_networkx(a: Arrays, firms: int) -> np.ndarray:
    import networkx as nx

    keep = _joining(a)
    graph = nx.Graph()
    graph.add_nodes_from(range(firms))
    graph.add_edges_from(
        zip(a["contact_firm"][keep].tolist(), (a["contact_key"][keep] + firms).tolist(), strict=True)
    )
    first = np.zeros(firms, np.int64)
    for members in nx.connected_components(graph):
        inside = [node for node in members if node < firms]
        first[inside] = min(inside, default=0)
    return first


def rings_igraph(a: Arrays, firms: int) -> np.ndarray:
    import igraph

    keep = _joining(a)
    ends = np.column_stack([a["contact_firm"][keep], a["contact_key"][keep] + firms])
    graph = igraph.Graph(firms + int(a["contact_key"].max()) + 1, ends)
    return _first_of(np.array(graph.connected_components().membership), firms)


def rings_scipy(a: Arrays, firms: int) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    keep = _joining(a)
    nodes = firms + int(a["contact_key"].max()) + 1
    ends = a["contact_firm"][keep], a["contact_key"][keep] + firms
    matrix = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(nodes, nodes)).tocsr()
    return _first_of(connected_components(matrix, directed=False)[1], firms)


def rings_duckdb(a: Arrays, firms: int) -> np.ndarray:
    """Lowest labels passed on along shared keys until none changes."""
    import duckdb

    keep = _joining(a)
    con = duckdb.connect(config={"threads": 1})
    con.register("given", _arrow({"firm": a["contact_firm"][keep], "key": a["contact_key"][keep]}))
    con.execute("CREATE TABLE pair AS SELECT * FROM given")
    con.execute("CREATE TABLE label AS SELECT range::INTEGER AS firm, range AS low FROM range($1)", [firms])
    while True:
        con.execute("""
            CREATE OR REPLACE TABLE fresh AS
            WITH of_key AS (SELECT key, min(low) AS low FROM pair JOIN label USING (firm) GROUP BY key)
            SELECT label.firm, least(min(label.low), coalesce(min(of_key.low), min(label.low))) AS low
            FROM label LEFT JOIN pair USING (firm) LEFT JOIN of_key USING (key) GROUP BY label.firm
        """)
        moved = con.execute("SELECT count(*) FROM fresh JOIN label USING (firm) WHERE fresh.low <> label.low")
        done = moved.fetchall()[0][0] == 0
        con.execute("DROP TABLE label; ALTER TABLE fresh RENAME TO label")
        if done:
            return con.sql("SELECT low FROM label ORDER BY firm").fetchnumpy()["low"]


def hops_networkx(a: Arrays, firms: int) -> np.ndarray:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(firms))
    graph.add_edges_from(zip(a["one"].tolist(), a["other"].tolist(), strict=True))
    bad = set(np.flatnonzero(a["bad"]).tolist())
    rows = []
    for firm in range(firms):
        near = set(graph[firm])
        far = {u for w in near if len(graph[w]) <= HUB for u in graph[w]} - near - {firm}
        rows.append((len(near), len(near & bad), len(far), len(far & bad)))
    return np.array(rows)


def hops_scipy(a: Arrays, firms: int) -> np.ndarray:
    """Sparse products; all pairs two ties apart stand in memory."""
    from scipy.sparse import coo_array, diags_array

    ends = np.concatenate([a["one"], a["other"]]), np.concatenate([a["other"], a["one"]])
    near = coo_array((np.ones(len(ends[0]), np.float32), ends), shape=(firms, firms)).tocsr()
    passed = diags_array((near.sum(axis=1) <= HUB).astype(np.float32))
    far = (near @ passed @ near).tocsr()
    far.data[:] = 1.0
    far = (far - far.multiply(near)).tocsr()
    far.setdiag(0)
    far.eliminate_zeros()
    bad = a["bad"].astype(np.float32)
    columns = [near.sum(axis=1), near @ bad, far.sum(axis=1), far @ bad]
    return np.column_stack(columns).round().astype(np.int64)


def hops_duckdb(a: Arrays, firms: int) -> np.ndarray:
    sql = f"""
        WITH tie AS (SELECT one AS a, other AS b FROM pair UNION ALL SELECT other, one FROM pair),
        passed AS (SELECT * FROM tie WHERE a IN (SELECT a FROM tie GROUP BY a HAVING count(*) <= {HUB})),
        far AS (SELECT DISTINCT t.a, p.b FROM tie t JOIN passed p ON p.a = t.b WHERE p.b <> t.a),
        further AS (SELECT * FROM far ANTI JOIN tie USING (a, b)),
        n AS (SELECT a, count(*) AS near, count(*) FILTER (bad) AS near_bad
            FROM tie JOIN firm ON id = b GROUP BY a),
        f AS (SELECT a, count(*) AS far, count(*) FILTER (bad) AS far_bad
            FROM further JOIN firm ON id = b GROUP BY a)
        SELECT coalesce(near, 0) AS near, coalesce(near_bad, 0) AS near_bad, coalesce(far, 0) AS far,
            coalesce(far_bad, 0) AS far_bad
        FROM firm LEFT JOIN n ON n.a = id LEFT JOIN f ON f.a = id ORDER BY id
    """  # noqa: S608 - our own numbers
    tables = {"pair": {name: a[name] for name in ("one", "other")}}
    tables["firm"] = {"id": np.arange(firms, dtype=np.int32), "bad": a["bad"]}
    return np.column_stack(list(_duckdb(tables, sql).values()))


def _duckdb(tables: dict[str, Arrays], sql: str) -> dict[str, np.ndarray]:
    import duckdb

    con = duckdb.connect(config={"threads": 1, "memory_limit": "8GB"})
    for name, columns in tables.items():
        con.register(f"given_{name}", _arrow(columns))
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM given_{name}")  # noqa: S608 - our own names
    found: dict[str, np.ndarray] = con.sql(sql).fetchnumpy()
    return found


def _arrow(columns: Arrays) -> Any:  # noqa: ANN401 - an Arrow table
    import pyarrow as pa

    return pa.table(columns)
