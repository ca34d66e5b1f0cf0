from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.policy.format import Rounding
from xinqiao.policy.logic import exact, round_to
from xinqiao.policy.vector.exact import UNIT, Origin, Steps, codes, grid, near_edges, settle
from xinqiao.policy.vector.recipe import Cook

STEPS = st.sampled_from([Decimal(text) for text in ("10000", "0.0005", "0.05", "0.01", "25000", "3", "0.3")])
MODES: st.SearchStrategy[Rounding] = st.sampled_from(["down", "up", "half_up", "half_even"])
COUNTS = st.integers(-400, 400)


@st.composite
def amounts(draw: st.DrawFn) -> tuple[Decimal, list[float]]:
    """A step, and doubles on its multiples, on the halves between, beside them and anywhere."""
    step = draw(STEPS)
    half = draw(st.lists(COUNTS, min_size=1, max_size=6))
    values = [float(step * count / 2) for count in half]
    values += [math.nextafter(value, math.inf) for value in values]
    return step, [*values, *draw(st.lists(st.floats(-1e6, 1e6), max_size=4))]


@given(amounts(), MODES)
def test_rounding_a_written_number_is_the_decimals(
    drawn: tuple[Decimal, list[float]], mode: Rounding
) -> None:
    step, numbers = drawn
    values = np.array(numbers)
    doubt = np.zeros(len(values), np.bool_)
    steps = Steps(step, mode)
    origin = Origin((0, 2, 4, 6, 9), [(values, (0, 2, 4, 6, 9))], Cook("c0"), [values])
    found = steps.values(steps.counts(values, np.abs(values) * UNIT, doubt, origin))
    for value, got, unsure in zip(numbers, found.tolist(), doubt.tolist(), strict=True):
        assert not unsure
        assert got == float(round_to(exact(value), step, mode)), (value, step)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**4)), min_size=1, max_size=9))
def test_a_product_with_few_decimals_is_found_exactly(pairs: list[tuple[int, int]]) -> None:
    cents = np.array([a / 100 for a, _ in pairs])
    share = np.array([b / 10_000 for _, b in pairs])
    value = cents * share
    origin = Origin((0, 4, 6, 8, 11), [(cents, (0, 2, 2, 2, 2)), (share, (0, 2, 4, 6, 9))], Cook("c0"), [])
    found, sure, _ = grid(np.arange(len(value)), value, np.abs(value) * 4 * UNIT, origin)
    for got, certain, (a, b) in zip(found.tolist(), sure.tolist(), pairs, strict=True):
        assert not certain or got == float(Fraction(a * b, 10**6))
    assert sure.all()


def test_a_leaf_of_many_decimals_leaves_its_row_in_doubt() -> None:
    value = np.array([0.5, 0.5 + 2e-16, 0.5])
    leaf = np.array([0.5, 0.5 + 2e-16, np.nan])
    doubt, out = np.zeros(3, np.bool_), np.empty(3)
    origin = Origin((0, 2, 4, 6, 9), [(leaf, (0, 2, 4, 6, 9))], Cook("c0"), [leaf])
    settle(np.array([True, True, True]), value, np.full(3, 1e-15), doubt, origin, out=out)
    assert doubt.tolist() == [False, True, False]
    assert out[0] == 0.5


def test_after_a_division_nothing_is_settled() -> None:
    value = np.array([1.0])
    doubt, out = np.zeros(1, np.bool_), np.empty(1)
    settle(np.array([True]), value, np.full(1, 1e-15), doubt, Origin(None, [], Cook("c0"), []), out=out)
    assert doubt.all()


@pytest.mark.parametrize("count", [3, 60])
def test_codes_and_nearness_are_the_same_by_comparing_and_by_searching(count: int) -> None:
    edges = np.arange(count) * 0.1
    value = np.concatenate([edges, np.nextafter(edges, -1), edges + 0.05, [-1.0, 99.0]])
    out, near = np.empty(len(value), np.intp), np.empty(len(value), np.bool_)
    codes(value, edges, out)
    assert out.tolist() == [sum(edge <= v for edge in edges) for v in value]
    near_edges(value, np.full(len(value), 1e-9), edges, near)
    assert near.tolist() == [any(abs(v - edge) <= 1e-9 for edge in edges) for v in value]


def test_a_count_of_too_many_digits_is_doubtful() -> None:
    value = np.array([1e17, 1e3])
    doubt = np.zeros(2, np.bool_)
    origin = Origin((0, 2, 4, 6, 9), [(value, (0, 2, 4, 6, 9))], Cook("c0"), [value])
    Steps(Decimal("0.05"), "down").counts(value, value * UNIT, doubt, origin)
    assert doubt.tolist() == [True, False]
