"""Simple cycles of bounded length: firms that invoice, guarantee or pay in a circle.

A cycle is found once, from its lowest node, by a depth-first search that only steps where the way back
is still short enough (distances to the start, found first by a bounded search backwards), so work is
spent on cycles and not on dead ends. Nodes with more edges than the cap are left out and told.
"""

# ruff: noqa: C901, PLR0912, PLR0917, FBT001, FBT003 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.relation.compiled import Codes, Flags, Floats, Ints, compiled
from xinqiao.relation.components import circles, sizes
from xinqiao.relation.csr import Csr

FAR = 127
"""A distance that no search reaches."""
LONGEST = 8
"""Cycles of more steps are not asked for: their number explodes and their meaning fades."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycle i is ``node[start[i]:start[i + 1]]`` in order; ``least`` is the smallest weight on it.

    ``edge`` are the places, in the graph's arrays, of the edges that leave those nodes.
    ``skipped``: nodes left out by the hub cap. ``cut``: the limit was reached, there are more.
    """

    start: Ints
    node: Codes
    edge: Ints
    least: Floats
    skipped: Ints
    cut: bool

    def __len__(self) -> int:
        """The number of cycles."""
        return len(self.least)


def simple_cycles(
    graph: Csr, shortest: int, longest: int, *, hub: int = 1_000, limit: int = 1_000_000
) -> Cycles:
    """All simple cycles of ``shortest`` to ``longest`` nodes of a graph without parallel edges.

    Filter by weight first (``Csr.kept``). ``hub``: most edges of a node, in or out, inside its
    strongly connected component. At most ``limit`` cycles, lowest nodes first.
    """
    if longest > LONGEST:
        message = f"cycles of {longest} > {LONGEST} steps"
        raise ValueError(message)
    label, _ = circles(graph)
    place = np.flatnonzero(label[graph.sources()] == label[graph.to])
    inner = graph.kept(label[graph.sources()] == label[graph.to])
    back = inner.reversed()
    great = np.maximum(inner.degree, back.degree) > hub
    open_ = ~great
    start, node, edge, least, cut = _cycles(
        inner.start, inner.to, inner.weight, back.start, back.to, open_, shortest, longest, limit
    )
    return Cycles(start, node, place[edge], least, np.flatnonzero(great), bool(cut))


def shortest_cycle(graph: Csr, longest: int) -> Codes:
    """The length of the shortest cycle through every node, 0 when there is none up to ``longest``.

    A breadth-first search a node inside its strongly connected component; loops don't count.
    """
    label, _ = circles(graph)
    return _shortest(graph.start, graph.to, label, sizes(label), longest)


@compiled
def _cycles(
    start: Ints,
    to: Codes,
    weight: Floats,
    back_start: Ints,
    back_to: Codes,
    open_: Flags,
    shortest: int,
    longest: int,
    limit: int,
) -> tuple[Ints, Codes, Ints, Floats, bool]:
    n = len(start) - 1
    far = np.full(n, FAR, np.int8)  # steps back to the start of this search
    near = np.empty(n, np.int32)
    ends, nodes, edges, least = [0], [np.int32(0)], [np.int64(0)], [0.0]
    path, at = np.empty(longest, np.int32), np.empty(longest, np.int64)
    on = np.zeros(n, np.bool_)
    for first in range(n):
        if not open_[first] or start[first] == start[first + 1]:
            continue
        near[0], count, done = first, 1, 0
        far[first] = 0
        while done < count:
            v = near[done]
            done += 1
            if far[v] == longest - 1:
                break
            for e in range(back_start[v], back_start[v + 1]):
                u = back_to[e]
                if u > first and far[u] == FAR and open_[u]:
                    far[u] = far[v] + 1
                    near[count] = u
                    count += 1
        deep = 0
        path[0], at[0] = first, start[first]
        on[first] = True
        while deep >= 0:
            v = path[deep]
            if at[deep] == start[v + 1]:
                on[v] = False
                deep -= 1
                continue
            w = to[at[deep]]
            at[deep] += 1
            if w == first and deep + 1 >= shortest:
                if len(least) > limit:
                    return _packed(ends, nodes, edges, least, True)
                low = np.inf
                for k in range(deep + 1):
                    nodes.append(path[k])
                    edges.append(at[k] - 1)
                    low = min(low, weight[at[k] - 1])
                ends.append(len(nodes) - 1)
                least.append(low)
            elif w > first and not on[w] and far[w] < FAR and deep + 1 + far[w] <= longest:
                deep += 1
                path[deep], at[deep] = w, start[w]
                on[w] = True
        for k in range(count):
            far[near[k]] = FAR
    return _packed(ends, nodes, edges, least, False)


@compiled
def _packed(
    ends: list[int], nodes: list[np.int32], edges: list[np.int64], least: list[float], cut: bool
) -> tuple[Ints, Codes, Ints, Floats, bool]:
    """Lists begun with a filler, which gives them their type, as arrays."""
    return (
        np.array(ends),
        np.array(nodes)[1:].astype(np.int32),
        np.array(edges)[1:],
        np.array(least)[1:],
        cut,
    )


@compiled
def _shortest(start: Ints, to: Codes, label: Codes, size: Ints, longest: int) -> Codes:
    n = len(start) - 1
    found = np.zeros(n, np.int32)
    seen = np.full(n, -1, np.int32)
    queue, far = np.empty(n, np.int32), np.zeros(n, np.int32)
    for first in range(n):
        if size[first] == 1:
            continue
        queue[0], far[first], seen[first] = first, 0, first
        count, done = 1, 0
        while done < count and not found[first]:
            v = queue[done]
            done += 1
            if far[v] == longest:
                break
            for e in range(start[v], start[v + 1]):
                w = to[e]
                if w == first and v != first:
                    found[first] = far[v] + 1
                    break
                if seen[w] != first and label[w] == label[first]:
                    seen[w] = first
                    far[w] = far[v] + 1
                    queue[count] = w
                    count += 1
    return found


def circled(cycles: Cycles, weight: Floats) -> Floats:
    """The weight of every edge that can run in a circle: each unit counted once.

    Cycles are taken by their least weight, the greatest first; what one takes from its edges the
    next can't take again. With one cycle this is its least weight on each of its edges.
    """
    order = np.lexsort((np.arange(len(cycles)), -cycles.least))
    return _circled(cycles.start, cycles.edge, order, weight)


@compiled
def _circled(start: Ints, edge: Ints, order: Ints, weight: Floats) -> Floats:
    left = weight.copy()
    for i in order:
        low = np.inf
        for k in range(start[i], start[i + 1]):
            low = min(low, left[edge[k]])
        for k in range(start[i], start[i + 1]):
            left[edge[k]] -= low
    return weight - left
