from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.small import book, company
from xinqiao.strategy.book import moved


@given(st.floats(0, 1), st.floats(-5, 5))
def test_a_shift_of_log_odds_goes_there_and_back(pd: float, shift: float) -> None:
    there = moved(np.array(pd), np.array(shift))
    assert 0 <= there <= 1
    assert moved(there, np.array(-shift)) == pytest.approx(pd, abs=1e-9)
    assert (there >= pd - 1e-12) == (shift >= 0) or pd in {0, 1} or abs(there - pd) < 1e-9


def test_terms_of_one_yuan_by_hand() -> None:
    of = book([company(1, 0.1, "B")], handling_cny=Decimal(2), lgd=Decimal("0.5"))
    assert of.stay[0] == pytest.approx([1.0, 0.65, 0.3])  # 1 less churn of rating B at 4, 8 and 12 %
    assert of.interest[0, 1] == pytest.approx(0.65 * 0.9 * 0.08)
    assert of.loss[0, 1] == pytest.approx(0.65 * 0.1 * 0.5)
    assert of.cost[0, 1] == pytest.approx(0.65 * 0.025)
    assert of.profit[0, 1] == pytest.approx(0.65 * (0.072 - 0.05 - 0.025))
    assert of.handling[0, 1] == pytest.approx(1.3)
    assert of.use.tolist() == [[1.0, 1.0, 1.0]]
    assert book([company(1, 0.1, "B")], budget_on="expected").use[0] == pytest.approx([1.0, 0.65, 0.3])


def test_high_rates_keep_the_worse_when_adverse_selection_is_set() -> None:
    of = book([company(1, 0.1)], adverse_selection=Decimal("0.1"))
    odds = [p / (1 - p) for p in of.default[0].tolist()]
    assert odds[0] == pytest.approx(0.1 / 0.9)
    assert odds[1] / odds[0] == pytest.approx(math.exp(0.1 * 4))  # 8 % is four points above 4 %
    flat = book([company(1, 0.1)])
    assert flat.default[0] == pytest.approx(0.1)


def test_a_share_of_sales_bounds_the_limit_and_unknown_sales_are_not_enough() -> None:
    many = [
        company(1, 0.01, sales_cny=None),
        company(2, 0.01, sales_cny=100.0),
        company(3, 0.01, sales_cny=390.0),
        company(4, 0.01, sales_cny=1e9),
        company(5, 0.9, "D", sales_cny=1e9),
    ]
    assert book(many).high_cny.tolist() == [50, 50, 50, 50, 0]
    assert book(many, sales_share=Decimal("0.1")).high_cny.tolist() == [0, 0, 30, 50, 0]


def test_smooth_curves_are_used_when_asked_for() -> None:
    table, smooth = book([company(1, 0.01)]), book([company(1, 0.01)], curve="smooth")
    assert smooth.stay[0, 0] == 1
    assert (smooth.stay != table.stay).any()


def test_other_terms_move_lgd_and_keep_what_a_shock_added() -> None:
    of = book([company(1, 0.01)])
    hit = replace(of, lgd=of.lgd + 0.1)
    assert hit.under(of.terms.model_copy(update={"lgd": Decimal("0.65")})).lgd == pytest.approx(0.75)
    assert hit.under(of.terms.model_copy(update={"lgd": Decimal(1)})).lgd == pytest.approx(1)
    assert of.with_pd(np.array([0.5])).profit[0, 1] < of.profit[0, 1]
