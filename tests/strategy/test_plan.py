from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.small import book, books, company, terms, within_mandate
from xinqiao.kernel.errors import UserError
from xinqiao.strategy.book import Book
from xinqiao.strategy.plan import Plan, allowed, best_plan, worth


def _plan(of: Book) -> Plan | None:
    try:
        return best_plan(of)
    except UserError as error:
        if error.code != "STR-INFEASIBLE":
            raise
        return None


@given(books(most=8, caps=True))
def test_never_above_the_budget_nor_outside_the_mandate_nor_to_d(of: Book) -> None:
    plan = _plan(of)
    if plan is None:
        return
    assert within_mandate(plan)
    assert allowed(plan, of)
    assert plan.statement().used_cny <= float(of.terms.budget_cny) + 1e-6


@given(books(most=8))
def test_money_is_conserved(of: Book) -> None:
    made = best_plan(of).statement()
    parts = made.interest_cny - made.loss_cny - made.funds_cny - made.operating_cny - made.handling_cny
    assert made.profit_cny == pytest.approx(parts, abs=1e-9)
    assert made.drawn_cny <= made.committed_cny + 1e-9
    assert made.loss_cny <= made.drawn_cny + 1e-9
    assert made.profit_cny >= -1e-9  # lending nothing is always allowed here


@given(books(most=6), st.integers(0, 100))
def test_more_budget_never_lowers_profit(of: Book, more: int) -> None:
    richer = of.under(of.terms.model_copy(update={"budget_cny": of.terms.budget_cny + more}))
    less, much = best_plan(of).optimum, best_plan(richer).optimum
    assert less is not None
    assert much is not None
    assert much.value >= less.value - 2e-6 * max(1.0, less.value)


@given(books(most=6))
def test_the_statement_agrees_with_the_solver(of: Book) -> None:
    plan = best_plan(of)
    assert plan.optimum is not None
    assert plan.statement().profit_cny == pytest.approx(plan.optimum.value, abs=1e-6)


def test_worked_example_by_hand() -> None:
    # stay .6 at 8 %: .6 x (.98 x .08 - .02 x .45 - .02 - .005) = .02664 for each of 50 CNY
    made = best_plan(book([company(1, 0.02)])).statement()
    assert made.companies == 1
    assert made.committed_cny == 50
    assert made.mean_rate == pytest.approx(0.08)
    assert made.profit_cny == pytest.approx(50 * 0.6 * (0.98 * 0.08 - 0.02 * 0.45 - 0.025))
    assert made.drawn_cny == pytest.approx(30)


def test_the_budget_price_is_what_one_more_yuan_earns() -> None:
    many = [company(i, 0.01 * i) for i in range(1, 8)]
    plan = best_plan(book(many, budget_cny=Decimal(170)))
    more = best_plan(book(many, budget_cny=Decimal(180)))
    assert plan.prices is not None
    assert more.statement().profit_cny - plan.statement().profit_cny == pytest.approx(
        10 * plan.prices["budget"]
    )


def test_who_is_lent_the_most_is_worth_more_and_who_is_not_less() -> None:
    plan = best_plan(book([company(i, 0.01 * i) for i in range(1, 8)], budget_cny=Decimal(170)))
    net = worth(plan).max(axis=1)
    assert (net[plan.limit_cny == 50] >= -1e-9).all()
    assert (net[plan.limit_cny == 0] <= 1e-9).all()


def test_a_cap_on_an_industry_binds_and_the_unknown_industry_is_not_one() -> None:
    caps = terms().caps.model_copy(update={"industry_share": Decimal("0.5")})
    trade = best_plan(book([company(i, 0.01) for i in range(4)], caps=caps))
    assert trade.statement().committed_cny == 60
    unknown = best_plan(book([company(i, 0.01, industry="unknown") for i in range(4)], caps=caps))
    assert unknown.statement().committed_cny == 120


def test_a_least_number_is_met() -> None:
    caps = terms().caps.model_copy(update={"least_companies": 4})
    plan = best_plan(book([company(i, 0.01 + 0.05 * i, "C") for i in range(6)], caps=caps))
    assert plan.statement().companies == 4


def test_caps_on_pd_and_loss_are_kept() -> None:
    many = [company(i, 0.01 * (i + 1)) for i in range(6)]
    for name, value in (("mean_pd", "0.015"), ("expected_loss", "0.006")):
        caps = terms().caps.model_copy(update={name: Decimal(value)})
        made = best_plan(book(many, caps=caps, budget_cny=Decimal(300))).statement()
        free = best_plan(book(many, budget_cny=Decimal(300))).statement()
        assert 0 < made.profit_cny < free.profit_cny
        assert made.mean_pd is not None
        assert made.mean_pd <= (0.015 if name == "mean_pd" else 0.006 / 0.45) + 1e-9


def test_a_plan_that_breaks_other_terms_is_told_apart() -> None:
    of = book([company(i, 0.01) for i in range(4)])
    plan = best_plan(of)
    caps = of.terms.caps.model_copy(update={"industry_share": Decimal("0.5")})
    assert allowed(plan, of)
    assert not allowed(plan, of.under(of.terms.model_copy(update={"caps": caps})))
    assert not allowed(plan, replace(of, high_cny=np.minimum(of.high_cny, 20)))
