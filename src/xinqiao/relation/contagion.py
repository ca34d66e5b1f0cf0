"""How much of a firm's business hangs on firms that are failing.

DebtRank (S. Battiston, M. Puliga, R. Kaushik, P. Tasca, G. Caldarelli, Scientific Reports 2, 541, 2012):
failing firms have stress 1; a firm passes its stress on once, in the step after it first got any, in
proportion to how much each other firm depends on it; stress never exceeds 1. So every impact spreads
along each firm once and does not run round circles for ever.
"""

from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Codes, Flags, Floats, Ints, compiled
from xinqiao.relation.csr import Csr


def direct_stress(impact: Csr, failing: Flags) -> Floats:
    """Stress from failing neighbours alone, 0 to 1, themselves left out.

    ``impact``: edge j -> i, weight: the share of i that is lost when j fails.
    """
    source = impact.sources()
    hit = failing[source] & (source != impact.to)
    out = np.zeros(impact.nodes)
    np.add.at(out, impact.to[hit], impact.weight[hit])
    return np.minimum(out, 1.0)


def spread_stress(impact: Csr, failing: Flags, steps: int = 10) -> Floats:
    """Stress of every firm after at most ``steps`` steps; a failing firm has its direct stress only.

    What a failing firm would get back is the echo of its own failure, no news of its neighbours.
    """
    spread = _debtrank(impact.start, impact.to, impact.weight, failing, steps)
    return np.where(failing, direct_stress(impact, failing), spread)


@compiled
def _debtrank(start: Ints, to: Codes, weight: Floats, failing: Flags, steps: int) -> Floats:
    n = len(start) - 1
    stress = np.zeros(n)
    done = np.zeros(n, np.bool_)
    active = np.empty(n, np.int32)
    count = 0
    for v in range(n):
        if failing[v]:
            stress[v] = 1.0
            active[count] = v
            count += 1
    following = np.empty(n, np.int32)
    for _ in range(steps):
        passed = stress.copy()  # all of a step pass on what they had when it began
        for k in range(count):
            done[active[k]] = True
        fresh = 0
        for k in range(count):
            v = active[k]
            for e in range(start[v], start[v + 1]):
                u = to[e]
                before = stress[u]
                stress[u] = min(1.0, before + weight[e] * passed[v])
                if before == 0.0 and stress[u] > 0.0:
                    following[fresh] = u
                    fresh += 1
        active, following = following, active
        count = fresh
        if not count:
            break
    return stress
