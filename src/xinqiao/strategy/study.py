"""The whole study of a portfolio: plan, simple policies, sensitivities and the shock, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xinqiao.kernel.text import Text
from xinqiao.policy.mandate import Mandate
from xinqiao.strategy.book import Book, open_book
from xinqiao.strategy.churn import Churn
from xinqiao.strategy.plan import Plan, best_plan
from xinqiao.strategy.scored import Scored
from xinqiao.strategy.sensitivity import (
    BUDGETS,
    LGDS,
    BudgetPoint,
    PdInterval,
    WhatIf,
    budget_curve,
    lgd_line,
    pd_interval,
    variants,
)
from xinqiao.strategy.shock import Shock, Shocked, replan
from xinqiao.strategy.simple import Simple, simple_policies
from xinqiao.strategy.terms import Terms

Step = Callable[[str, int, int], None]
SOLVES = len(BUDGETS) + len(LGDS) + 12


@dataclass(frozen=True)
class Study:
    """Everything that ``xinqiao strategy`` shows and writes."""

    title: Text
    generated: bool
    """Whether the companies were made by a program; the churn says so of itself."""
    scored: Scored
    mandate: Mandate
    terms: Terms
    churn: Churn
    plan: Plan
    simple: tuple[Simple, ...]
    budgets: list[BudgetPoint]
    lgds: list[tuple[float, WhatIf]]
    pds: PdInterval | None
    variants: list[WhatIf]
    shocked: Shocked | None
    shocked_simple: tuple[Simple, ...]
    """The simple policies made again under the shock."""


def study(
    title: Text,
    scored: Scored,
    churn: Churn,
    *,
    generated: bool,
    mandate: Mandate,
    terms: Terms,
    shock: Shock | None = None,
    step: Step,
) -> Study:
    """Make it; ``step`` is told (name, done, total). Raises UserError STR-INFEASIBLE, STR-SOLVER."""
    book: Book = open_book(scored.applicants, churn, mandate, terms)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        step("plans", done, max(SOLVES, done))

    plan = best_plan(book)
    tick()
    simple = simple_policies(book)
    step("simple", 1, 2)
    shocked = replan(plan, shock) if shock else None
    again = simple_policies(shocked.book) if shocked else ()
    step("simple", 2, 2)
    made = Study(
        title=title,
        generated=generated,
        scored=scored,
        mandate=mandate,
        terms=terms,
        churn=churn,
        plan=plan,
        simple=simple,
        budgets=budget_curve(book, tick),
        lgds=lgd_line(plan, tick),
        pds=pd_interval(plan, tick),
        variants=variants(plan, churn, mandate, tick),
        shocked=shocked,
        shocked_simple=again,
    )
    step("plans", done, done)
    return made
