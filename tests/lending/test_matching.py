"""Matching: no ineligible product, exclusions explained truly, one firm as in a batch, quotas kept."""

from __future__ import annotations

import functools
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from tests.portrait.files import sample_file
from xinqiao.city.market import ON, Market, generate_market, market_shelf, past
from xinqiao.cli.benchmark_matching import case_of
from xinqiao.lending.chance import Chances, usual_chances
from xinqiao.lending.matching import Matcher, Matches, Request, match, nearest_term
from xinqiao.lending.matching_batch import Shelf, pairs, ranked, score, shadow_prices
from xinqiao.lending.matching_fit import judge, rival_rankings
from xinqiao.lending.product import catalog_product, catalog_products
from xinqiao.policy.case import Case, Inputs
from xinqiao.policy.evaluate import decide_inputs

DAY = date(2026, 3, 2)
CLEAN = {"JUD01": 0.0, "JUD04": 0.0, "JUD07": 0.0, "JUD10": 0.0, "ADM03": 0.0, "ADM04": 0.0, "CRD01": 0.0}
CLEAN |= {"CRD03": 1.0, "CRD02C": 0.0, "CRD02N": 0.0, "CRD04": 1.0, "TAX01": 120_000.0, "TAX04": 3.0}
CLEAN |= {"TAX10": 0.0, "TAX11": 0.0, "TAX14": 3.0, "TAX16": 0.0, "TAX17M": 0.0, "INV12": 20.0, "ELE17": 8e4}


@functools.cache
def market() -> Market:
    return generate_market(150, 3)


def matched(**changes: float | None) -> Matches:
    products = list(catalog_products(DAY).values())
    file = sample_file(indicators={**CLEAN, **changes})
    return match(file, Request(Decimal(300_000), 12), products, on=DAY)


def test_every_product_is_ranked_or_excluded_and_the_best_comes_first() -> None:
    found = matched()
    assert len(found.ranked) + len(found.excluded) == len(catalog_products(DAY))
    scores = [each.score for each in found.ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(
        each.score == pytest.approx(each.p_approve * each.p_accept * each.value_cny) for each in found.ranked
    )
    assert all(each.why and each.cost.nominal > 0 for each in found.ranked)


def test_an_exclusion_names_rule_value_and_the_nearest_that_passes() -> None:
    (standard,) = [each for each in matched().excluded if each.product.id == "tax_standard"]
    (barrier,) = standard.barriers
    assert barrier.code == "TAX_LEVEL"
    assert "纳税信用级别为 3，低于要求的 4" in barrier.reason.zh
    (needed,) = barrier.needed
    assert (needed.source, needed.now.zh) == ("indicator.TAX14", "3")
    assert needed.passes is not None
    assert (needed.passes.zh, needed.passes.en) == ("不少于 4", "at least 4")
    again = matched(TAX14=4.0)
    assert "tax_standard" in {each.product.id for each in again.ranked}


def test_a_limit_below_the_least_says_which_value_would_carry_it() -> None:
    (best,) = [
        each for each in matched(TAX14=4.0, TAX01=3100.0).excluded if each.product.id == "tax_graded"
    ] or [None]
    file = matched(TAX14=4.0, TAX01=1200.0)
    (small,) = [each for each in file.excluded if each.product.id == "tax_graded"]
    barrier = next(each for each in small.barriers if each.code == "LIMIT_BELOW_MIN")
    (needed,) = barrier.needed
    assert needed.source == "indicator.TAX01"
    assert needed.value == 1667.0  # twelve times it reaches 20,000
    assert best is None or best.barriers


def test_what_is_told_to_pass_passes_and_a_step_less_does_not() -> None:
    made, tried = market(), 0
    matcher = Matcher(made.shelf.products, ON, usual_chances())
    for row in range(60):
        for each in matcher.match(case_of(made, row)).excluded:
            for barrier in each.barriers:
                change = {needed.input: needed.value for needed in barrier.needed}
                if not change:
                    continue
                tried += 1
                inputs = Inputs({**barrier.inputs.values, **change}, barrier.inputs.reasons)
                hits = barrier.screen.run(inputs).hits
                assert barrier.hit.check not in [
                    hit.check for hit in hits if hit.severity >= barrier.hit.severity
                ]
    assert tried > 500


def test_nothing_shown_would_be_refused_by_the_full_decision() -> None:
    made = market()
    matcher = Matcher(made.shelf.products, ON, usual_chances())
    for row in range(25):
        firm = case_of(made, row)
        for each in matcher.match(firm).ranked:
            seen = each.screened
            reasons = {
                k: "NOT_ASKED" if _asked(each.product.id, k) else v for k, v in seen.inputs.reasons.items()
            }
            decision = decide_inputs(seen.screen.policy, Inputs(seen.inputs.values, reasons))
            assert decision.outcome == each.outcome
            if decision.outcome == "approve":
                assert (decision.limit_cny, decision.rate) == (each.limit_cny, each.rate)


def _asked(product_id: str, name: str) -> bool:
    inputs = catalog_product(product_id).policy_on(ON).file.inputs
    return name in inputs and inputs[name].source.startswith("application.")


def test_one_firm_is_matched_as_in_a_batch() -> None:
    made = market()
    lenders = {p.id: lender for p, lender in zip(made.shelf.products, made.shelf.lenders, strict=True)}
    chances = usual_chances()
    matcher = Matcher(made.shelf.products, ON, chances, lenders=lenders)
    scores = score(made.shelf, made.found, made.firms, chances)
    best = ranked(scores.expected)
    for row in range(len(made.firms)):
        found = matcher.match(case_of(made, row))
        place = {p.id: j for j, p in enumerate(made.shelf.products)}
        assert {place[each.product.id] for each in found.ranked} == set(
            np.flatnonzero(made.found.eligible[row]).tolist()
        )
        for each in found.ranked:
            j = place[each.product.id]
            assert each.score == pytest.approx(scores.expected[row, j], rel=1e-6)
            assert float(each.rate) == pytest.approx(made.found.rate[row, j])
            assert float(each.limit_cny) == pytest.approx(made.found.limit[row, j])
        top = [made.shelf.products[j].id for j in best.places[row] if j >= 0]
        assert [each.product.id for each in found.ranked[:5]] == top


def test_matching_beats_simple_rankings_on_a_market_with_known_truth() -> None:
    made = generate_market(1500, 21)
    history = past(made, 22)
    ours = score(made.shelf, made.found, made.firms, usual_chances()).expected
    rivals = rival_rankings(made.shelf, made.found, history.product[history.accepted])
    mine = judge(ours, made.expected, made.found.eligible).figures()
    for ranking in rivals.values():
        other = judge(ranking, made.expected, made.found.eligible).figures()
        assert mine["ndcg"][0] - mine["ndcg"][1] > other["ndcg"][0] + other["ndcg"][1]
        assert mine["regret"][0] < other["regret"][0]
        assert mine["hit"][0] > other["hit"][0]
    perfect = judge(made.expected, made.expected, made.found.eligible).figures()
    assert perfect["ndcg"][0] == pytest.approx(1)
    assert perfect["regret"][0] == pytest.approx(0)


def test_shadow_prices_keep_lenders_within_their_quotas() -> None:
    made = generate_market(1200, 31)
    scores = score(made.shelf, made.found, made.firms, usual_chances())
    free = _load(made.shelf, made, scores.expected)
    lender = max(free, key=lambda name: free[name])
    quota = free[lender] / 2
    prices = shadow_prices(made.shelf, made.found, scores, {lender: quota})
    assert prices[lender] > 0
    priced = score(made.shelf, made.found, made.firms, usual_chances(), prices)
    assert _load(made.shelf, made, priced.expected)[lender] <= quota * 1.1
    assert sum(_load(made.shelf, made, priced.expected).values()) > sum(free.values()) * 0.6


def _load(shelf: Shelf, made: Market, expected: np.ndarray) -> dict[str, float]:
    found = pairs(shelf, made.firms)
    scores = score(shelf, found, made.firms, usual_chances())
    first = expected.argmax(axis=1)
    rows = np.arange(len(first))
    money = scores.approve[rows, first] * scores.accept[rows, first] * found.lent[rows, first]
    money = np.where(expected[rows, first] > 0, money, 0.0)
    out = dict.fromkeys(shelf.lenders, 0.0)
    for j, sum_ in zip(first, money, strict=True):
        out[shelf.lenders[j]] += sum_
    return out


def test_nothing_a_lender_could_pay_for_is_an_input() -> None:
    chances = usual_chances()
    assert isinstance(chances, Chances)
    assert chances.approve.lenders == {}
    assert chances.generated
    shelf = market_shelf()
    assert len(shelf) >= 40
    assert len(set(shelf.lenders)) == 10


def test_the_term_nearest_to_the_wish_is_taken() -> None:
    product = catalog_product("tax_standard")
    assert [nearest_term(product, months) for months in (None, 3, 12, 20, 48)] == [12, 12, 12, 24, 36]


def test_an_empty_shelf_matches_nothing() -> None:
    assert match(sample_file(), Request(), [], on=DAY) == Matches((), ())
    assert isinstance(case_of(market(), 0).case, Case)
