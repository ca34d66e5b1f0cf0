from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.scoring.conftest import SIGNS, Sample, companies
from xinqiao.scoring import scorecard, woe_binner
from xinqiao.scoring.card import Card
from xinqiao.scoring.compiled import score
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.scorecard import Scorecard, select
from xinqiao.scoring.woe_binner import WOEBinner


@parametrize_with_checks([Scorecard(), Scorecard(penalties=(4.0,), digits=2)])  # type: ignore[untyped-decorator]  # scikit-learn ships no types
def test_scikit_learn_conventions(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def test_it_finds_what_matters_and_says_why_the_rest_left(sample: Sample) -> None:
    frame, y = sample
    card = Scorecard(signs=SIGNS).fit(frame, y).card_
    assert {"sales", "void", "trade"} <= set(card.names)
    assert card.provenance.rows == 1500
    assert card.provenance.bads == int(y.sum())
    assert set(card.names) | {d.name for d in card.provenance.dropped} == set(frame.columns)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(60, 200))
def test_points_never_run_against_the_stated_direction(seed: int, n: int) -> None:
    frame, y = companies(n, seed)
    card = Scorecard(signs=SIGNS, penalties=(2.0,)).fit(frame, y).card_
    for name, sign in (("sales", 1), ("void", -1)):
        if name in card.names:
            ordinary = [b.points for b in card.variable(name).bins if b.kind == "range"]
            assert (np.diff(ordinary) * sign >= 0).all()


def test_probabilities_are_what_the_points_say(sample: Sample) -> None:
    frame, y = sample
    model = Scorecard(signs=SIGNS).fit(frame, y)
    points = score(model.card_, frame)
    odds = [model.card_.log_odds(p) for p in points]
    np.testing.assert_allclose(model.predict_proba(frame)[:, 1], 1 / (1 + np.exp(-np.array(odds))))
    assert auc(-points, y) > 0.75


def test_fitting_twice_or_from_another_frame_gives_the_same_bytes(sample: Sample) -> None:
    frame, y = sample
    first = Scorecard(signs=SIGNS).fit(frame, y).card_.to_json()
    assert Scorecard(signs=SIGNS).fit(pl.from_pandas(frame), y).card_.to_json() == first
    assert Card.from_json(first).to_json() == first


def test_of_two_columns_that_say_the_same_the_stronger_stays(sample: Sample) -> None:
    frame, y = sample
    twin = frame.assign(again=frame["void"] + 0.01 * frame["noise"])
    binner = WOEBinner(signs={**SIGNS, "again": -1}).fit(twin, y)
    kept, dropped = select(binner.variables_, binner.transform(twin), 0.02, 0.8)
    names = [twin.columns[i] for i in kept]
    assert ("void" in names) != ("again" in names)
    assert any("highly correlated" in d.reason.en for d in dropped)


def test_a_column_that_runs_against_its_stated_direction_leaves() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=300)
    y = (a + rng.normal(size=300) > 0).astype(int)
    card = Scorecard(signs={"a": 1}).fit(pd.DataFrame({"a": a}), y).card_
    assert card.names == ()
    assert [d.name for d in card.provenance.dropped] == ["a"]
    assert "a" in Scorecard(signs={"a": -1}).fit(pd.DataFrame({"a": a}), y).card_.names


def test_other_class_labels_are_kept(sample: Sample) -> None:
    frame, y = sample
    labels = np.where(y > 0, "bad", "agood")
    model = Scorecard(signs=SIGNS, penalties=(4.0,)).fit(frame, labels)
    assert model.classes_.tolist() == ["agood", "bad"]
    assert set(model.predict(frame)) == {"agood", "bad"}


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_points_have_the_digits_asked_for(sample: Sample, digits: int) -> None:
    frame, y = sample
    card = Scorecard(signs=SIGNS, digits=digits, penalties=(4.0,)).fit(frame, y).card_
    points = [b.points for v in card.variables for b in v.bins]
    assert points == [round(p, digits) for p in points]


def test_many_rows_are_fitted_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, y = companies(6000)
    settings_ = {"signs": SIGNS, "penalties": (16.0,), "digits": 2}
    whole = Scorecard(**settings_).fit(frame, y).card_
    monkeypatch.setattr(scorecard, "DENSE", 1000)
    coded = Scorecard(**settings_).fit(frame, y).card_
    assert [v.bins[0].count for v in coded.variables] == [v.bins[0].count for v in whole.variables]
    assert coded.base_points == pytest.approx(whole.base_points, abs=0.05)
    np.testing.assert_allclose(score(coded, frame), score(whole, frame), atol=0.2)


def test_a_sample_of_many_rows_finds_nearly_the_same_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, y = companies(20_000)
    whole = Scorecard(signs=SIGNS, penalties=(16.0,)).fit(frame, y)
    monkeypatch.setattr(woe_binner, "SAMPLE", 2000)
    part = Scorecard(signs=SIGNS, penalties=(16.0,)).fit(frame, y)
    assert sum(b.count for b in part.card_.variable("sales").bins) == 20_000
    fresh, bad = companies(5000, seed=3)
    assert auc(part.decision_function(fresh), bad) > auc(whole.decision_function(fresh), bad) - 0.005


def test_the_number_of_bins_is_chosen_with_the_penalty(sample: Sample) -> None:
    frame, y = sample
    model = Scorecard(signs=SIGNS, bins=(2, 6), trend=0.0).fit(frame, y)
    assert model.max_bins_ == 6  # risk falls all along sales: two bins are too few
    assert model.card_.provenance.settings["max_bins"] == 6
    flat = Scorecard(signs=SIGNS, bins=(6,), penalties=(16.0,)).fit(frame, y)
    assert (flat.max_bins_, flat.penalty_) == (6, 16.0)
