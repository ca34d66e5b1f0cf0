"""The generated market: the same from a seed, plausible, and with a truth of its own."""

from __future__ import annotations

import numpy as np

from xinqiao.city.market import LENDERS, generate_market, past


def test_a_seed_gives_the_same_market_and_another_gives_another() -> None:
    first, again, other = (generate_market(80, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.expected, again.expected)
    assert not np.array_equal(first.expected, other.expected)


def test_chances_are_chances_and_only_products_to_be_had_have_a_value() -> None:
    made = generate_market(300, 9)
    assert ((made.approve > 0) & (made.approve < 1)).all()
    known = made.found.eligible
    assert (made.accept[known] > 0).all()
    assert np.isneginf(made.expected[~known]).all()
    assert set(made.shelf.lenders) == set(LENDERS)
    assert 0.1 < known.mean() < 0.8


def test_past_applications_are_for_products_that_could_be_had() -> None:
    made = generate_market(300, 9)
    history = past(made, 3)
    assert made.found.eligible[history.firm, history.product].all()
    assert (history.approved | ~history.accepted).all()
    assert 0.3 < history.approved.mean() < 0.95
