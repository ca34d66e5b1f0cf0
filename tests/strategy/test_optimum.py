from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategy.small import book, books, brute_force, company, terms
from xinqiao.kernel.errors import UserError
from xinqiao.strategy.book import Book
from xinqiao.strategy.choice import Limit, Options
from xinqiao.strategy.optimum import efficient, gathered, lagrangian, solve
from xinqiao.strategy.plan import best_plan, limits_of, options_of


@settings(max_examples=120)
@given(books(most=3, caps=True))
def test_the_solver_finds_what_trying_all_plans_finds(of: Book) -> None:
    best = brute_force(of)
    options = options_of(of)
    limits = limits_of(of, options)
    if best is None:
        with pytest.raises(UserError, match="STR-INFEASIBLE"):
            solve(options, limits)
        return
    found = solve(options, limits)
    assert found.value == pytest.approx(best, rel=2e-6, abs=1e-6)
    assert found.bound >= best - 1e-6


@settings(max_examples=60)
@given(books(most=3, caps=True), st.lists(st.floats(0, 5), min_size=6, max_size=6))
def test_our_bound_holds_whatever_the_multipliers(of: Book, multipliers: list[float]) -> None:
    best = brute_force(of)
    options = options_of(of)
    limits = limits_of(of, options)
    if best is not None:
        assert lagrangian(options, limits, np.array(multipliers[: len(limits)])) >= best - 1e-9


@given(books())
def test_both_bounds_lie_above_the_profit_and_the_gap_is_small(of: Book) -> None:
    found = best_plan(of).optimum
    assert found is not None
    assert found.solver_bound >= found.value - 1e-5
    assert found.own_bound >= found.value - 1e-6
    assert 0 <= found.gap <= 1


@settings(max_examples=60)
@given(books(most=3, caps=True))
def test_dropping_beaten_options_costs_no_profit(of: Book) -> None:
    options = options_of(of)
    limits = limits_of(of, options)
    kept = efficient(options, limits)
    best = brute_force(of)
    if best is None or not len(options.company):
        return
    fewer = options.take(kept)
    narrow = [Limit(x.name, x.fixed[kept], x.unit[kept], x.most) for x in limits]
    assert lagrangian(fewer, narrow, np.zeros(len(limits))) >= best - 1e-9


def test_of_two_equal_options_one_is_kept() -> None:
    two = np.array([1.0, 1.0])
    ones = np.ones(2, dtype=np.int64)
    options = Options(ones * 0, ones.cumsum() - 1, two * 0, two, ones, ones * 3)
    assert efficient(options, [Limit("budget", two * 0, two, 3.0)]).tolist() == [True, False]


def test_caps_that_contradict_each_other_are_named_as_such() -> None:
    caps = terms().caps.model_copy(update={"least_companies": 3})
    with pytest.raises(UserError, match="STR-INFEASIBLE"):
        best_plan(book([company(1, 0.01), company(2, 0.01)], caps=caps))
    with pytest.raises(UserError, match="STR-INFEASIBLE"):
        best_plan(book([company(1, 0.5, "D")], caps=caps))


def test_no_budget_no_loan() -> None:
    plan = best_plan(book([company(1, 0.01)], budget_cny=Decimal(0)))
    assert plan.statement().companies == 0
    assert plan.optimum is not None
    assert plan.optimum.gap == 0


def test_the_same_book_gives_the_same_plan() -> None:
    of = book([company(i, 0.01 * i) for i in range(1, 30)], budget_cny=Decimal(777), budget_on="expected")
    first, second = best_plan(of), best_plan(of)
    assert first.limit_cny.tolist() == second.limit_cny.tolist()
    assert first.rate.tolist() == second.rate.tolist()


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0, 2, 3, 4, 5]), min_size=1, max_size=6))
def test_gathering_moves_equal_companies_together_and_changes_no_sum(given_steps: list[int]) -> None:
    steps = np.array(given_steps, dtype=np.int64)
    n = len(steps)
    ones = np.ones(n)
    places = np.arange(n)
    options = Options(places, places * 0, ones * -0.5, ones, (ones * 2).astype(int), (ones * 5).astype(int))
    found = gathered(steps, options, [Limit("budget", ones * 0, ones, 99.0)])
    assert found.sum() == steps.sum()
    assert (found > 0).sum() <= (steps > 0).sum()
    assert ((found == 0) | ((found >= 2) & (found <= 5))).all()
    assert found.tolist() == sorted(found.tolist(), reverse=True)
    counted = Limit("least_companies", -ones, ones * 0, -1.0)
    assert gathered(steps, options, [counted]).tolist() == steps.tolist()


def test_a_company_lent_to_at_another_rate_is_left_alone() -> None:
    company = np.array([0, 0, 1])
    unit = np.array([1.0, 2.0, 1.0])
    low, high = np.full(3, 2), np.full(3, 5)
    options = Options(company, np.array([0, 1, 0]), unit * 0, unit, low, high)
    steps = np.array([0, 5, 3])
    assert gathered(steps, options, [Limit("budget", unit * 0, np.ones(3), 9.0)]).tolist() == [0, 5, 3]
