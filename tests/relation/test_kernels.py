"""Communities, proximity, neighbourhoods, stress, tiers and chains against plain oracles."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relation.graphs import Edge, graph, graphs
from xinqiao.relation.community import louvain, modularity
from xinqiao.relation.contagion import direct_stress, spread_stress
from xinqiao.relation.csr import Csr, both_ways
from xinqiao.relation.neighbours import neighbours, sharing
from xinqiao.relation.proximity import percentile, personalised_pagerank
from xinqiao.relation.reach import depth, reach
from xinqiao.relation.tiers import cores, tiers

Drawn = tuple[int, list[Edge]]


def undirected(built: Csr) -> nx.Graph:
    peer = nx.Graph()
    peer.add_nodes_from(range(built.nodes))
    peer.add_weighted_edges_from(zip(built.sources().tolist(), built.to.tolist(), built.weight, strict=True))
    return peer


@given(graphs(10, 24), st.integers(0, 3))
def test_louvain_beats_no_partition_and_measures_as_networkx(drawn: Drawn, seed: int) -> None:
    built = both_ways(graph(*drawn))
    label = louvain(built, seed)
    if not len(built.to):
        assert label.tolist() == list(range(built.nodes))
        return
    groups = [set(np.flatnonzero(label == value).tolist()) for value in range(label.max() + 1)]
    ours = modularity(built, label)
    assert ours == pytest.approx(nx.community.modularity(undirected(built), groups))
    assert ours >= modularity(built, np.arange(built.nodes, dtype=np.int32)) - 1e-12
    assert ours >= -1e-12
    best = max(
        nx.community.modularity(
            undirected(built), nx.community.louvain_communities(undirected(built), seed=s)
        )
        for s in range(3)
    )
    assert ours >= best - 0.12
    assert (louvain(built, seed) == label).all()


def test_louvain_finds_what_is_there() -> None:
    edges = [(a + 6 * k, b + 6 * k, 1.0) for k in range(4) for a in range(6) for b in range(a)]
    bridges = [(0, 6, 1.0), (7, 12, 1.0), (13, 18, 1.0)]
    assert louvain(both_ways(graph(24, edges + bridges))).tolist() == [k for k in range(4) for _ in range(6)]


@given(graphs(), st.data())
def test_pagerank_within_its_error(drawn: Drawn, data: st.DataObject) -> None:
    built = both_ways(graph(*drawn))
    seeds = data.draw(st.lists(st.integers(0, built.nodes - 1), min_size=1, unique=True))
    found, error = personalised_pagerank(built, np.array(seeds, np.int32), waiting=1e-4)
    peer = undirected(built)
    peer.add_edges_from((v, v) for v in range(built.nodes) if not built.degree[v])
    start = {v: float(v in seeds) for v in range(built.nodes)}
    exact = nx.pagerank(peer, alpha=0.85, personalization=start, max_iter=1000, tol=1e-12)
    for v in range(built.nodes):
        assert found[v] <= exact[v] + 1e-8
        assert exact[v] <= found[v] + error + 1e-8
    assert found.sum() + error == pytest.approx(1)


def test_percentile_counts_those_with_less() -> None:
    value, counted = np.array([0.0, 0.0, 0.5, 0.9]), np.array([True, True, True, False])
    assert percentile(value, counted).tolist() == [0, 0, pytest.approx(2 / 3), 1]


@given(graphs(10, 24), st.integers(1, 5), st.data())
def test_two_hops(drawn: Drawn, hub: int, data: st.DataObject) -> None:
    built = both_ways(graph(*drawn))
    bad = np.array(data.draw(st.lists(st.booleans(), min_size=built.nodes, max_size=built.nodes)))
    found = neighbours(built, bad, hub)
    peer = undirected(built)
    for v in range(built.nodes):
        near = set(peer[v])
        through = {w for w in near if len(peer[w]) <= hub}
        far = {u for w in through for u in peer[w]} - near - {v}
        assert (found.near[v], found.near_bad[v]) == (len(near), sum(bad[list(near)]))
        assert (found.far[v], found.far_bad[v]) == (len(far), sum(bad[list(far)]))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4))), st.integers(1, 4))
def test_firms_sharing_keys(pairs: list[tuple[int, int]], cap: int) -> None:
    firm, key = (np.array([pair[k] for pair in pairs], np.int32) for k in (0, 1))
    built, count = sharing(7, firm, key, cap)
    holders = {k: {f for f, other in pairs if other == k} for k in range(5)}
    assert count.tolist() == [len(holders[k]) for k in range(len(count))]
    for a in range(7):
        shared = {
            b: sum({a, b} <= holders[k] for k in range(5) if len(holders[k]) <= cap)
            for b in range(7)
            if b != a
        }
        rows = slice(built.start[a], built.start[a + 1])
        got = dict(zip(built.to[rows].tolist(), built.weight[rows].tolist(), strict=True))
        assert got == {b: times for b, times in shared.items() if times}


@given(graphs(), st.data())
def test_stress_by_the_published_rule(drawn: Drawn, data: st.DataObject) -> None:
    built = graph(*drawn).merged()
    failing = np.array(data.draw(st.lists(st.booleans(), min_size=built.nodes, max_size=built.nodes)))
    edges = list(zip(built.sources().tolist(), built.to.tolist(), built.weight.tolist(), strict=True))
    stress = [float(f) for f in failing]
    state = ["distressed" if f else "undistressed" for f in failing]
    for _ in range(4):
        given_on = [(i, w * stress[j]) for j, i, w in edges if state[j] == "distressed"]
        state = ["inactive" if s == "distressed" else s for s in state]
        for i, more in given_on:
            stress[i] = min(1.0, stress[i] + more)
        state = [
            "distressed" if s == "undistressed" and h > 0 else s for s, h in zip(state, stress, strict=True)
        ]
    direct = [min(1.0, sum(w for j, i, w in edges if i == v != j and failing[j])) for v in range(built.nodes)]
    np.testing.assert_allclose(direct_stress(built, failing), direct)
    expected = [direct[v] if failing[v] else stress[v] for v in range(built.nodes)]
    np.testing.assert_allclose(spread_stress(built, failing, steps=4), expected, atol=1e-12)


def test_stress_of_a_chain() -> None:
    # 0 fails; 1 sells half to 0; 2 sells 40 % to 1
    built = graph(3, [(0, 1, 0.5), (1, 2, 0.4)])
    failing = np.array([True, False, False])
    assert direct_stress(built, failing).tolist() == [0, 0.5, 0]
    assert spread_stress(built, failing).tolist() == [0, 0.5, pytest.approx(0.2)]


def test_tiers_of_a_chain_with_purchases_from_outside() -> None:
    # 0 buys from nobody here, 1 buys all from 0, 2 buys half from 1 and half from outside
    found = tiers(graph(3, [(1, 0, 10), (2, 1, 5)]), np.array([0.0, 10.0, 10.0]))
    assert found.tolist() == [1, 2, 2]


@given(graphs())
def test_tiers_solve_their_equation(drawn: Drawn) -> None:
    built = graph(*drawn).merged()
    w = built.matrix().toarray()
    total = w.sum(axis=1) * 1.5  # a third comes from outside
    exact = np.linalg.solve(
        np.eye(built.nodes) - w / np.maximum(total, 1e-300)[:, None], np.ones(built.nodes)
    )
    np.testing.assert_allclose(tiers(built, total), exact, rtol=1e-6)


def test_core_firms() -> None:
    sales = graph(5, [(1, 0, 60), (2, 0, 40), (3, 0, 30), (4, 0, 10), (4, 1, 80)])
    found = cores(sales, np.array([0.0, 100, 100, 100, 100]), 0.3, 3)
    assert found.is_core.tolist() == [True, False, False, False, False]
    assert found.dependants.tolist() == [3, 1, 0, 0, 0]
    assert found.core.tolist() == [-1, 0, 0, 0, 0]
    np.testing.assert_allclose(found.share, [0, 0.6, 0.4, 0.3, 0.1])


@given(graphs())
def test_chains_and_reach(drawn: Drawn) -> None:
    nodes, edges = drawn
    digraph = nx.DiGraph([(a, b) for a, b, _ in edges])
    digraph.add_nodes_from(range(nodes))
    condensed = nx.condensation(digraph)
    longest = {}
    for c in reversed(list(nx.topological_sort(condensed))):
        longest[c] = max((longest[d] + 1 for d in condensed[c]), default=0)
    mapping = condensed.graph["mapping"]
    built = graph(nodes, edges)
    assert depth(built).tolist() == [longest[mapping[v]] for v in range(nodes)]
    assert reach(built, 3).tolist() == [min(3, len(nx.descendants(digraph, v))) for v in range(nodes)]
