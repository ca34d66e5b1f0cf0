from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from tests.scoring.industries import SIGNS, firms
from tests.scoring.test_segmented import estimator
from xinqiao.scoring.drift import LEAST, Outcomes, shifts, vintages
from xinqiao.scoring.model import Model
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segment import FACTS
from xinqiao.scoring.training import train


@pytest.fixture(scope="module")
def model() -> Model:
    frame, bad, _ = firms(3000)
    return train(frame, bad, signs=SIGNS, estimator=estimator(), folds=2, repeats=1)


def test_equal_firms_do_not_move_and_one_moved_column_is_found(model: Model) -> None:
    before, _, _ = firms(4000, seed=4)
    same = shifts(model, before, before)
    assert {s.score for s in same} == {0.0}
    assert all(m.index == 0 for s in same for m in s.variables)
    after = before.assign(x1=before["x1"] + 1.0)
    moved = {(s.segment, s.industry): s for s in shifts(model, before, after)}
    assert (None, None) in moved
    own = moved["established_small", None]
    assert own.variables[0].variable == "x1"
    assert own.variables[0].index > 0.25
    assert own.score > own.chance
    assert all(m.index == 0 for m in own.variables[1:])


def test_other_firms_of_the_same_kind_move_by_chance_alone(model: Model) -> None:
    before, after = (firms(4000, seed=seed)[0] for seed in (5, 6))
    found = shifts(model, before, after)
    beyond = [s for s in found if s.score > s.chance]
    assert len(found) > 10
    assert len(beyond) <= 0.15 * len(found)
    assert all(min(s.before, s.after) >= LEAST for s in found)


def test_observed_over_expected_tells_a_worse_vintage(model: Model) -> None:
    frame, bad, _ = firms(4000, seed=7)
    rng = np.random.default_rng(0)
    worse = np.maximum(bad, (rng.random(len(bad)) < 0.15).astype(float))
    told = {
        "2023-12-31": Outcomes(frame, worse, learned=False),
        "2024-12-31": Outcomes(frame, bad, learned=True),
    }
    found = vintages(model, told)
    early, late = (next(v for v in found if v.as_of == day and v.segment is None) for day in sorted(told))
    assert late.low < 1 < late.high
    assert late.learned
    assert early.low > 1
    assert early.seen == worse.sum()
    assert early.expected == pytest.approx(model.score_frame(frame)["pd"].to_numpy().sum(), abs=1e-5)
    assert (
        sum(v.companies for v in found if v.as_of == late.as_of and v.segment and v.industry is None) == 4000
    )


def test_the_interval_is_garwoods(model: Model) -> None:
    frame, bad, _ = firms(500, seed=8)
    for v in vintages(model, {"d": Outcomes(frame, bad, learned=False)}):
        low, high = v.low * v.expected, v.high * v.expected
        assert poisson.cdf(v.seen, high) == pytest.approx(0.025, abs=1e-4)
        if v.seen:
            assert poisson.sf(v.seen - 1, low) == pytest.approx(0.025, abs=1e-4)


def test_a_model_without_segments_is_reported_by_industry() -> None:
    frame, bad, _ = firms(2000)
    plain = frame[[c for c in frame if c not in FACTS]]
    single = train(
        plain, bad, signs=SIGNS, estimator=Scorecard(signs=SIGNS, penalties=(16.0,)), folds=2, repeats=1
    )
    found = {s.industry for s in shifts(single, frame, frame)}
    assert found == {None, "A01", "C13", "C33", "C35", "E50", "F51", "F52", "H62"}
    assert {s.segment for s in shifts(single, frame, frame)} == {None}
