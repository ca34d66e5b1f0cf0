from __future__ import annotations

from decimal import Decimal

import pytest

from tests.strategy.small import CHURN, MANDATE, book, company
from xinqiao.strategy.plan import best_plan
from xinqiao.strategy.sensitivity import BUDGETS, budget_curve, lgd_line, pd_interval, variants

MANY = [
    company(i, 0.01 * i, "AB"[i % 2], pd_low=0.005 * i, pd_high=min(1.0, 0.04 * i), sales_cny=400.0 * i)
    for i in range(1, 9)
]


def _count() -> tuple[list[int], object]:
    ticks: list[int] = []
    return ticks, lambda: ticks.append(1)


def test_profit_rises_with_the_budget_and_slower_and_slower() -> None:
    ticks: list[int] = []
    points = budget_curve(book(MANY, budget_cny=Decimal(200)), lambda: ticks.append(1))
    profits = [p.profit_cny for p in points]
    assert len(points) == len(ticks) == len(BUDGETS)
    assert profits == sorted(profits)
    assert all(p.bound_cny >= p.profit_cny - 1e-9 for p in points)
    prices = [p.price for p in points]
    assert prices == sorted(prices, reverse=True)


def test_budgets_too_small_for_a_least_number_are_left_out() -> None:
    of = book(MANY, budget_cny=Decimal(200))
    caps = of.terms.caps.model_copy(update={"least_companies": 3})
    points = budget_curve(of.under(of.terms.model_copy(update={"caps": caps})), lambda: None)
    assert min(p.budget_cny for p in points) >= 60


def test_planning_again_is_never_worse_than_keeping_and_losses_only_hurt() -> None:
    plan = best_plan(book(MANY, budget_cny=Decimal(200)))
    found = lgd_line(plan, lambda: None)
    again = [what.again.profit_cny for _, what in found if what.again]
    kept = [what.kept_cny for _, what in found if what.kept_cny is not None]
    assert len(again) == len(kept) == len(found)
    assert all(a >= k - 1e-9 for a, k in zip(again, kept, strict=True))
    assert again == sorted(again, reverse=True)
    here = next(what for lgd, what in found if lgd == 0.45)
    assert here.kept_cny == pytest.approx(plan.statement().profit_cny)


def test_the_pd_interval_brackets_the_plan_and_caution_has_a_price() -> None:
    plan = best_plan(book(MANY, budget_cny=Decimal(200)))
    found = pd_interval(plan, lambda: None)
    assert found is not None
    low, middle, high = (what.kept_cny for what in (found.low, found.middle, found.high))
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low > middle > high
    assert found.cautious_cny <= middle + 1e-9
    assert found.high.again is not None
    assert found.cautious.statement().profit_cny == pytest.approx(found.high.again.profit_cny)
    assert found.high.again.profit_cny >= high


def test_no_interval_no_section() -> None:
    plan = best_plan(book([company(1, 0.01)]))
    assert pd_interval(plan, lambda: None) is None


@pytest.mark.parametrize("budget_on", ["committed", "expected"])
@pytest.mark.parametrize("curve", ["table", "smooth"])
def test_variants_show_the_other_reading_and_the_price_of_caps(budget_on: str, curve: str) -> None:
    plan = best_plan(book(MANY, budget_cny=Decimal(200), budget_on=budget_on, curve=curve))
    found = {what.name.en: what for what in variants(plan, CHURN, MANDATE, lambda: None)}
    assert ("budget on expected take-up" in found) == (budget_on == "committed")
    assert ("smooth churn curves" in found) == (curve == "table")
    assert found["at least 150 companies"].again is None
    assert found["at least 150 companies"].kept_cny is None
    profit = plan.statement().profit_cny
    for name in ("at most 20 % in one industry", "mean PD at most 2 %", "expected loss at most 0.8 %"):
        again = found[name].again
        assert again is not None
        assert again.profit_cny <= profit + 1e-6
    for what in found.values():
        if what.again is not None and what.kept_cny is not None:
            assert what.again.profit_cny >= what.kept_cny - 1e-6


def test_without_sales_there_is_no_variant_on_sales() -> None:
    plan = best_plan(book([company(1, 0.01)]))
    names = [what.name.en for what in variants(plan, CHURN, MANDATE, lambda: None)]
    assert not any("sales" in name for name in names)
