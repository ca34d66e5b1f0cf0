"""What if (敏感性): profit over the budget, over LGD and PD, and the price of each cap.

``kept`` is what the plan at hand brings when the assumption is true; ``again`` is the plan made anew for
it. The difference is what knowing it in time is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.mandate import Mandate
from xinqiao.strategy.book import Book, open_book
from xinqiao.strategy.churn import Churn
from xinqiao.strategy.plan import Plan, Statement, allowed, best_plan

BUDGETS = tuple(Decimal(n) / 10 for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 25))
LGDS = tuple(Decimal(n) / 100 for n in (15, 25, 35, 45, 55, 65, 75, 85, 95))
Tick = Callable[[], None]


@dataclass(frozen=True)
class BudgetPoint:
    """The best plan at a budget, and the upper bound on any plan's profit there; CNY."""

    budget_cny: int
    profit_cny: float
    bound_cny: float
    companies: int
    price: float
    """CNY of profit for one more CNY of the budget."""


@dataclass(frozen=True)
class WhatIf:
    """An assumption and what it does; ``kept_cny`` None: the plan at hand would break it."""

    name: Text
    kept_cny: float | None
    again: Statement | None
    """None: the caps can't be met."""


def budget_curve(book: Book, tick: Tick) -> list[BudgetPoint]:
    """The best plan at budgets from a tenth to two and a half times the terms'."""
    found = []
    for share in BUDGETS:
        terms = book.terms.model_copy(update={"budget_cny": book.terms.budget_cny * share})
        try:
            plan = best_plan(book.under(terms))
        except UserError as error:  # a cap such as a least number can be out of reach of a small budget
            if error.code != "STR-INFEASIBLE":
                raise
            tick()
            continue
        optimum = plan.optimum
        bound = optimum.bound if optimum else 0.0
        price = (plan.prices or {}).get("budget", 0.0)
        made = plan.statement()
        found.append(BudgetPoint(int(terms.budget_cny), made.profit_cny, bound, made.companies, price))
        tick()
    return found


def lgd_line(plan: Plan, tick: Tick) -> list[tuple[float, WhatIf]]:
    """(LGD, what if) from 15 % to 95 %."""
    book, found = plan.book, []
    for lgd in sorted({*LGDS, book.terms.lgd}):
        changed = book.under(book.terms.model_copy(update={"lgd": lgd}))
        name = Text(zh=f"违约损失率 {lgd:%}", en=f"LGD {lgd:%}")
        found.append((float(lgd), _what_if(name, plan, changed)))
        tick()
    return found


@dataclass(frozen=True)
class PdInterval:
    """The plan when all PDs lie at the low or the high end of their intervals, and the cautious plan.

    ``cautious``: the plan made for the high ends; ``cautious_cny``: what it brings at the PDs themselves.
    """

    low: WhatIf
    middle: WhatIf
    high: WhatIf
    cautious: Plan
    cautious_cny: float


def pd_interval(plan: Plan, tick: Tick) -> PdInterval | None:
    """None where no company has an interval."""
    book = plan.book
    pairs = [(a.pd_low, a.pd_high) for a in book.applicants]
    if all(low is None and high is None for low, high in pairs):
        return None
    lows = np.array([a.pd if a.pd_low is None else a.pd_low for a in book.applicants])
    highs = np.array([a.pd if a.pd_high is None else a.pd_high for a in book.applicants])
    cautious = best_plan(book.with_pd(highs))
    names = (
        Text(zh="全部取区间下端", en="all at the low end"),
        Text(zh="按点估计", en="as estimated"),
        Text(zh="全部取区间上端", en="all at the high end"),
    )
    low, middle, high = (
        _what_if(name, plan, book.with_pd(pd)) for name, pd in zip(names, (lows, book.pd, highs), strict=True)
    )
    tick()
    return PdInterval(low, middle, high, cautious, cautious.statement(book).profit_cny)


def _what_if(name: Text, plan: Plan, changed: Book) -> WhatIf:
    kept = plan.statement(changed).profit_cny if allowed(plan, changed) else None
    try:
        return WhatIf(name, kept, best_plan(changed).statement())
    except UserError as error:
        if error.code != "STR-INFEASIBLE":
            raise
        return WhatIf(name, kept, None)


def variants(plan: Plan, churn: Churn, mandate: Mandate, tick: Tick) -> list[WhatIf]:
    """Other ways of reading the terms, and the price of each cap."""
    book = plan.book
    found = []
    for name, changes in _variants(book):
        terms = book.terms.model_copy(update=changes)
        changed = replace(
            open_book(book.applicants, churn, mandate, terms), pd=book.pd, lgd=book.under(terms).lgd
        )
        found.append(_what_if(name, plan, changed))
        tick()
    return found


def _variants(book: Book) -> Iterator[tuple[Text, dict[str, Any]]]:
    """(name, changed terms)."""
    terms = book.terms
    other: dict[str, Text] = {
        "committed": Text(zh="总额度按授信额占用", en="budget on lines granted"),
        "expected": Text(zh="总额度按预期提款占用", en="budget on expected take-up"),
    }
    yield from ((words, {"budget_on": on}) for on, words in other.items() if on != terms.budget_on)
    curves: dict[str, Text] = {
        "table": Text(zh="流失率取表中数值", en="churn as in the table"),
        "smooth": Text(zh="流失率取光滑曲线", en="smooth churn curves"),
    }
    yield from ((words, {"curve": curve}) for curve, words in curves.items() if curve != terms.curve)
    worse = Text(
        zh="高利率留下更差的客户（每百分点 +0.05 对数几率）",
        en="high rates keep the worse customers (+0.05 log odds a point)",
    )
    yield worse, {"adverse_selection": terms.adverse_selection + Decimal("0.05")}
    if any(each.sales_cny is not None for each in book.applicants):
        words = Text(zh="额度不超过年开票额的 5%", en="limit at most 5 % of yearly sales")
        yield words, {"sales_share": Decimal("0.05")}
    for text, name, value in _CAPS:
        yield text, {"caps": terms.caps.model_copy(update={name: value})}


_CAPS: Iterable[tuple[Text, str, Any]] = (
    (Text(zh="单个行业至多占 20%", en="at most 20 % in one industry"), "industry_share", Decimal("0.20")),
    (Text(zh="至少贷 150 户", en="at least 150 companies"), "least_companies", 150),
    (Text(zh="平均违约概率至多 2%", en="mean PD at most 2 %"), "mean_pd", Decimal("0.02")),
    (Text(zh="预期损失至多 0.8%", en="expected loss at most 0.8 %"), "expected_loss", Decimal("0.008")),
)
