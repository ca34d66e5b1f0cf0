"""Directed graphs as compressed sparse rows: nodes are numbers, rows of an array are their edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from xinqiao.relation.compiled import Codes, Flags, Floats, Ints, compiled


@dataclass(frozen=True, slots=True)
class Csr:
    """Edges by their first node: those of node v are ``start[v]`` to ``start[v + 1]``.

    ``to`` is the other end, ``weight`` the edge's weight, ``edge`` its place in the lists it was
    made from (-1 where parallel edges were added up). Within a node, edges stand by ``to``, then by place.
    """

    start: Ints
    to: Codes
    weight: Floats
    edge: Ints

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.start) - 1

    @property
    def degree(self) -> Ints:
        """Edges of each node."""
        return np.diff(self.start)

    def sources(self) -> Codes:
        """The first node of every edge."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), self.degree)

    def reversed(self) -> Csr:
        """The same edges from their other ends."""
        return _ordered(self.nodes, self.to, self.sources(), self.weight, self.edge)

    def merged(self) -> Csr:
        """Parallel edges added up to one."""
        if not len(self.to):
            return self
        source = self.sources()
        first = np.ones(len(self.to), bool)
        first[1:] = (source[1:] != source[:-1]) | (self.to[1:] != self.to[:-1])
        place = np.flatnonzero(first)
        single = np.diff(np.append(place, len(self.to))) == 1
        weight = np.add.reduceat(self.weight, place)
        start = _starts(source[place], self.nodes)
        return Csr(start, self.to[place], weight, np.where(single, self.edge[place], -1))

    def kept(self, keep: Flags) -> Csr:
        """Only the edges where ``keep`` holds."""
        total = np.zeros(len(keep) + 1, np.int64)
        np.cumsum(keep, out=total[1:])
        return Csr(total[self.start], self.to[keep], self.weight[keep], self.edge[keep])

    def matrix(self) -> csr_array:
        """As a scipy matrix; parallel edges stay apart."""
        return csr_array((self.weight, self.to, self.start), shape=(self.nodes, self.nodes))


def from_edges(nodes: int, source: Codes, to: Codes, weight: Floats | None = None) -> Csr:
    """The graph of the edges ``source[i] -> to[i]``; without ``weight`` each weighs 1."""
    weight = np.ones(len(source)) if weight is None else np.asarray(weight, np.float64)
    return _ordered(nodes, source, to, weight, np.arange(len(source), dtype=np.int64))


def _starts(source: Codes, nodes: int) -> Ints:
    start = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=nodes), out=start[1:])
    return start


def _ordered(nodes: int, source: Codes, to: Codes, weight: Floats, edge: Ints) -> Csr:
    """By ``source``, then ``to``, then as given: two stable counting sorts."""
    by_end = _counted(_starts(to, nodes), to)
    order = by_end[_counted(_starts(source, nodes), source[by_end])]
    return Csr(_starts(source, nodes), to[order].astype(np.int32), weight[order], edge[order])


@compiled
def _counted(start: Ints, key: Codes) -> Ints:
    """The stable order of ``key``, whose values begin at ``start``."""
    at = start.copy()
    order = np.empty(len(key), np.int64)
    for i in range(len(key)):
        order[at[key[i]]] = i
        at[key[i]] += 1
    return order


def both_ways(graph: Csr) -> Csr:
    """The undirected graph: every edge from both ends, parallel ones added up, loops left out."""
    source = graph.sources()
    apart = source != graph.to
    ends = source[apart], graph.to[apart]
    weight = np.tile(graph.weight[apart], 2)
    return from_edges(graph.nodes, np.concatenate(ends), np.concatenate(ends[::-1]), weight).merged()
