"""Strongly and weakly connected components, in time linear in the edges, without recursion."""

# ruff: noqa: C901 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Codes, Ints, compiled
from xinqiao.relation.csr import Csr


def circles(graph: Csr) -> tuple[Codes, Codes]:
    """Strongly connected components (R. Tarjan, SIAM J. Computing 1, 1972).

    Returns the component of every node, numbered so that an edge never leads to a higher number, and
    all nodes in the order of their components.
    """
    return _tarjan(graph.start, graph.to)


def components(graph: Csr) -> Codes:
    """The connected component of every node, directions left out, numbered by their first node."""
    return _joined(graph.start, graph.to)


def sizes(label: Codes) -> Ints:
    """For every node, how many nodes bear its label."""
    return np.bincount(label)[label].astype(np.int64) if len(label) else np.zeros(0, np.int64)


@compiled
def _tarjan(start: Ints, to: Codes) -> tuple[Codes, Codes]:
    n = len(start) - 1
    label = np.full(n, -1, np.int32)
    found = np.zeros(n, np.int32)  # order of discovery from 1, 0: not yet
    low = np.zeros(n, np.int32)
    at = start[:-1].copy()
    path = np.empty(n, np.int32)  # the depth-first path
    held = np.empty(n, np.int32)  # found, component not yet closed
    order = np.empty(n, np.int32)
    deep, waiting, clock, number, closed = 0, 0, 0, 0, 0
    for root in range(n):
        if found[root]:
            continue
        path[0], deep = root, 1
        while deep:
            v = path[deep - 1]
            if not found[v]:
                clock += 1
                found[v] = low[v] = clock
                held[waiting] = v
                waiting += 1
            if at[v] < start[v + 1]:
                w = to[at[v]]
                at[v] += 1
                if not found[w]:
                    path[deep] = w
                    deep += 1
                elif label[w] < 0:
                    low[v] = min(low[v], found[w])
                continue
            deep -= 1
            if deep:
                low[path[deep - 1]] = min(low[path[deep - 1]], low[v])
            if low[v] == found[v]:
                while True:
                    waiting -= 1
                    w = held[waiting]
                    label[w] = number
                    order[closed] = w
                    closed += 1
                    if w == v:
                        break
                number += 1
    return label, order


@compiled
def _joined(start: Ints, to: Codes) -> Codes:
    n = len(start) - 1
    parent = np.arange(n).astype(np.int32)
    for v in range(n):
        for e in range(start[v], start[v + 1]):
            a, b = v, to[e]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            if a < b:
                parent[b] = a
            elif b < a:
                parent[a] = b
    label = np.empty(n, np.int32)
    number = 0
    for v in range(n):  # a root is the lowest node of its component: its number is known before theirs
        if parent[v] == v:
            label[v] = number
            number += 1
        else:
            a = parent[v]
            while parent[a] != a:
                a = parent[a]
            label[v] = label[a]
    return label
