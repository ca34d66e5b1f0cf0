"""The mixed-integer program of a choice, as HiGHS (through SciPy) takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from xinqiao.kernel.errors import fail
from xinqiao.strategy.choice import Ints, Limit, Options
from xinqiao.strategy.churn import Floats

NODES = 20_000
"""Nodes the search may visit: a limit that, unlike seconds, gives the same plan on every machine."""
GAP = 1e-6
INFEASIBLE = 2
"""SciPy's status of a program that nothing fulfils."""


@dataclass(frozen=True)
class Relaxed:
    """The linear relaxation: multipliers of the limits, and share taken and steps of every option."""

    multipliers: Floats
    taken: Floats
    steps: Floats


class Program:
    """Variables y (option taken, 0 or 1) then m (steps above its least, 0 <= m <= (high - low) y).

    Profit is minimised with its sign turned; profit and limits are scaled to 1 for the solver's tolerances.
    """

    def __init__(self, options: Options, limits: Sequence[Limit]) -> None:
        count = len(options.company)
        self.options = options
        self.count = count
        self.scale = float(np.abs(options.unit * options.high).max()) or 1.0
        self.room = (options.high - options.low).astype(np.float64)
        self.cost = -self._row(options.fixed, options.unit) / self.scale
        one = sparse.csr_array((np.ones(count), (options.company, np.arange(count))))
        one = sparse.hstack([one, sparse.csr_array(one.shape)])
        most = sparse.hstack([sparse.diags_array(-self.room), sparse.eye_array(count)])
        rows = [self._row(limit.fixed, limit.unit)[None, :] for limit in limits]
        self.sizes = [max(float(np.abs(row).max()), 1e-12) for row in rows]
        scaled = [sparse.csr_array(row / size) for row, size in zip(rows, self.sizes, strict=True)]
        tops = [limit.most / size for limit, size in zip(limits, self.sizes, strict=True)]
        self.matrix = sparse.vstack([*scaled, one, most]).tocsr()
        self.top = np.concatenate([tops, np.ones(one.shape[0]), np.zeros(count)])
        self.bounds = np.column_stack([np.zeros(2 * count), np.concatenate([np.ones(count), self.room])])

    def _row(self, fixed: Floats, unit: Floats) -> Floats:
        """Coefficients of y and m for a sum of ``fixed`` + ``unit`` n."""
        return np.concatenate([fixed + unit * self.options.low, unit])

    def relaxation(self) -> Relaxed:
        """Solve without whole numbers. Raises UserError STR-INFEASIBLE, STR-SOLVER."""
        found = linprog(self.cost, A_ub=self.matrix, b_ub=self.top, bounds=self.bounds, method="highs")
        if not found.success:
            _fail(found.status, found.message)
        marginals = np.maximum(-found.ineqlin.marginals[: len(self.sizes)], 0)
        taken, above = found.x[: self.count], found.x[self.count :]
        multipliers = marginals * self.scale / np.array(self.sizes)
        return Relaxed(multipliers, taken, self.options.low * taken + above)

    def search(self) -> tuple[Ints, float, int]:
        """Steps of every option, an upper bound of profit and the nodes visited.

        Raises UserError STR-INFEASIBLE, STR-SOLVER.
        """
        found = milp(
            self.cost,
            integrality=np.ones(2 * self.count),
            bounds=Bounds(self.bounds[:, 0], self.bounds[:, 1]),
            constraints=LinearConstraint(self.matrix, -np.inf, self.top),
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
        if found.x is None:
            _fail(found.status, found.message)
        taken = np.round(found.x[: self.count]) > 0
        steps = np.where(taken, self.options.low + np.round(found.x[self.count :]), 0).astype(np.int64)
        return steps, float(-found.mip_dual_bound * self.scale), int(found.mip_node_count)


def _fail(status: int, message: str) -> None:
    if status == INFEASIBLE:
        fail("STR-INFEASIBLE", "caps", detail=message)
    fail("STR-SOLVER", "HiGHS", detail=message)
