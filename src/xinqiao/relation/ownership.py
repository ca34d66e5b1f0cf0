"""Who holds a firm in the end: stakes followed through all layers, circles solved exactly.

The ultimate stake of a holder at the end of the chains is its integrated ownership, the sum over all
paths of the products of the shares, paths that run round a circle included: with W the shares of direct
holders (row: firm), it is the holder's column of (I - W)^-1 W (F. Brioschi, L. Buzzacchi, M. Colombo,
Journal of Banking and Finance 13, 1989). Firms are settled owners first; the members of a circle
together, by elimination or, when they are many, by pushing with what is left told.

Holders at the end are people, and firms of whose holders nothing is recorded. For every firm

    sum of stakes + unknown + circular + rest = 1

``unknown``: equity whose holder or share is not recorded, ``circular``: held in a closed circle with
nobody at its end, ``rest``: stakes below the least followed. A holder's true stake lies between its
stake and stake + unknown + rest. Recorded shares above 100 % are scaled down to it.
"""

# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.relation.compiled import Codes, Floats, Ints, compiled
from xinqiao.relation.components import circles
from xinqiao.relation.csr import Csr

ELIMINATED = 96
"""Circles of more firms than this are pushed through, not eliminated."""
PUSHES = 20_000
"""Most steps of one firm's push through a great circle."""
UNKNOWN, CIRCULAR, REST = 0, 1, 2
"""Columns of what does not reach a holder."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """Ultimate holders of node v: ``holder`` and ``share`` from ``start[v]`` to ``end[v]``.

    ``lost`` has a row a node: its shares unknown, circular and below the least followed.
    """

    start: Ints
    end: Ints
    holder: Codes
    share: Floats
    lost: Floats

    def of(self, node: int) -> list[tuple[int, float]]:
        """Ultimate holders of ``node`` and their stakes, the largest first."""
        rows = slice(self.start[node], self.end[node])
        pairs = zip(self.holder[rows].tolist(), self.share[rows].tolist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def above(self, threshold: float) -> tuple[Codes, Codes, Floats]:
        """All stakes of at least ``threshold``: node, holder and share, by node."""
        return _above(self.start, self.end, self.holder, self.share, threshold, self.count(threshold))

    def largest(self) -> Floats:
        """The largest stake in every node; 0 when nothing reaches a holder."""
        return _largest(self.start, self.end, self.share)

    def count(self, threshold: float) -> Ints:
        """Ultimate holders with at least ``threshold`` of every node."""
        return _count(self.start, self.end, self.share, threshold)

    def stake(self, holder: Codes) -> Floats:
        """The stake of ``holder[v]`` in v; 0 where it has none or is -1."""
        return _stake(self.start, self.end, self.holder, self.share, holder)


def whole(holdings: Csr) -> tuple[Csr, Floats]:
    """``holdings`` (firm -> holder by share) scaled down to 100 % at most, and the sums before."""
    matrix = holdings.merged()
    total = np.zeros(matrix.nodes)
    np.add.at(total, matrix.sources(), matrix.weight)
    scale = 1 / np.maximum(total, 1.0)
    return Csr(matrix.start, matrix.to, matrix.weight * scale[matrix.sources()], matrix.edge), total


def ultimate_stakes(holdings: Csr, least: float = 1e-4) -> Stakes:
    """The ultimate holders of all nodes of ``holdings``: shares in (0, 1], adding up to 1 at most.

    A node without holders holds itself. A node whose only holders have no share recorded must be given
    to have holders by an edge of weight 0. Stakes below ``least`` are added up in ``rest``.
    """
    label, order = circles(holdings.kept(holdings.weight > 0))
    found = _stakes(holdings.start, holdings.to, holdings.weight, label, order, least)
    return Stakes(*found)


@compiled
def _visits(members: Codes, place: Codes, start: Ints, to: Codes, share: Floats) -> Floats:
    """(I - W)^-1 of a circle's ``members``: how often a walk from one comes by another.

    W is an M-matrix's complement: elimination needs no pivots.
    """
    k = len(members)
    left = np.eye(k)
    right = np.eye(k)
    for i in range(k):
        for e in range(start[members[i]], start[members[i] + 1]):
            if place[to[e]] >= 0:
                left[i, place[to[e]]] -= share[e]
    for p in range(k):
        pivot = left[p, p]
        left[p] /= pivot
        right[p] /= pivot
        for i in range(k):
            if i != p and left[i, p] != 0.0:
                factor = left[i, p]
                left[i] -= factor * left[p]
                right[i] -= factor * right[p]
    return right


@compiled
def _pushed(
    first: int, place: Codes, start: Ints, to: Codes, share: Floats, visit: Floats, left: Floats, least: float
) -> float:
    """Push a walk from ``first`` through its circle into ``visit``; the mass not followed to its end."""
    queue = [first]
    left[place[first]] = 1.0
    at = 0
    while at < len(queue) and at < PUSHES:
        v = queue[at]
        at += 1
        mass = left[place[v]]
        left[place[v]] = 0.0
        visit[place[v]] += mass
        for e in range(start[v], start[v + 1]):
            p = place[to[e]]
            if p >= 0:
                before = left[p]
                left[p] = before + mass * share[e]
                if before < least <= left[p]:
                    queue.append(to[e])
    rest = 0.0
    for v in queue:
        for e in range(start[v], start[v + 1]):
            if place[to[e]] >= 0:
                rest += left[place[to[e]]]
                left[place[to[e]]] = 0.0
    return rest


@compiled
def _closed(members: Codes, place: Codes, start: Ints, to: Codes, share: Floats) -> bool:
    """Whether the members hold one another wholly, so that nobody stands at the end."""
    for v in members:
        inside = 0.0
        for e in range(start[v], start[v + 1]):
            if place[to[e]] >= 0:
                inside += share[e]
        if inside < 1 - 1e-9:
            return False
    return True


@compiled
def _passed(
    v: int,
    x: int,
    times: float,
    shares: tuple[Ints, Codes, Floats, Codes],
    settled: tuple[Ints, Ints, Codes, Floats],
    lost: Floats,
    mass: Floats,
    touched: Codes,
    count: int,
) -> int:
    """Give v ``times`` what x gets from holders outside its circle; how many holders were ``touched``."""
    start, to, share, place = shares
    begin, end, who, part = settled
    known = 0.0
    for e in range(start[x], start[x + 1]):
        known += share[e]
        h = to[e]
        if place[h] >= 0 or share[e] == 0.0:
            continue
        w = times * share[e]
        for c in range(3):
            lost[v, c] += w * lost[h, c]
        for q in range(begin[h], end[h]):
            if mass[who[q]] == 0.0:
                touched[count] = who[q]
                count += 1
            mass[who[q]] += w * part[q]
    lost[v, UNKNOWN] += times * max(0.0, 1.0 - known)
    return count


@compiled
def _room(who: Codes, part: Floats, used: int, more: int) -> tuple[Codes, Floats]:
    """Both arrays, longer when ``more`` do not fit behind those ``used``."""
    if used + more <= len(who):
        return who, part
    wider, longer = np.empty(2 * len(who) + more, np.int32), np.empty(2 * len(who) + more)
    wider[:used], longer[:used] = who[:used], part[:used]
    return wider, longer


@compiled
def _stakes(
    start: Ints, to: Codes, share: Floats, label: Codes, order: Codes, least: float
) -> tuple[Ints, Ints, Codes, Floats, Floats]:
    n = len(start) - 1
    begin, end = np.zeros(n, np.int64), np.zeros(n, np.int64)
    who, part = np.empty(2 * n + 16, np.int32), np.empty(2 * n + 16)
    lost = np.zeros((n, 3))
    mass, touched = np.zeros(n), np.empty(n, np.int32)
    place = np.full(n, -1, np.int32)
    one, none, used, i = np.ones(1), np.zeros((1, 1)), 0, 0
    while i < n:
        first = order[i]
        if start[first] == start[first + 1]:  # nobody above it
            begin[first], end[first] = used, used + 1
            who, part = _room(who, part, used, 1)
            who[used], part[used] = first, 1.0
            used += 1
            i += 1
            continue
        j = i + 1
        while j < n and label[order[j]] == label[order[i]]:
            j += 1
        members = order[i:j]
        k = j - i
        i = j
        circle = k > 1
        for e in range(start[first], start[first + 1]):
            circle = circle or (to[e] == first and share[e] > 0)
        for m in range(k):
            place[members[m]] = m
        if circle and _closed(members, place, start, to, share):
            for v in members:
                lost[v, CIRCULAR] = 1.0
                begin[v] = end[v] = used
                place[v] = -1
            continue
        dense = circle and k <= ELIMINATED
        visits = _visits(members, place, start, to, share) if dense else none
        row = np.zeros(k) if circle else one
        left = np.zeros(k) if circle and not dense else one
        for m in range(k):
            v = members[m]
            if dense:
                row[:] = visits[m]
            elif circle:
                row[:] = 0.0
                lost[v, REST] += _pushed(v, place, start, to, share, row, left, least)
            count = 0
            for t in range(k):
                if row[t] != 0.0:
                    x, shares = members[t], (start, to, share, place)
                    count = _passed(v, x, row[t], shares, (begin, end, who, part), lost, mass, touched, count)
            who, part = _room(who, part, used, count)
            begin[v] = used
            for q in range(count):
                h = touched[q]
                if mass[h] >= least:
                    who[used], part[used] = h, mass[h]
                    used += 1
                else:
                    lost[v, REST] += mass[h]
                mass[h] = 0.0
            end[v] = used
        for v in members:
            place[v] = -1
    return begin, end, who[:used].copy(), part[:used].copy(), lost


@compiled
def _largest(start: Ints, end: Ints, share: Floats) -> Floats:
    out = np.zeros(len(start))
    for v in range(len(start)):
        for q in range(start[v], end[v]):
            out[v] = max(out[v], share[q])
    return out


@compiled
def _count(start: Ints, end: Ints, share: Floats, threshold: float) -> Ints:
    out = np.zeros(len(start), np.int64)
    for v in range(len(start)):
        for q in range(start[v], end[v]):
            out[v] += share[q] >= threshold - 1e-9
    return out


@compiled
def _above(
    start: Ints, end: Ints, holder: Codes, share: Floats, threshold: float, count: Ints
) -> tuple[Codes, Codes, Floats]:
    total = count.sum()
    node, who, part = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total)
    used = 0
    for v in range(len(start)):
        for q in range(start[v], end[v]):
            if share[q] >= threshold - 1e-9:
                node[used], who[used], part[used] = v, holder[q], share[q]
                used += 1
    return node, who, part


@compiled
def _stake(start: Ints, end: Ints, holder: Codes, share: Floats, wanted: Codes) -> Floats:
    out = np.zeros(len(start))
    for v in range(len(start)):
        for q in range(start[v], end[v]):
            if holder[q] == wanted[v]:
                out[v] = share[q]
    return out
