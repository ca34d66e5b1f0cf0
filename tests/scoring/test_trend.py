from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from xinqiao.scoring.trend import RIDGE, trend_rates

COUNTS = st.lists(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(float(n)), st.integers(0, n).map(float))),
    min_size=1,
    max_size=20,
)


@given(COUNTS, st.sampled_from([-1, 0, 1]))
def test_rates_keep_the_bads_and_follow_the_sign(counts: list[tuple[float, float]], sign: int) -> None:
    rows, bads = [c[0] for c in counts], [c[1] for c in counts]
    rates = trend_rates(rows, bads, sign)
    assert all(0 <= r <= 1 for r in rates)
    assert sum(n * r for n, r in zip(rows, rates, strict=True)) == pytest.approx(sum(bads), abs=1e-5)
    if sign:
        assert all((b - a) * sign <= 0 for a, b in pairwise(rates))


def test_it_is_the_ridge_logistic_regression_on_middle_ranks() -> None:
    rows, bads = [10.0, 20.0, 10.0], [8.0, 6.0, 1.0]
    ranks = [[-0.375], [0.0], [0.375]]
    weight = [8, 6, 1, 2, 14, 9]
    peer = LogisticRegression(C=1 / RIDGE, tol=1e-12).fit(ranks * 2, [1] * 3 + [0] * 3, weight)
    assert trend_rates(rows, bads, 1) == pytest.approx(peer.predict_proba(ranks)[:, 1].tolist(), abs=1e-5)
    assert trend_rates(rows, bads, -1) == [15 / 40] * 3


def test_perfect_separation_stays_inside_zero_and_one() -> None:
    rates = trend_rates([50.0, 50.0], [50.0, 0.0], 1)
    assert 1 > rates[0] > 0.9
    assert 0 < rates[1] < 0.1
