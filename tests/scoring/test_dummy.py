from collections.abc import Callable

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.scoring.conftest import SIGNS, Sample, companies
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.dummy import BinDummyRidge, Design, fit_ridge
from xinqiao.scoring.logistic import log_loss_sum
from xinqiao.scoring.metrics import auc


@parametrize_with_checks([BinDummyRidge(), BinDummyRidge(bins=(10,), penalties=(2.0,), digits=2)])  # type: ignore[untyped-decorator]  # scikit-learn ships no types
def test_scikit_learn_conventions(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def _design(sample: Sample, signs: dict[str, int]) -> Design:
    return BinDummyRidge(signs=signs)._design(read_columns(sample[0]), 6)


def test_gradient_and_hessian_are_those_of_the_dummies(sample: Sample) -> None:
    design = _design(sample, SIGNS)
    x = np.column_stack([b[c] for b, c in zip(design.basis, design.codes, strict=True)])
    weight = np.random.default_rng(0).random(len(x))
    np.testing.assert_allclose(design.gradient(design.codes, weight), x.T @ weight, atol=1e-8)
    np.testing.assert_allclose(design.hessian(design.codes, weight), (x.T * weight) @ x, atol=1e-8)
    b = np.random.default_rng(1).normal(size=x.shape[1])
    np.testing.assert_allclose(design.log_odds(b, design.codes), x @ b, atol=1e-9)


def test_the_fit_is_the_bounded_minimum(sample: Sample) -> None:
    y = sample[1]
    design = _design(sample, {"sales": -1, "void": -1})  # sales is stated the wrong way round: bounds bind
    found = fit_ridge(design, design.codes, y, 2.0, None)

    def loss(b: np.ndarray) -> float:
        return log_loss_sum(y, design.log_odds(b, design.codes)) + float(design.ridge @ b**2)

    def slope(b: np.ndarray) -> np.ndarray:
        p = expit(design.log_odds(b, design.codes))
        return np.asarray(design.gradient(design.codes, p - y) + 2 * design.ridge * b)

    bounds = [(low if np.isfinite(low) else None, None) for low in design.lower]
    oracle = minimize(loss, np.zeros(len(found)), jac=slope, bounds=bounds, method="L-BFGS-B", tol=1e-12)
    assert (found >= design.lower).all()
    assert (found[np.isfinite(design.lower)] == 0).any()
    assert loss(found) <= oracle.fun + 1e-4


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(60, 300))
def test_points_never_run_against_the_stated_direction(seed: int, n: int) -> None:
    frame, y = companies(n, seed)
    card = BinDummyRidge(signs=SIGNS, bins=(12,), penalties=(0.5,), digits=1).fit(frame, y).card_
    for name, sign in (("sales", 1), ("void", -1)):
        if name in card.names:
            points = [b.points for b in card.variable(name).bins if b.kind == "range"]
            assert (np.diff(points) * sign >= 0).all()


def test_missing_has_points_of_its_own_and_an_empty_bin_has_none(sample: Sample) -> None:
    frame, y = sample
    gaps = frame["sales"].isna().to_numpy()
    risky = np.where(gaps, (np.arange(len(y)) % 3 > 0).astype(float), y)
    card = BinDummyRidge().fit(frame, risky).card_
    assert card.variable("sales").bins[-1].points < -10
    assert card.variable("void").bins[-1].points == 0


def test_it_ranks_companies_it_has_not_seen(sample: Sample) -> None:
    frame, y = companies(1500, seed=9)
    model = BinDummyRidge(signs=SIGNS).fit(*sample)
    assert auc(model.decision_function(frame), y) > 0.75
    assert auc(model.unseen_.log_odds.mean(axis=0), sample[1]) > 0.7


def test_two_fits_give_the_same_bytes(sample: Sample) -> None:
    assert BinDummyRidge().fit(*sample).card_.to_json() == BinDummyRidge().fit(*sample).card_.to_json()


def test_specials_have_bins_of_their_own() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    x[:100] = -999
    y = np.where(x == -999, rng.random(800) < 0.8, rng.random(800) < 0.2).astype(float)
    card = BinDummyRidge(specials={"x": ((-999.0,),)}).fit(pd.DataFrame({"x": x}), y).card_
    special = card.variable("x").bins[card.variable("x").first_special]
    assert special.count == 100
    assert special.points < -20


def test_wide_tables_have_fewer_bins() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(150, 90)), columns=[f"v{i}" for i in range(90)])
    y = (frame["v0"] + rng.normal(size=150) > 0).astype(float)
    assert BinDummyRidge(penalties=(8.0,), folds=2).fit(frame, y).bins_ <= 6
