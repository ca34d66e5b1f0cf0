"""The best choice (最优选择): one option or none for each company, a whole number of steps, under limits.

A multiple-choice knapsack with semi-continuous amounts, solved as a mixed-integer program by HiGHS.
Two upper bounds stand beside the value found: the solver's dual bound, and our own Lagrangian bound,

    L(m) = m.most + sum over companies of max(0, max over its options and n in {low, high} of
           (fixed - m.fixed_use) + (unit - m.unit_use) n),

which holds for any multipliers m >= 0 (weak duality), however they were found; it is worked out here
without the solver. At the multipliers of the linear relaxation it is that relaxation's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from xinqiao.kernel.errors import fail
from xinqiao.strategy.churn import Floats

Ints = NDArray[np.int64]
NODES = 20_000
"""Nodes the search may visit: a limit that, unlike seconds, gives the same plan on every machine."""
GAP = 1e-6


@dataclass(frozen=True)
class Options:
    """What may be done, one row an option, shape (options,); amounts in whole steps from low to high.

    Profit of an option taken with n steps is ``fixed`` + ``unit`` n, in CNY.
    """

    company: Ints
    choice: Ints
    fixed: Floats
    unit: Floats
    low: Ints
    high: Ints

    def take(self, rows: NDArray[np.bool_]) -> Options:
        """Some of the options."""
        return Options(*(getattr(self, f)[rows] for f in self.__dataclass_fields__))


@dataclass(frozen=True)
class Limit:
    """Over all options taken, the sum of ``fixed`` + ``unit`` n is at most ``most``."""

    name: str
    fixed: Floats
    unit: Floats
    most: float

    def used(self, steps: Ints) -> float:
        """What the steps of each option use."""
        return float((self.fixed * (steps > 0) + self.unit * steps).sum())


@dataclass(frozen=True)
class Optimum:
    """Steps of each option, the profit they bring, the bounds on any profit, and the limits' multipliers.

    ``multipliers``: CNY of profit that one more unit of a limit would bring (shadow price), per limit.
    """

    steps: Ints
    value: float
    solver_bound: float
    own_bound: float
    multipliers: Floats
    nodes: int
    options: int

    @property
    def bound(self) -> float:
        """The tighter of the two upper bounds."""
        return max(self.value, min(self.solver_bound, self.own_bound))

    @property
    def gap(self) -> float:
        """How far the value may lie below the best possible, as a share of the bound."""
        return (self.bound - self.value) / abs(self.bound) if self.bound else 0.0


def solve(options: Options, limits: Sequence[Limit]) -> Optimum:
    """The best choice. Raises UserError STR-INFEASIBLE, STR-SOLVER."""
    kept = efficient(options, limits)
    narrow, tight = options.take(kept), [_take(limit, kept) for limit in limits]
    if not len(narrow.company):
        return _nothing(options, limits)
    program = _Program(narrow, tight)
    multipliers = program.relaxation()
    steps, bound, nodes = program.search()
    steps = _repair(steps, narrow, tight)
    every = np.zeros(len(options.company), dtype=np.int64)
    every[kept] = steps
    return Optimum(
        steps=every,
        value=profit(options, every),
        solver_bound=bound,
        own_bound=lagrangian(options, limits, multipliers),
        multipliers=multipliers,
        nodes=nodes,
        options=int(kept.sum()),
    )


def profit(options: Options, steps: Ints) -> float:
    """Profit of ``steps`` in CNY."""
    return float((options.fixed * (steps > 0) + options.unit * steps).sum())


def lagrangian(options: Options, limits: Sequence[Limit], multipliers: Floats) -> float:
    """The upper bound L(m) of the module's words, for any multipliers >= 0."""
    fixed, unit, total = options.fixed.copy(), options.unit.copy(), 0.0
    for m, limit in zip(np.maximum(multipliers, 0), limits, strict=True):
        fixed -= m * limit.fixed
        unit -= m * limit.unit
        total += m * limit.most
    best = fixed + np.maximum(unit * options.low, unit * options.high)
    count = int(options.company.max(initial=-1)) + 1
    each = np.zeros(count)
    np.maximum.at(each, options.company, best)
    return float(total + each.sum())


def efficient(options: Options, limits: Sequence[Limit]) -> NDArray[np.bool_]:
    """Options not beaten by another of the same company in profit and in the use of every limit."""
    marks = [-options.fixed, -options.unit, *(part for limit in limits for part in (limit.fixed, limit.unit))]
    table = np.column_stack(marks)
    keep = np.zeros(len(options.company), dtype=np.bool_)
    for company in np.unique(options.company):
        rows = np.flatnonzero(options.company == company)
        mine = table[rows]
        no_worse = (mine[:, None, :] <= mine[None, :, :]).all(axis=2)
        better = no_worse & ~(no_worse.T & np.tri(len(rows), k=-1, dtype=np.bool_))  # of equals the first
        np.fill_diagonal(better, val=False)
        keep[rows] = ~better.any(axis=0)
    helps = any((limit.fixed < 0).any() or (limit.unit < 0).any() for limit in limits)
    if not helps:  # an option that earns nothing and eases no limit is never taken
        keep &= options.fixed + np.maximum(options.unit * options.low, options.unit * options.high) > 0
    return keep


def _take(limit: Limit, rows: NDArray[np.bool_]) -> Limit:
    return Limit(limit.name, limit.fixed[rows], limit.unit[rows], limit.most)


def _nothing(options: Options, limits: Sequence[Limit]) -> Optimum:
    none = np.zeros(len(options.company), dtype=np.int64)
    broken = [limit.name for limit in limits if limit.most < 0]
    if broken:
        fail("STR-INFEASIBLE", "caps", detail=", ".join(broken))
    return Optimum(none, 0.0, 0.0, 0.0, np.zeros(len(limits)), 0, 0)


class _Program:
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

    def relaxation(self) -> Floats:
        """Multipliers of the limits in the linear relaxation."""
        found = linprog(self.cost, A_ub=self.matrix, b_ub=self.top, bounds=self.bounds, method="highs")
        if found.status == 2:  # noqa: PLR2004 - SciPy's code of an infeasible program
            fail("STR-INFEASIBLE", "caps", detail=found.message)
        if not found.success:
            fail("STR-SOLVER", "linprog", detail=found.message)
        marginals = -found.ineqlin.marginals[: len(self.sizes)]
        out: Floats = np.maximum(marginals, 0) * self.scale / np.array(self.sizes)
        return out

    def search(self) -> tuple[Ints, float, int]:
        """Steps of every option, the solver's upper bound and the nodes it visited."""
        found = milp(
            self.cost,
            integrality=np.ones(2 * self.count),
            bounds=Bounds(self.bounds[:, 0], self.bounds[:, 1]),
            constraints=LinearConstraint(self.matrix, -np.inf, self.top),
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
        if found.x is None:
            code = "STR-INFEASIBLE" if found.status == 2 else "STR-SOLVER"  # noqa: PLR2004 - as above
            fail(code, "milp", detail=found.message)
        taken = np.round(found.x[: self.count]) > 0
        steps = np.where(taken, self.options.low + np.round(found.x[self.count :]), 0).astype(np.int64)
        return steps, float(-found.mip_dual_bound * self.scale), int(found.mip_node_count)


def _repair(steps: Ints, options: Options, limits: Sequence[Limit]) -> Ints:
    """Take steps back where the solver's tolerance lets a limit be passed: the least profitable first."""
    out = np.where(steps > 0, np.clip(steps, options.low, options.high), 0)
    for limit in limits:
        while limit.used(out) > limit.most + _spare(limit):
            uses = (out > 0) & (limit.unit > 0)
            if not uses.any():
                break
            ratio = np.where(uses, options.unit / np.where(uses, limit.unit, 1.0), np.inf)
            worst = int(np.argmin(ratio))
            out[worst] = out[worst] - 1 if out[worst] > options.low[worst] else 0
    for limit in limits:
        if limit.used(out) > limit.most + _spare(limit):
            fail("STR-SOLVER", limit.name, detail=f"{limit.used(out)} > {limit.most}")
    return out


def _spare(limit: Limit) -> float:
    """What the sum of many floats may be wrong by."""
    return max(abs(limit.most), float(np.abs(limit.unit).max(initial=0.0)), 1.0) * 1e-9
