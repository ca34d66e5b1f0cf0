from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.scoring.conftest import SIGNS, Sample
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.binning import short_cut
from xinqiao.scoring.merging import EmptyMissing
from xinqiao.scoring.woe_binner import WOEBinner


@parametrize_with_checks([WOEBinner(), WOEBinner(max_bins=3, empty_missing="pessimistic")])  # type: ignore[untyped-decorator]  # scikit-learn ships no types
def test_scikit_learn_conventions(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def test_woe_of_a_hand_worked_column() -> None:
    # 8 companies, 4 bad. low: 3 bad of 4 -> ln((1/4)/(3/4)); high: 1 bad of 4 -> ln((3/4)/(1/4))
    x = np.array([[1.0], [1.0], [1.0], [1.0], [2.0], [2.0], [2.0], [2.0]])
    y = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    binner = WOEBinner(signs={"x0": 1}, smoothing=0, trend=0).fit(x, y)
    assert binner.variables_[0].edges == (2.0,)
    np.testing.assert_allclose(binner.transform(x)[[0, 4], 0], [-np.log(3), np.log(3)], atol=1e-6)
    # IV = (1/4-3/4)(-ln 3) + (3/4-1/4)(ln 3) = ln 3
    assert binner.variables_[0].iv == pytest.approx(np.log(3), abs=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([-1, 1]), st.integers(30, 300))
def test_woe_never_runs_against_the_stated_direction(seed: int, sign: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 1)).round(1), rng.integers(0, 2, n)
    y[:2] = 0, 1
    binner = WOEBinner(signs={"x0": sign}).fit(x, y)
    woe = binner.transform(np.sort(x, axis=0))[:, 0] * sign
    assert (np.diff(woe) >= 0).all()


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_cut_separates_its_two_neighbours(a: float, b: float) -> None:
    low, high = sorted((a, b))
    if low < high:
        assert low < short_cut(low, high) <= high


def test_cuts_are_short_numbers() -> None:
    assert short_cut(99_123.5, 104_876.2) == 100_000


def test_missing_and_special_values_have_bins_of_their_own() -> None:
    x = np.array([[np.nan]] * 10 + [[-9.0]] * 10 + [[1.0]] * 10 + [[2.0]] * 10)
    y = np.array([1] * 8 + [0] * 2 + [1] * 1 + [0] * 9 + [1] * 6 + [0] * 4 + [1] * 2 + [0] * 8)
    binner = WOEBinner(signs={"x0": 1}, specials={"x0": ((-9.0,),)}).fit(x, y)
    found = {b.label.en: (b.count, b.bad) for b in binner.variables_[0].bins}
    assert found == {"< 2": (10, 6), "≥ 2": (10, 2), "special -9": (10, 1), "missing": (10, 8)}


@pytest.mark.parametrize(("rule", "worst"), [("neutral", "neutral"), ("pessimistic", "worst")])
def test_woe_of_a_missing_bin_nobody_was_in(rule: EmptyMissing, worst: str) -> None:
    x = np.repeat([[1.0], [2.0]], 20, axis=0)
    y = np.array([1] * 15 + [0] * 5 + [1] * 5 + [0] * 15)
    binner = WOEBinner(signs={"x0": 1}, empty_missing=rule).fit(x, y)
    woe = [b.woe for b in binner.variables_[0].bins]
    assert woe[-1] == (min(woe[:2]) if worst == "worst" else 0)


def test_categories_are_merged_and_unseen_ones_are_other(sample: Sample) -> None:
    frame, y = sample
    binner = WOEBinner(signs=SIGNS).fit(frame, y)
    trade = binner.variables_[3]
    assert trade.categories == (("food", "retail"), ("steel",))
    assert trade.code("unheard of") == 2
    assert trade.bins[2].woe == 0
    new = frame.assign(trade="unheard of")
    assert (binner.transform(new)[:, 3] == 0).all()


def test_pandas_polars_and_shuffled_rows_give_the_same_bins(sample: Sample) -> None:
    frame, y = sample
    first = WOEBinner(signs=SIGNS).fit(frame, y)
    second = WOEBinner(signs=SIGNS).fit(pl.from_pandas(frame), y)
    order = np.random.default_rng(0).permutation(len(y))
    third = WOEBinner(signs=SIGNS).fit(frame.iloc[order], y[order])
    assert first.variables_ == second.variables_ == third.variables_
    np.testing.assert_array_equal(first.transform(frame), second.transform(pl.from_pandas(frame)))


def test_names_go_in_and_come_out(sample: Sample) -> None:
    frame, y = sample
    binner = WOEBinner().fit(frame, y).set_output(transform="pandas")
    assert list(binner.get_feature_names_out()) == list(frame.columns) == list(binner.transform(frame))
    with pytest.raises(ValueError, match="feature names"):
        binner.transform(frame.rename(columns={"void": "other"}))


def test_codes_are_the_places_in_the_bin_list(sample: Sample) -> None:
    frame, y = sample
    binner = WOEBinner().fit(frame, y)
    codes = binner.transform_codes(frame)
    assert codes.dtype == np.uint8
    counts = [
        np.bincount(codes[:, i], minlength=len(v.bins)).tolist() for i, v in enumerate(binner.variables_)
    ]
    assert counts == [[b.count for b in v.bins] for v in binner.variables_]


def test_infinities_are_refused(sample: Sample) -> None:
    frame, y = sample
    with pytest.raises(UserError, match="SCR-INFINITE"):
        WOEBinner().fit(frame.assign(sales=np.inf), y)
    with pytest.raises(ValueError, match="infinity"):
        WOEBinner().fit(np.full((len(y), 1), np.inf), y)


def test_an_all_missing_column_has_one_empty_bin_and_no_information() -> None:
    frame = pd.DataFrame({"a": np.full(20, np.nan)})
    binner = WOEBinner().fit(frame, np.arange(20) % 2)
    assert [b.count for b in binner.variables_[0].bins] == [0, 20]
    assert binner.variables_[0].iv == 0


def test_the_trend_smooths_small_samples_and_leaves_large_ones_alone() -> None:
    rng = np.random.default_rng(0)
    gaps = []
    for n in (100, 20_000):
        x = rng.uniform(size=(n, 1))
        y = (rng.random(n) < x[:, 0] * 0.8).astype(float)
        woe = [WOEBinner(signs={"x0": -1}, trend=t, max_bins=20).fit(x, y).transform(x) for t in (0, 100)]
        gaps.append(float(np.abs(woe[0] - woe[1]).mean()))
    assert gaps[0] > 0.1
    assert gaps[1] < 0.02


def test_many_texts_are_not_all_rare() -> None:
    """Forty texts, each below the least share of a bin, are joined by bad rate, not thrown together."""
    place = np.arange(20_000) % 40
    y = (np.arange(20_000) // 40 % 10 < np.where(place < 20, 2, 6)).astype(int)
    binner = WOEBinner().fit(pd.DataFrame({"sector": [f"s{i:02}" for i in place]}), y)
    groups = {frozenset(group) for group in binner.variables_[0].categories}
    assert groups == {frozenset(f"s{i:02}" for i in span) for span in (range(20), range(20, 40))}
