import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from xinqiao.scoring.columns import Floats
from xinqiao.scoring.logistic import Penalty, fit_logistic, fit_logistic_codes, log_loss_sum


def drawn(seed: int, n: int = 200, p: int = 4) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - x @ np.linspace(0.3, 1.2, p)))).astype(float)
    return x, y


def test_it_equals_scikit_learn_where_no_bound_binds() -> None:
    x, y = drawn(0)
    fit = fit_logistic(x, y, Penalty(2.0))
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(fit.coefficients, peer.coef_[0], atol=1e-5)
    assert fit.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)


@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-1, 1), st.floats(-0.5, 0.5))
def test_no_small_move_within_the_bounds_is_better(seed: int, k: float, mean: float, lower: float) -> None:
    x, y = drawn(seed, 60)
    x[:, 0] *= -1  # so that a bound binds
    fit = fit_logistic(x, y, Penalty(k, mean, lower))
    assert (fit.coefficients >= lower).all()

    def loss(b: Floats, a: float) -> float:
        return log_loss_sum(y, x @ b + a) + k * float(((b - mean) ** 2).sum()) / 2

    best = loss(fit.coefficients, fit.intercept)
    for j in range(4):
        for step in (-1e-3, 1e-3):
            moved = fit.coefficients.copy()
            moved[j] = max(lower, moved[j] + step)
            assert loss(moved, fit.intercept) >= best - 1e-8
    assert loss(fit.coefficients, fit.intercept + 1e-3) >= best - 1e-8
    assert loss(fit.coefficients, fit.intercept - 1e-3) >= best - 1e-8


@pytest.mark.parametrize("lower", [0.0, -1e9])
def test_many_rows_by_their_codes_give_the_fit_of_the_matrix(lower: float) -> None:
    rng = np.random.default_rng(2)
    tables = [rng.normal(size=k) for k in (3, 9, 12, 5)]
    codes = [rng.integers(0, len(t), 60_000).astype(np.uint8) for t in tables]
    x = np.column_stack([t[c] for t, c in zip(tables, codes, strict=True)])
    y = (rng.random(len(x)) < 1 / (1 + np.exp(1 - x @ np.array([0.8, 0.3, -0.4, 0.0])))).astype(float)
    penalty = Penalty(16.0, lower=lower)
    whole = fit_logistic(x, y, penalty)
    coded = fit_logistic_codes(tables, codes, y, penalty, np.arange(0, len(x), 12))
    np.testing.assert_allclose(coded.coefficients, whole.coefficients, atol=2e-4)
    assert coded.intercept == pytest.approx(whole.intercept, abs=2e-4)
    assert (coded.coefficients >= lower).all()


def test_without_columns_the_intercept_is_the_log_odds() -> None:
    fit = fit_logistic(np.empty((4, 0)), np.array([1.0, 0, 0, 0]), Penalty(1.0))
    assert fit.intercept == pytest.approx(-np.log(3))


def test_separable_data_stay_finite() -> None:
    x = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    fit = fit_logistic(x, np.array([0.0, 0, 1, 1]), Penalty(1e-3))
    assert 0 < fit.coefficients[0] < 100


def test_weights_count_as_repeated_rows() -> None:
    x, y = drawn(3, 50)
    twice = fit_logistic(np.r_[x, x[:10]], np.r_[y, y[:10]], Penalty(1.0))
    weighted = fit_logistic(x, y, Penalty(1.0), weight=np.r_[np.full(10, 2.0), np.ones(40)])
    np.testing.assert_allclose(weighted.coefficients, twice.coefficients, atol=1e-8)


def test_a_prior_draws_intercept_and_coefficients_to_where_it_says() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = (rng.random(400) < 1 / (1 + np.exp(-(x @ np.array([1.0, 0.5, 0.2]) - 1)))).astype(float)
    mean = np.array([0.3, 2.0, 0.1])
    tight = fit_logistic(x, y, Penalty(1e9, mean=mean, level=(1e9, 0.7)))
    assert np.allclose([tight.intercept, *tight.coefficients], [0.7, *mean], atol=1e-5)
    loose = fit_logistic(x, y, Penalty(1e-6, mean=mean, level=(1e-6, 0.7)))
    free = fit_logistic(x, y, Penalty(1e-6))
    found, wanted = [loose.intercept, *loose.coefficients], [free.intercept, *free.coefficients]
    assert np.allclose(found, wanted, atol=1e-4)


def test_the_prior_of_the_intercept_is_met_exactly() -> None:
    """At the minimum the slope of loss and penalty in the intercept is zero."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    y = (rng.random(200) < 0.3).astype(float)
    fit = fit_logistic(x, y, Penalty(2.0, mean=np.array([0.1, 0.4]), level=(5.0, -0.2)))
    p = 1 / (1 + np.exp(-fit.log_odds(x)))
    assert (p - y).sum() + 5.0 * (fit.intercept + 0.2) == pytest.approx(0, abs=1e-4)
