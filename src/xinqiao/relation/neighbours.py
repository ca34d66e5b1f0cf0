"""Who stands one and two ties away, and how many of them are bad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from xinqiao.relation.compiled import Codes, Flags, Ints, compiled
from xinqiao.relation.csr import Csr, both_ways, from_edges


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For every node: other nodes one tie away, further ones two ties away, and the bad ones of each."""

    near: Ints
    near_bad: Ints
    far: Ints
    far_bad: Ints


def neighbours(graph: Csr, bad: Flags, hub: int) -> Neighbours:
    """Count the neighbourhood of every node of an undirected graph without parallel edges or loops.

    Nodes of more than ``hub`` edges are counted as neighbours but not passed through: what a great
    market or bank has in common with a firm says nothing.
    """
    return Neighbours(*_neighbours(graph.start, graph.to, bad, hub))


@compiled
def _neighbours(start: Ints, to: Codes, bad: Flags, hub: int) -> tuple[Ints, Ints, Ints, Ints]:
    n = len(start) - 1
    near, near_bad = np.zeros(n, np.int64), np.zeros(n, np.int64)
    far, far_bad = np.zeros(n, np.int64), np.zeros(n, np.int64)
    seen = np.full(n, -1, np.int32)
    for v in range(n):
        seen[v] = v
        for e in range(start[v], start[v + 1]):
            seen[to[e]] = v
            near[v] += 1
            near_bad[v] += bad[to[e]]
        for e in range(start[v], start[v + 1]):
            w = to[e]
            if start[w + 1] - start[w] > hub:
                continue
            for f in range(start[w], start[w + 1]):
                if seen[to[f]] != v:
                    seen[to[f]] = v
                    far[v] += 1
                    far_bad[v] += bad[to[f]]
    return near, near_bad, far, far_bad


def sharing(firms: int, firm: Codes, key: Codes, cap: int) -> tuple[Csr, Ints]:
    """Firms that share a key (a person, a telephone): every pair of them once from each end.

    ``key``: a number for each distinct key. Keys of more than ``cap`` firms join nobody: the product
    of firms and keys would be dense, and such a key (an agent, a tower block) says nothing of two
    firms. Returns the graph, weighted by keys shared, and the number of firms of every key.
    """
    if not len(firm):
        return from_edges(firms, firm, key), np.zeros(0, np.int64)
    pairs = np.unique(firm.astype(np.int64) * (int(key.max()) + 1) + key)
    firm, key = np.divmod(pairs, int(key.max()) + 1)
    count = np.bincount(key).astype(np.int64)
    keep = (count[key] <= cap) & (count[key] > 1)
    ones = np.ones(int(keep.sum()))
    held = csr_array((ones, (firm[keep], key[keep])), shape=(firms, len(count)))
    product = (held @ held.T).tocoo()
    row, column = product.coords
    apart = row < column
    graph = from_edges(
        firms, row[apart].astype(np.int32), column[apart].astype(np.int32), product.data[apart]
    )
    return both_ways(graph), count
