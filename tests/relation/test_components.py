"""Components and arrays of edges against networkx and plain lists."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given

from tests.relation.graphs import Edge, graph, graphs
from xinqiao.relation.components import circles, components, sizes
from xinqiao.relation.csr import both_ways


def groups(label: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(label == value).tolist()) for value in label}


def peer(nodes: int, edges: list[Edge]) -> nx.DiGraph:
    digraph = nx.DiGraph([(a, b) for a, b, _ in edges])
    digraph.add_nodes_from(range(nodes))
    return digraph


@given(graphs())
def test_equal_to_networkx(drawn: tuple[int, list[Edge]]) -> None:
    built, digraph = graph(*drawn), peer(*drawn)
    label, order = circles(built)
    assert groups(label) == set(map(frozenset, nx.strongly_connected_components(digraph)))
    assert (label[built.sources()] >= label[built.to]).all()
    assert sorted(order.tolist()) == list(range(built.nodes))
    assert (np.diff(label[order]) >= 0).all()
    joined = components(built)
    assert groups(joined) == set(map(frozenset, nx.weakly_connected_components(digraph)))
    assert list(dict.fromkeys(joined.tolist())) == list(range(joined.max() + 1))
    assert sizes(joined).tolist() == [int((joined == label).sum()) for label in joined]


@given(graphs())
def test_edges_are_kept_by_their_ends(drawn: tuple[int, list[Edge]]) -> None:
    nodes, edges = drawn
    built = graph(nodes, edges)
    listed = list(zip(built.sources().tolist(), built.to.tolist(), built.weight.tolist(), strict=True))
    assert listed == sorted(edges, key=lambda edge: edge[:2])
    assert [edges[i] for i in built.edge] == listed
    back = built.reversed()
    assert sorted(
        zip(back.to.tolist(), back.sources().tolist(), back.weight.tolist(), strict=True)
    ) == sorted(edges)
    total = {edge[:2]: sum(w for a, b, w in edges if (a, b) == edge[:2]) for edge in edges}
    merged = built.merged()
    pairs = zip(merged.sources().tolist(), merged.to.tolist(), strict=True)
    assert dict(zip(pairs, merged.weight.tolist(), strict=True)) == total
    matrix = both_ways(built).matrix().toarray()
    assert (matrix == matrix.T).all()
    assert not matrix.diagonal().any()
