"""Who casts the votes: the actual controller by majority, through all layers.

A holder controls a firm when the votes it holds itself and those held by firms it controls are more than
half of all votes: the least relation with that property (majority voting rule, L. Chapelle and
A. Szafarz, Physica A 355, 2005). The actual controller (实际控制人) is the
controller that nobody controls. It is at most one: two majorities of one firm share a holder, so one
controls the other. It is another matter than the ultimate stake: 51 % of 51 % casts all votes with a
stake of 26 %. Half and half is nobody's control.
"""

# ruff: noqa: C901, PLR0912, PLR0917 - a kernel takes its arrays by position and keeps its loops in one place
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.relation.compiled import Codes, Floats, Ints, compiled
from xinqiao.relation.components import circles
from xinqiao.relation.csr import Csr

AT_END, CONTROLLED, DISPERSED, UNCLEAR, CIRCULAR = range(5)
"""States: nobody holds it as far as recorded; controlled; no majority; shares not recorded might make one;
controlled by itself in a circle."""


@dataclass(frozen=True, slots=True)
class Control:
    """For every node: its controller (-1: none), the share of votes that it casts, layers, and its state.

    ``layers``: firms on the shortest chain down from the controller, 1 for a direct holding. ``state`` is
    that of the node at the top: a controller whose own control is UNCLEAR may not be the last one.
    """

    controller: Codes
    votes: Floats
    layers: Codes
    state: Codes


def control(holdings: Csr, majority: float = 0.5) -> Control:
    """The actual controllers of all nodes of ``holdings``: firm -> holder, shares adding up to 1 at most."""
    label, order = circles(holdings.kept(holdings.weight > 0))
    return Control(*_control(holdings.start, holdings.to, holdings.weight, label, order, majority + 1e-9))


@compiled
def _top(parent: Codes, v: int) -> int:
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@compiled
def _voter(
    v: int, start: Ints, to: Codes, share: Floats, parent: Codes, votes: Floats, majority: float
) -> tuple[int, float]:
    """The top that casts a majority in v (-1: none), and the largest block's share."""
    best, who = 0.0, -1
    for e in range(start[v], start[v + 1]):
        top = _top(parent, to[e])
        votes[top] += share[e]
        if votes[top] > best:
            best, who = votes[top], top
    for e in range(start[v], start[v + 1]):
        votes[_top(parent, to[e])] = 0.0
    return (who if best > majority else -1), best


@compiled
def _state(v: int, start: Ints, share: Floats, best: float, majority: float) -> int:
    """Of a node that nobody controls, whose largest block is ``best``."""
    if start[v] == start[v + 1]:
        return AT_END
    known = share[start[v] : start[v + 1]].sum()
    return UNCLEAR if best + max(0.0, 1.0 - known) > majority else DISPERSED


@compiled
def _control(
    start: Ints, to: Codes, share: Floats, label: Codes, order: Codes, majority: float
) -> tuple[Codes, Floats, Codes, Codes]:
    n = len(start) - 1
    parent = np.arange(n).astype(np.int32)
    votes = np.zeros(n)
    state = np.zeros(n, np.int32)
    layers = np.zeros(n, np.int32)
    i = 0
    while i < n:
        j = i + 1
        while j < n and label[order[j]] == label[order[i]]:
            j += 1
        changed = True
        while changed:  # in a circle one majority may make another
            changed = False
            for v in order[i:j]:
                if parent[v] == v and state[v] != CIRCULAR:
                    top, best = _voter(v, start, to, share, parent, votes, majority)
                    if top == v:
                        state[v] = CIRCULAR
                    elif top >= 0:
                        parent[v] = top
                        changed = j - i > 1
                    else:
                        state[v] = _state(v, start, share, best, majority)
        changed = True
        while changed:
            changed = False
            for v in order[i:j]:
                if parent[v] == v:
                    continue
                for e in range(start[v], start[v + 1]):
                    h = to[e]
                    near = layers[h] + 1 if h == _top(parent, v) or layers[h] else 0
                    same = share[e] > 0 and _top(parent, h) == _top(parent, v)
                    if same and near and (not layers[v] or near < layers[v]):
                        layers[v] = near
                        changed = j - i > 1
        i = j
    controller = np.full(n, -1, np.int32)
    cast = np.zeros(n)
    for v in range(n):
        top = _top(parent, v)
        if top == v:
            continue
        state[v] = state[top] if state[top] in (CIRCULAR, UNCLEAR) else CONTROLLED
        if state[top] == CIRCULAR:
            layers[v] = 0
            continue
        controller[v] = top
        for e in range(start[v], start[v + 1]):
            if _top(parent, to[e]) == top:
                cast[v] += share[e]
    return controller, cast, layers, state
