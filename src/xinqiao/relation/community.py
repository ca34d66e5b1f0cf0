"""Communities: groups of nodes with more weight among them than their degrees would give by chance.

V. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre, J. Stat. Mech. P10008, 2008 (Louvain): nodes move
to the neighbouring community where modularity gains most, until none does; then communities become
nodes, and again. Deterministic: nodes are visited in an order drawn from the seed, and of equal gains
the first community met counts.
"""

# ruff: noqa: C901 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Codes, Floats, Ints, compiled
from xinqiao.relation.csr import Csr, from_edges

ROUNDS = 100
"""Most rounds over all nodes at one level; gains below 1e-12 don't move a node, so this is never met."""
LEVELS = 32
"""More levels than any graph has needed; each has fewer nodes than the one before."""


def louvain(graph: Csr, seed: int = 0, resolution: float = 1.0) -> Codes:
    """The community of every node of an undirected graph (`csr.both_ways`), numbered by first node."""
    label = np.arange(graph.nodes, dtype=np.int32)
    for level in range(LEVELS):
        order = np.random.default_rng([seed, level]).permutation(graph.nodes).astype(np.int32)
        moved, changed = _moved(graph.start, graph.to, graph.weight, order, resolution)
        if not changed:
            break
        moved = numbered(moved)
        label = moved[label]
        source, to = moved[graph.sources()], moved[graph.to]
        graph = from_edges(int(moved.max()) + 1, source, to, graph.weight).merged()
    return numbered(label)


def modularity(graph: Csr, label: Codes, resolution: float = 1.0) -> float:
    """M. Newman's modularity of a partition, -1/2 to 1; loops count twice, as they are stored."""
    total = float(graph.weight.sum())
    if not total:
        return 0.0
    source = graph.sources()
    inside = graph.weight[label[source] == label[graph.to]].sum() / total
    ends = np.bincount(label[source], graph.weight, int(label.max()) + 1) / total
    return float(inside - resolution * (ends**2).sum())


def numbered(label: Codes) -> Codes:
    """The same groups, numbered in the order of their first nodes."""
    if not len(label):
        return label
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse].astype(np.int32)


@compiled
def _moved(start: Ints, to: Codes, weight: Floats, order: Codes, resolution: float) -> tuple[Codes, bool]:
    n = len(start) - 1
    total = weight.sum()
    label = np.arange(n).astype(np.int32)
    degree = np.zeros(n)
    for v in range(n):
        for e in range(start[v], start[v + 1]):
            degree[v] += weight[e]
    ends = degree.copy()  # of each community
    link = np.zeros(n)  # weight from the node at hand to each community met
    met = np.empty(n, np.int32)
    changed, again, rounds = False, total > 0, 0
    while again and rounds < ROUNDS:
        again = False
        rounds += 1
        for v in order:
            own, count = label[v], 0
            for e in range(start[v], start[v + 1]):
                c = label[to[e]]
                if to[e] == v:
                    continue
                if link[c] == 0.0:
                    met[count] = c
                    count += 1
                link[c] += weight[e]
            ends[own] -= degree[v]
            scale = resolution * degree[v] / total
            best, gain = own, link[own] - scale * ends[own]
            for k in range(count):
                c = met[k]
                if link[c] - scale * ends[c] > gain + 1e-12:
                    best, gain = c, link[c] - scale * ends[c]
            for k in range(count):
                link[met[k]] = 0.0
            ends[best] += degree[v]
            if best != own:
                label[v] = best
                again = changed = True
    return label, changed
