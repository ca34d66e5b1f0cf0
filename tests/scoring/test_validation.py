from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest

from tests.scoring.conftest import SIGNS, Sample, companies
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.validation import (
    OutOfFold,
    Validation,
    iv_table,
    nested_oof,
    out_of_fold,
    out_of_time,
    summarise,
)


def test_pure_noise_is_not_found_to_predict() -> None:
    aucs, lows = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = pd.DataFrame(rng.normal(size=(123, 35)), columns=[f"v{i}" for i in range(35)])
        y = rng.permutation(np.repeat([1.0, 0.0], [27, 96]))
        found = nested_oof(lambda: Scorecard(penalties=(4.0,)), x, y, folds=5, repeats=1)
        aucs.append(found.auc)
        lows.append(found.auc_interval[0])
    assert abs(np.mean(aucs) - 0.5) < 0.1  # one draw scatters by about .1, the mean of ten by .035
    assert sum(low < 0.5 for low in lows) >= 8
    inside = Scorecard(penalties=(1.0,), trend=0.0, prebins=20).fit(x, y)
    assert auc(inside.decision_function(x), y) > 0.8  # what a leak would have shown


def test_pooling_is_not_misled_by_the_levels_of_the_folds() -> None:
    class BadRate:
        def fit(self, x: Columns, y: Floats) -> Self:
            assert x.rows == len(y)
            self.rate = float(y.mean())
            return self

        def predict_proba(self, x: Columns) -> Floats:
            return np.tile([1 - self.rate, self.rate], (x.rows, 1))

    y = np.repeat([1.0, 0.0], [27, 96])
    found = nested_oof(BadRate, pd.DataFrame({"a": np.zeros(123)}), y, folds=5, repeats=3)
    assert found.auc_per_repeat == (0.5, 0.5, 0.5)


def test_every_company_is_scored_by_models_that_never_saw_it() -> None:
    seen: list[set[float]] = []

    class Spy:
        def fit(self, x: Columns, y: Floats) -> Self:
            self.rows: set[float] = set(x.column("row").tolist())
            assert len(y) == len(self.rows)
            return self

        def decision_function(self, x: Columns) -> Floats:
            seen.append(self.rows & set(x.column("row").tolist()))
            values: Floats = x.column("row")
            return values

    y = (np.arange(40) % 10 < 3).astype(float)  # three bads in every fold
    out = out_of_fold(Spy, pd.DataFrame({"row": np.arange(40.0)}), y, folds=4, repeats=2)
    assert seen == [set()] * 8
    np.testing.assert_allclose(out.log_odds, [np.arange(40.0)] * 2)


def test_measures_of_a_known_case() -> None:
    bad = np.array([0.0, 0, 0, 1, 0, 1] * 5)
    scores = np.tile(np.array([-3.0, -2.0, -1.0, 0.5, 1.0, 2.0]), 5)
    found = summarise(OutOfFold(np.stack([scores, scores]), bad))
    # of 4 x 2 pairs of distinct values 7 are in order
    assert found.auc == pytest.approx(7 / 8)
    assert found.gini == pytest.approx(6 / 8)
    assert found.ks == pytest.approx(0.75)
    assert found.auc_per_repeat == (0.875, 0.875)
    assert found.roc[0] == (0, 0)
    assert found.roc[-1] == (1, 1)
    assert sum(b.count for b in found.calibration) == 30
    assert Validation.model_validate_json(found.to_json()) == found


def test_out_of_time_uses_the_fitted_model_as_it_is(sample: Sample) -> None:
    frame, y = sample
    model = Scorecard(signs=SIGNS, penalties=(4.0,)).fit(frame, y)
    later, outcome = companies(800, seed=9)
    found = out_of_time(model, later, outcome)
    assert found.kind == "out-of-time"
    assert found.auc == pytest.approx(auc(model.decision_function(later), outcome), abs=1e-6)
    assert found.auc_interval[0] < found.auc < found.auc_interval[1]


def test_the_iv_table_is_sorted(sample: Sample) -> None:
    frame, y = sample
    card = Scorecard(signs=SIGNS, penalties=(4.0,)).fit(frame, y).card_
    rows = iv_table(card)
    assert sorted(r.variable for r in rows) == sorted(card.names)
    assert [r.iv for r in rows] == sorted((r.iv for r in rows), reverse=True)


@pytest.mark.real_data
def test_real_home_loans_score_near_the_trees(data_folder: Path) -> None:
    from xinqiao.scoring.boosted import BoostedTrees  # noqa: PLC0415 - only where real data is present

    frame = pd.read_csv(data_folder / "hmeq" / "hmeq.csv").sample(3000, random_state=0)
    y, x = frame["BAD"].to_numpy(float), frame.drop(columns="BAD")
    card = nested_oof(lambda: Scorecard(penalties=(4.0,)), x, y, repeats=1)
    trees = nested_oof(BoostedTrees, x, y, repeats=1)
    assert card.auc > 0.86
    assert trees.auc > 0.9
    assert abs(np.mean([b.mean_pd - b.bad_share for b in card.calibration])) < 0.02
