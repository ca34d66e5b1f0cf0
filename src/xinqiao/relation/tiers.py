"""Where a firm stands in its supply chains, and on whom it depends.

Tiers are mean numbers of stages: a firm's tier is 1 + the mean of its suppliers' tiers, weighted by
what it buys from each, purchases from outside the platform counting as stage 0 (trophic level,
S. Levine, J. Theoretical Biology 83, 1980; towards buyers it is the upstreamness of P. Antras,
D. Chor, T. Fally, R. Hillberry, American Economic Review 102, 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.relation.compiled import Codes, Flags, Floats, Ints, compiled
from xinqiao.relation.csr import Csr

SETTLED = 1e-9
LONGEST = 20.0
"""A tier above this is no place in a chain: the firms' money circles among themselves."""
ROUNDS = 60
"""Most rounds: money that circles so often without coming from outside is no supply chain."""


def tiers(trade: Csr, total: Floats) -> Floats:
    """The tier of every firm over the edges ``trade`` (firm -> the firms before it, weight: money).

    ``total``: all a firm's purchases, those from outside the platform included. Solved by rounds of
    Gauss-Seidel in the firms' order until no tier moves by 1e-9, or after `ROUNDS`.
    """
    return _tiers(trade.start, trade.to, trade.weight, total)


@compiled
def _tiers(start: Ints, to: Codes, weight: Floats, total: Floats) -> Floats:
    n = len(start) - 1
    tier = np.ones(n)
    for _ in range(ROUNDS):
        moved = 0.0
        for v in range(n):
            inside, known = 0.0, 0.0
            for e in range(start[v], start[v + 1]):
                inside += weight[e] * tier[to[e]]
                known += weight[e]
            whole = max(total[v], known)
            new = 1.0 + (inside / whole if whole > 0.0 else 0.0)
            moved = max(moved, abs(new - tier[v]))
            tier[v] = new
        if moved < SETTLED:
            break
    return tier


@dataclass(frozen=True, slots=True)
class Cores:
    """Core firms and who depends on them.

    ``dependants``: firms that sell at least the share to it. ``is_core``: these are enough.
    ``core`` is the core firm that takes the largest share of a firm's sales (-1: none), ``share`` that share.
    """

    dependants: Ints
    is_core: Flags
    core: Codes
    share: Floats


def cores(sales: Csr, total: Floats, share: float, least: int) -> Cores:
    """Core firms: at least ``least`` firms sell ``share`` or more of all their sales to it.

    ``sales``: seller -> buyer, weight: money; ``total``: all sales of every firm.
    """
    source = sales.sources()
    part = np.divide(sales.weight, total[source], out=np.zeros(len(source)), where=total[source] > 0)
    part = np.minimum(part, 1.0)
    dependants = np.bincount(sales.to[part >= share], minlength=sales.nodes).astype(np.int64)
    is_core = dependants >= least
    core, largest = np.full(sales.nodes, -1, np.int32), np.zeros(sales.nodes)
    to_core = np.flatnonzero(is_core[sales.to] & (part > 0))
    order = to_core[np.lexsort((-sales.to[to_core], part[to_core]))]  # the last assignment counts
    core[source[order]], largest[source[order]] = sales.to[order], part[order]
    return Cores(dependants, is_core, core, largest)
