from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.scoring.conftest import SIGNS, Sample, companies
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Floats, read_columns
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.fine import fine_variables
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.stumps import Boosted, BoostedStumps, Encoded, Sums
from xinqiao.scoring.validation import folds_of


@parametrize_with_checks([BoostedStumps(rounds=20, folds=2)])  # type: ignore[untyped-decorator]  # scikit-learn ships no types
def test_scikit_learn_conventions(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def crossed(n: int, seed: int = 3) -> tuple[pd.DataFrame, Floats]:
    """Risk is high where exactly one of two numbers is; neither says anything alone."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.normal(size=n)})
    risk = -1.0 + 1.5 * ((frame["a"] > 0.3) != (frame["b"] > -0.2)) + 0.7 * frame["c"]
    return frame, (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(float).to_numpy()


def test_an_interaction_becomes_a_two_way_term() -> None:
    frame, y = crossed(3000)
    unseen, truth = crossed(3000, seed=4)
    model = BoostedStumps().fit(frame, y)
    alone = BoostedStumps(pairs=0).fit(frame, y)
    assert {(p.left, p.right) for p in model.card_.pairs} >= {("a", "b")}
    assert auc(model.decision_function(unseen), truth) > auc(alone.decision_function(unseen), truth) + 0.05
    assert alone.card_.pairs == ()


def test_no_two_way_terms_where_there_is_nothing_to_find(sample: Sample) -> None:
    frame, y = sample
    assert BoostedStumps().fit(frame, y).card_.pairs == ()


@pytest.mark.parametrize("leaves", [2, 3])
def test_the_sums_are_the_trees(sample: Sample, leaves: int) -> None:
    frame, y = sample
    columns = read_columns(frame)
    variables = fine_variables(columns, SIGNS, None, most=30, min_share=0.005)
    encoded = [Encoded(v, variable_codes(v, columns.column(v.name))) for v in variables]
    sums, x = Sums(encoded), np.column_stack([e.rows[e.codes] for e in encoded])
    boosted = BoostedStumps()._boost(x, y, folds_of(y, 3, 1, 0), sums, num_leaves=leaves)
    sums.add(boosted)
    wanted = np.mean(
        [m.predict(x, raw_score=True, num_iteration=boosted.rounds) for m in boosted.models], axis=0
    )
    for centre in (False, True):
        if centre:
            sums.centred()
        found = np.full(len(y), sums.constant)
        for effect, e in zip(sums.effects, encoded, strict=True):
            found += effect[e.codes]
        for (a, b), grid in sums.grids.items():
            found += grid[encoded[a].codes, encoded[b].codes]
        np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert bool(sums.grids) == (leaves == 3)
    assert isinstance(boosted, Boosted)


@settings(max_examples=5)
@given(st.integers(0, 10_000), st.integers(150, 400))
def test_risk_never_runs_against_the_stated_direction(seed: int, n: int) -> None:
    frame, y = companies(n, seed)
    model = BoostedStumps(signs=SIGNS, evidence=-1e9, digits=1, rounds=60).fit(frame, y)  # pairs always stay
    for name, sign in (("sales", 1), ("void", -1)):
        for i in range(5):
            one = frame.iloc[[i] * 60].assign(**{name: np.linspace(-4, 8, 60)})
            assert (np.diff(model.decision_function(one)) * sign <= 1e-9).all()


def test_missing_has_points_of_its_own_and_an_empty_bin_has_none(sample: Sample) -> None:
    frame, y = sample
    gaps = frame["sales"].isna().to_numpy()
    risky = np.where(gaps, (np.arange(len(y)) % 3 > 0).astype(float), y)
    card = BoostedStumps(pairs=0).fit(frame, risky).card_
    assert card.variable("sales").bins[-1].points < -10
    assert card.variable("void").bins[-1].points == 0


def test_fitting_twice_gives_the_same_bytes(sample: Sample) -> None:
    frame, y = sample
    first = BoostedStumps(signs=SIGNS, rounds=60).fit(frame, y).card_
    assert BoostedStumps(signs=SIGNS, rounds=60).fit(frame, y).card_.to_json() == first.to_json()
    assert Card.from_json(first.to_json()).to_json() == first.to_json()


def test_unseen_scores_are_honest(sample: Sample) -> None:
    frame, y = sample
    model = BoostedStumps(pairs=0).fit(frame, y)
    out = model.unseen_.log_odds.mean(axis=0)
    assert 0.7 < auc(out, y) <= auc(model.decision_function(frame), y)
