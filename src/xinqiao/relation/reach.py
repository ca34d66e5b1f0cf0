"""How far a chain of guarantees goes."""

from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Codes, Ints, compiled
from xinqiao.relation.components import circles
from xinqiao.relation.csr import Csr


def depth(graph: Csr) -> Ints:
    """Steps of the longest chain that starts at every node; a circle counts as one node."""
    label, order = circles(graph)
    return _depth(graph.start, graph.to, label, order)


@compiled
def _depth(start: Ints, to: Codes, label: Codes, order: Codes) -> Ints:
    deepest = np.zeros(len(start), np.int64)  # of a component: all it leads to come before it
    for v in order:
        for e in range(start[v], start[v + 1]):
            if label[to[e]] != label[v]:
                deepest[label[v]] = max(deepest[label[v]], deepest[label[to[e]]] + 1)
    return deepest[label]


def reach(graph: Csr, most: int) -> Ints:
    """Nodes that can be reached from every node, itself left out, counted up to ``most``."""
    return _reach(graph.start, graph.to, most)


@compiled
def _reach(start: Ints, to: Codes, most: int) -> Ints:
    n = len(start) - 1
    count = np.zeros(n, np.int64)
    seen = np.full(n, -1, np.int32)
    queue = np.empty(n, np.int32)
    for first in range(n):
        seen[first] = first
        queue[0] = first
        found, done = 1, 0
        while done < found <= most:
            v = queue[done]
            done += 1
            for e in range(start[v], start[v + 1]):
                if seen[to[e]] != first:
                    seen[to[e]] = first
                    queue[found] = to[e]
                    found += 1
        count[first] = min(found - 1, most)
    return count
