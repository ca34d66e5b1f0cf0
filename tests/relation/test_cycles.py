"""Cycles against networkx's enumeration."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relation.graphs import Edge, graph, graphs
from xinqiao.relation.cycles import Cycles, circled, shortest_cycle, simple_cycles


def listed(found: Cycles) -> list[tuple[int, ...]]:
    return [tuple(found.node[a:b].tolist()) for a, b in zip(found.start[:-1], found.start[1:], strict=True)]


def peer(nodes: int, edges: list[Edge], longest: int) -> list[tuple[int, ...]]:
    digraph = nx.DiGraph([(a, b) for a, b, _ in edges])
    digraph.add_nodes_from(range(nodes))
    cycles = nx.simple_cycles(digraph, length_bound=longest)
    return sorted(tuple(c[(k := c.index(min(c))) :] + c[:k]) for c in cycles)


@given(graphs(), st.integers(1, 3), st.integers(3, 6))
def test_equal_to_networkx(drawn: tuple[int, list[Edge]], shortest: int, longest: int) -> None:
    nodes, edges = drawn
    merged = graph(nodes, edges).merged()
    found = simple_cycles(merged, shortest, longest)
    assert sorted(listed(found)) == [c for c in peer(nodes, edges, longest) if len(c) >= shortest]
    assert not found.cut
    for i, cycle in enumerate(listed(found)):
        places = found.edge[found.start[i] : found.start[i + 1]]
        assert merged.to[places].tolist() == [*cycle[1:], cycle[0]]
        assert merged.sources()[places].tolist() == list(cycle)
        assert found.least[i] == merged.weight[places].min()


@given(graphs())
def test_shortest_cycle_through_every_node(drawn: tuple[int, list[Edge]]) -> None:
    nodes, edges = drawn
    found = shortest_cycle(graph(nodes, edges), 5)
    lengths = {
        node: [len(c) for c in peer(nodes, edges, 5) if node in c and len(c) > 1] for node in range(nodes)
    }
    assert found.tolist() == [min(lengths[node], default=0) for node in range(nodes)]


def test_a_hub_is_left_out_and_told() -> None:
    spokes: list[Edge] = [(0, k, 1.0) for k in range(1, 12)]
    edges = [*spokes, *[(b, a, w) for a, b, w in spokes], (12, 13, 1.0), (13, 12, 1.0)]
    found = simple_cycles(graph(14, edges), 2, 5, hub=10)
    assert listed(found) == [(12, 13)]
    assert found.skipped.tolist() == [0]


def test_the_limit_is_told() -> None:
    edges: list[Edge] = [(a, b, 1.0) for a in range(6) for b in range(6) if a != b]
    found = simple_cycles(graph(6, edges), 2, 5, limit=7)
    assert len(found) == 7
    assert found.cut
    with pytest.raises(ValueError, match="9 > 8"):
        simple_cycles(graph(6, edges), 2, 9)


def test_every_yuan_runs_in_a_circle_once() -> None:
    # 0 -> 1 -> 2 -> 0 of at least 5, and 0 -> 1 -> 3 -> 0 of at least 4: edge 0 -> 1 has 7 to give
    edges: list[Edge] = [(0, 1, 7), (1, 2, 5), (2, 0, 6), (1, 3, 4), (3, 0, 9)]
    merged = graph(4, edges).merged()
    taken = circled(simple_cycles(merged, 3, 5), merged.weight)
    by_edge = dict(zip(zip(merged.sources().tolist(), merged.to.tolist(), strict=True), taken, strict=True))
    assert by_edge == {(0, 1): 7, (1, 2): 5, (2, 0): 5, (1, 3): 2, (3, 0): 2}


@given(graphs())
def test_no_edge_gives_more_than_it_has(drawn: tuple[int, list[Edge]]) -> None:
    merged = graph(*drawn).merged()
    taken = circled(simple_cycles(merged, 2, 5), merged.weight)
    assert (taken >= 0).all()
    assert (taken <= merged.weight).all()
    # what runs in circles leaves a node as it comes in
    balance = np.zeros(merged.nodes)
    np.add.at(balance, merged.sources(), taken)
    np.subtract.at(balance, merged.to, taken)
    np.testing.assert_allclose(balance, 0, atol=1e-12)
