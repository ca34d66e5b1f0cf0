from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.strategy.applicant import rating_of
from xinqiao.strategy.rating import CLASSES, calibrate_ratings


@given(st.lists(st.sampled_from(CLASSES), min_size=4, max_size=60), st.integers(0, 9))
def test_as_many_in_each_class_as_the_bank_rated_so(ratings: list[str], seed: int) -> None:
    pd = np.random.default_rng(seed).permutation(np.linspace(0.01, 0.9, len(ratings)))
    found = calibrate_ratings(pd, ratings)
    if set(ratings) != set(CLASSES):
        assert found is None
        return
    assert found is not None
    mine = [rating_of(p, found.bounds) for p in pd.tolist()]
    assert [mine.count(c) for c in CLASSES] == [ratings.count(c) for c in CLASSES]
    assert found.companies == len(ratings)
    assert found.matrix.sum(axis=1).tolist() == [ratings.count(c) for c in CLASSES]


def test_perfect_order_agrees_perfectly() -> None:
    found = calibrate_ratings(np.array([0.01, 0.02, 0.1, 0.2, 0.3, 0.8]), list("AABBCD"))
    assert found is not None
    assert (found.exact, found.within_one, found.kappa) == (1, 1, 1)
    assert found.bounds == pytest.approx((np.sqrt(0.02 * 0.1), np.sqrt(0.06), np.sqrt(0.24)), abs=1e-6)


def test_reversed_order_disagrees() -> None:
    found = calibrate_ratings(np.array([0.9, 0.5, 0.2, 0.1]), list("ABCD"))
    assert found is not None
    assert (found.exact, found.kappa) == (0, pytest.approx(-1))


def test_pds_that_can_not_be_cut_give_no_bounds() -> None:
    assert calibrate_ratings(np.full(8, 0.1), list("AABBCCDD")) is None
