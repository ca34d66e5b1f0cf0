from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.policy.logic import ARITHMETIC, kleene_and, kleene_not, kleene_or, round_to

TRUTH = st.sampled_from([True, False, None])
SPACE = [True, False, None]


def test_the_truth_tables_are_kleenes() -> None:
    order = {False: 0, None: 1, True: 2}
    for a, b in itertools.product(SPACE, SPACE):
        assert kleene_and([a, b]) == min(a, b, key=order.__getitem__)
        assert kleene_or([a, b]) == max(a, b, key=order.__getitem__)


@given(st.lists(TRUTH, max_size=5))
def test_de_morgan(parts: list[bool | None]) -> None:
    assert kleene_not(kleene_and(parts)) == kleene_or(kleene_not(p) for p in parts)
    assert kleene_not(kleene_or(parts)) == kleene_and(kleene_not(p) for p in parts)


@given(st.lists(TRUTH, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_order_and_grouping_do_not_matter(parts: list[bool | None], rng: random.Random) -> None:
    mixed = list(parts)
    rng.shuffle(mixed)
    assert kleene_and(mixed) == kleene_and(parts)
    assert kleene_and([kleene_and(parts[:2]), *parts[2:]]) == kleene_and(parts)


@given(TRUTH)
def test_double_negation_and_units(a: bool | None) -> None:  # noqa: FBT001 - a truth value
    assert kleene_not(kleene_not(a)) == a
    assert kleene_and([a, True]) == a == kleene_or([a, False])


@pytest.mark.parametrize(
    ("value", "down", "up", "half_up", "half_even"),
    [
        ("0.04325", "0.0430", "0.0435", "0.0435", "0.0430"),
        ("0.04374", "0.0435", "0.0440", "0.0435", "0.0435"),
        ("0.04375", "0.0435", "0.0440", "0.0440", "0.0440"),
        ("0.0435", "0.0435", "0.0435", "0.0435", "0.0435"),
    ],
)
def test_rounding_is_named(value: str, down: str, up: str, half_up: str, half_even: str) -> None:
    step = Decimal("0.0005")
    found = [round_to(Decimal(value), step, mode) for mode in ("down", "up", "half_up", "half_even")]
    assert found == [Decimal(down), Decimal(up), Decimal(half_up), Decimal(half_even)]


@given(st.decimals(0, 10**9, places=4), st.sampled_from(["10000", "0.0005", "1", "0.01"]))
def test_rounding_down_is_the_greatest_multiple_not_above(value: Decimal, step: str) -> None:
    rounded = round_to(value, Decimal(step), "down")
    assert rounded <= value < rounded + Decimal(step)
    assert rounded % Decimal(step) == 0


def test_a_division_that_never_ends_costs_no_step() -> None:
    third = ARITHMETIC.divide(Decimal(4_000_000), Decimal(12))
    limit = ARITHMETIC.multiply(third, Decimal(3))
    assert limit < 1_000_000, "34 digits end somewhere"
    assert round_to(limit, Decimal(10_000), "down") == 1_000_000
    assert round_to(ARITHMETIC.multiply(limit, Decimal("1.1")), Decimal(10_000), "up") == 1_100_000
    assert round_to(Decimal("999999.999999"), Decimal(10_000), "down") == 990_000
