"""The best choice (最优选择): one option or none for each company, a whole number of steps, under limits.

A multiple-choice knapsack with semi-continuous amounts. Two upper bounds stand beside the value found:
the solver's dual bound, and our own Lagrangian bound,

    L(m) = m.most + sum over companies of max(0, max over its options and n in {low, high} of
           (fixed - m.fixed_use) + (unit - m.unit_use) n),

which holds for any multipliers m >= 0 (weak duality), however they were found; it is worked out here
without the solver. At the multipliers of the linear relaxation it is that relaxation's value.

The problem is made smaller twice, and loses no best plan by it: options beaten by another of their company
in profit and in every limit go first; then, with a good plan of value V at hand, every option whose own
bound (L with its company held to it) is less than V.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xinqiao.kernel.errors import UserError, fail
from xinqiao.strategy.choice import Ints, Limit, Options, Rows
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.program import Program, Relaxed

KERNEL = 24
"""Companies left free when the relaxation is rounded to a first plan."""
WHOLE = 1e-6


@dataclass(frozen=True)
class Optimum:
    """Steps of each option, the profit they bring, the bounds on any profit, and the limits' multipliers.

    ``multipliers``: CNY of profit that one more unit of a limit would bring (shadow price), per limit.
    ``options``: how many were left for the last search.
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
    kept = np.flatnonzero(efficient(options, limits))
    if not len(kept):
        return _nothing(options, limits)
    narrow, tight = _narrowed(options, limits, kept)
    relaxed = Program(narrow, tight).relaxation()
    kept = kept[promising(narrow, tight, relaxed)]
    few, on_few = _narrowed(options, limits, kept)
    steps, bound, nodes = Program(few, on_few).search()
    every = np.zeros(len(options.company), dtype=np.int64)
    every[kept] = _repair(steps, few, on_few)
    every = gathered(every, options, limits)
    return Optimum(
        steps=every,
        value=options.profit(every),
        solver_bound=bound,
        own_bound=lagrangian(options, limits, relaxed.multipliers),
        multipliers=relaxed.multipliers,
        nodes=nodes,
        options=len(kept),
    )


def priced(options: Options, limits: Sequence[Limit], multipliers: Floats) -> Options:
    """The options after paying ``multipliers`` for what they use of the limits."""
    fixed, unit = options.fixed.copy(), options.unit.copy()
    for price, limit in zip(np.maximum(multipliers, 0), limits, strict=True):
        fixed -= price * limit.fixed
        unit -= price * limit.unit
    return replace(options, fixed=fixed, unit=unit)


def lagrangian(options: Options, limits: Sequence[Limit], multipliers: Floats) -> float:
    """The upper bound L(m) of the module's words, for any multipliers >= 0."""
    best = priced(options, limits, multipliers).best()
    each = np.zeros(int(options.company.max(initial=-1)) + 1)
    np.maximum.at(each, options.company, best)
    paid = sum(price * limit.most for price, limit in zip(np.maximum(multipliers, 0), limits, strict=True))
    return float(paid + each.sum())


def efficient(options: Options, limits: Sequence[Limit]) -> Rows:
    """Options not beaten by another of the same company in profit and in the use of every limit."""
    marks = [-options.fixed, -options.unit, *(part for limit in limits for part in (limit.fixed, limit.unit))]
    table = np.column_stack(marks)
    keep = np.zeros(len(options.company), dtype=np.bool_)
    starts = np.flatnonzero(np.diff(options.company, prepend=-1))
    for start, end in zip(starts, np.append(starts, len(keep))[1:], strict=True):
        mine = table[start:end]
        no_worse = (mine[:, None, :] <= mine[None, :, :]).all(axis=2)
        better = no_worse & ~(no_worse.T & np.tri(len(mine), k=-1, dtype=np.bool_))  # of equals the first
        np.fill_diagonal(better, val=False)
        keep[start:end] = ~better.any(axis=0)
    if not any((limit.fixed < 0).any() or (limit.unit < 0).any() for limit in limits):
        keep &= options.best() > 0  # an option that earns nothing and eases no limit is never taken
    return keep


def promising(options: Options, limits: Sequence[Limit], relaxed: Relaxed) -> Rows:
    """Options that a plan better than the first one found may use."""
    value = _first_value(options, limits, relaxed)
    if value is None:
        return np.ones(len(options.company), dtype=np.bool_)
    net = priced(options, limits, relaxed.multipliers).best()
    bound = lagrangian(options, limits, relaxed.multipliers)
    own = bound - options.best_of_company(net) + net
    keep: Rows = own >= value - WHOLE * max(1.0, abs(value))
    keep[int(np.argmax(own))] = True  # where lending nothing is best, something is left to search
    return keep


def _first_value(options: Options, limits: Sequence[Limit], relaxed: Relaxed) -> float | None:
    """The profit of a good plan: what the relaxation took whole stays, or goes; a few companies are free.

    None when the limits leave no such plan.
    """
    whole = (relaxed.taken > 1 - WHOLE) & (np.abs(relaxed.steps - np.round(relaxed.steps)) < WHOLE)
    split = (relaxed.taken > WHOLE) & ~whole
    net = priced(options, limits, relaxed.multipliers).best()
    regret = np.abs(np.where(relaxed.taken > WHOLE, net, options.best_of_company(net) - net))
    nearest = np.unique(options.company[np.argsort(regret, kind="stable")[: 4 * KERNEL]])[:KERNEL]
    free = np.isin(options.company, np.union1d(options.company[split], nearest))
    rows = np.flatnonzero(free | whole)
    if not len(rows):
        return 0.0 if all(limit.most >= 0 for limit in limits) else None
    few, on_few = _narrowed(options, limits, rows)
    steps = np.round(relaxed.steps[rows]).astype(np.int64)
    held = few.between(np.where(free[rows], few.low, steps), np.where(free[rows], few.high, steps))
    try:
        found, _, _ = Program(held, on_few).search()
        return few.profit(_repair(found, few, on_few))
    except UserError:
        return None


def _narrowed(options: Options, limits: Sequence[Limit], rows: Ints) -> tuple[Options, list[Limit]]:
    """Some of the options, companies numbered anew so that the program has no empty rows."""
    chosen = np.zeros(len(options.company), dtype=np.bool_)
    chosen[rows] = True
    narrow = options.take(chosen)
    company = np.unique(narrow.company, return_inverse=True)[1].astype(np.int64)
    return replace(narrow, company=company), [limit.take(chosen) for limit in limits]


def _nothing(options: Options, limits: Sequence[Limit]) -> Optimum:
    broken = [limit.name for limit in limits if limit.most < 0]
    if broken:
        fail("STR-INFEASIBLE", "caps", detail=", ".join(broken))
    none = np.zeros(len(options.company), dtype=np.int64)
    return Optimum(none, 0.0, 0.0, 0.0, np.zeros(len(limits)), 0, 0)


def gathered(steps: Ints, options: Options, limits: Sequence[Limit]) -> Ints:
    """Among options alike in everything, the first get all they can: fewer loans, the same profit.

    Which of several equal plans a solver finds is chance; this makes it one that can be explained.
    Where the number of companies counts in a limit, nothing is moved.
    """
    if any(limit.fixed.any() for limit in limits):
        return steps
    out = steps.copy()
    marks = [options.fixed, options.unit, options.low, options.high, *(limit.unit for limit in limits)]
    alike = np.unique(np.column_stack(marks), axis=0, return_inverse=True)[1].ravel()
    lent = np.bincount(options.company, weights=steps, minlength=int(options.company.max(initial=-1)) + 1)
    for kind in np.unique(alike[steps > 0]):
        rows = np.flatnonzero(alike == kind)
        rows = rows[(out[rows] > 0) | (lent[options.company[rows]] == 0)]  # not those lent to at another rate
        total, low, high = int(out[rows].sum()), int(options.low[rows[0]]), int(options.high[rows[0]])
        out[rows] = _poured(total, len(rows), low, high)
    return out


def _poured(total: int, places: int, low: int, high: int) -> Ints:
    """``total`` steps over the fewest of ``places``, each of those low..high, the first as full as can be."""
    count = -(-total // high)
    room = np.clip(total - count * low - (high - low) * np.arange(places), 0, high - low)
    return np.where(np.arange(places) < count, low + room, 0)


def _repair(steps: Ints, options: Options, limits: Sequence[Limit]) -> Ints:
    """Take steps back where the solver's tolerance lets a limit be passed: the least profitable first.

    Raises UserError STR-SOLVER when a limit is passed even so.
    """
    out = np.where(steps > 0, np.clip(steps, options.low, options.high), 0)
    for limit in limits:
        while limit.used(out) > limit.most + limit.spare:
            uses = (out > 0) & (limit.unit > 0)
            if not uses.any():
                break
            ratio = np.where(uses, options.unit / np.where(uses, limit.unit, 1.0), np.inf)
            worst = int(np.argmin(ratio))
            out[worst] = out[worst] - 1 if out[worst] > options.low[worst] else 0
    for limit in limits:
        if limit.used(out) > limit.most + limit.spare:
            fail("STR-SOLVER", limit.name, detail=f"{limit.used(out)} > {limit.most}")
    return out
