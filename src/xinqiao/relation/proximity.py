"""Personalised PageRank: how often a walk that starts again at the seeds comes by a node.

R. Andersen, F. Chung, K. Lang, FOCS 2006 (push): the mass that waits at a node is settled there in part
and pushed on to its neighbours, until little waits anywhere. The error is known: what still waits.
"""

# ruff: noqa: PLR0917 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Codes, Flags, Floats, Ints, compiled
from xinqiao.relation.csr import Csr


def personalised_pagerank(
    graph: Csr, seeds: Codes, *, again: float = 0.15, waiting: float = 1e-7, pushes: int = 50_000_000
) -> tuple[Floats, float]:
    """The share of time a walk spends at every node, and its error: no value is too low by more.

    ``again``: chance of starting anew at a seed, drawn evenly, at each step. Steps go along edges in
    proportion to weight; at a node without edges the walk stays. Mass of ``waiting`` a unit
    of degree or less is not pushed on; no value is ever too high.
    """
    mass = np.zeros(graph.nodes)
    if len(seeds):
        np.add.at(mass, seeds, 1 / len(seeds))
    return _push(graph.start, graph.to, graph.weight, mass, np.unique(seeds), again, waiting, pushes)


@compiled
def _push(
    start: Ints,
    to: Codes,
    weight: Floats,
    mass: Floats,
    seeds: Codes,
    again: float,
    waiting: float,
    pushes: int,
) -> tuple[Floats, float]:
    n = len(start) - 1
    settled, left = np.zeros(n), mass.copy()
    queued = np.zeros(n, np.bool_)
    queue = np.empty(n + 1, np.int32)  # a ring: no node stands in it twice
    head, tail = 0, 0
    for s in seeds:
        queue[tail], queued[s] = s, True
        tail += 1
    done = 0
    while head != tail and done < pushes:
        v = queue[head]
        head = (head + 1) % (n + 1)
        queued[v] = False
        done += 1
        m = left[v]
        left[v] = 0.0
        total = weight[start[v] : start[v + 1]].sum()
        if total <= 0.0:
            settled[v] += m
            continue
        settled[v] += again * m
        for e in range(start[v], start[v + 1]):
            u = to[e]
            left[u] += (1 - again) * m * weight[e] / total
            degree = max(1, start[u + 1] - start[u])
            if not queued[u] and left[u] > waiting * degree:
                queue[tail], queued[u] = u, True
                tail = (tail + 1) % (n + 1)
    return settled, left.sum()


def percentile(value: Floats, counted: Flags) -> Floats:
    """Share of the ``counted`` nodes with less than each node has, 0 to 1."""
    ranked = np.sort(value[counted])
    return np.searchsorted(ranked, value, side="left") / max(1, len(ranked))
