from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from tests.strategy.small import book, books, company, within_mandate
from xinqiao.strategy.book import Book
from xinqiao.strategy.plan import allowed, best_plan
from xinqiao.strategy.simple import simple_policies


@settings(max_examples=60)
@given(books(most=6))
def test_the_plan_earns_at_least_what_every_simple_policy_earns(of: Book) -> None:
    best = best_plan(of).optimum
    assert best is not None
    for each in simple_policies(of):
        for plan in (each.one_rate, each.per_rating):
            made = plan.statement()
            assert made.profit_cny <= best.value + 2e-6 * max(1.0, best.value)
            assert made.profit_cny <= best.bound + 1e-9
            assert made.used_cny <= float(of.terms.budget_cny) + 1e-9
            assert within_mandate(plan)
            assert allowed(plan, of)


@settings(max_examples=40)
@given(books(most=6))
def test_a_rate_for_each_rating_is_no_worse_than_one_rate(of: Book) -> None:
    for each in simple_policies(of):
        assert each.per_rating.statement().profit_cny >= each.one_rate.statement().profit_cny - 1e-9


def test_equal_split_gives_all_the_same() -> None:
    of = book([company(i, 0.01 * (i + 1)) for i in range(4)], budget_cny=Decimal(120))
    equal = simple_policies(of)[0]
    assert equal.one_rate.limit_cny.tolist() == [30, 30, 30, 30]


def test_a_budget_that_does_not_bind_fills_everyone_to_the_most() -> None:
    of = book([company(1, 0.01), company(2, 0.01)], budget_cny=Decimal(1000))
    equal, _, proportional = simple_policies(of)
    assert equal.one_rate.limit_cny.tolist() == [50, 50]
    assert proportional.one_rate.limit_cny.tolist() == [50, 50]


def test_best_first_starts_with_the_best_rated() -> None:
    of = book([company(1, 0.05, "B"), company(2, 0.04), company(3, 0.01, "B")], budget_cny=Decimal(50))
    best_first = simple_policies(of)[1]
    assert best_first.one_rate.limit_cny.tolist() == [0, 20, 20]  # then by PD; the worst rated B waits


def test_score_proportional_gives_more_to_better_scores() -> None:
    of = book([company(1, 0.01), company(2, 0.03), company(3, 0.09, "B")], budget_cny=Decimal(100))
    limits = simple_policies(of)[2].one_rate.limit_cny.tolist()
    assert limits == sorted(limits, reverse=True)
    assert limits[0] > limits[-1]


def test_the_best_single_rate_is_found() -> None:
    of = book([company(1, 0.02), company(2, 0.02)])
    for each in simple_policies(of):
        rates = {int(r) for r in each.one_rate.rate if r >= 0}
        assert rates == {1}  # 8 %: see the worked example of test_plan
