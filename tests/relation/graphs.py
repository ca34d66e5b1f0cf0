"""Small graphs drawn by hypothesis, and plain-Python oracles over lists of edges."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from xinqiao.relation.csr import Csr, from_edges

Edge = tuple[int, int, float]


def graph(nodes: int, edges: list[Edge]) -> Csr:
    source, to, weight = (np.array(column) for column in zip(*edges, strict=True)) if edges else ([], [], [])
    return from_edges(
        nodes, np.asarray(source, np.int32), np.asarray(to, np.int32), np.asarray(weight, np.float64)
    )


@st.composite
def graphs(draw: st.DrawFn, nodes: int = 8, edges: int = 20) -> tuple[int, list[Edge]]:
    """A directed graph with loops, parallel edges and weights of quarters."""
    count = draw(st.integers(1, nodes))
    node = st.integers(0, count - 1)
    weight = st.sampled_from([0.25, 0.5, 1.0, 2.0])
    return count, draw(st.lists(st.tuples(node, node, weight), max_size=edges))


@st.composite
def holdings(draw: st.DrawFn, firms: int = 6, people: int = 3) -> tuple[int, list[Edge]]:
    """Firms (the first nodes) and people; shares of tenths that add up to at most 1 a firm."""
    count, extra = draw(st.integers(1, firms)), draw(st.integers(0, people))
    edges: list[Edge] = []
    for firm in range(count):
        left = 10
        holders = draw(st.lists(st.integers(0, count + extra - 1), unique=True, max_size=4))
        for holder in holders:
            share = draw(st.integers(0, left))
            left -= share
            edges.append((firm, holder, share / 10))
    return count + extra, edges
