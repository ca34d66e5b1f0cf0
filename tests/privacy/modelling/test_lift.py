"""AUC, KS and their differences."""

from __future__ import annotations

import numpy as np

from xinqiao.privacy.modelling.lift import Lift, lift
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc, ks


def _scores(seed: int, rows: int = 800) -> tuple[Floats, Floats, Floats]:
    stream = np.random.default_rng(seed)
    one, other = stream.normal(size=(2, rows))
    bad = (stream.random(rows) < 1 / (1 + np.exp(1.5 - one - other))).astype(np.float64)
    return np.round(one + other, 2), one, bad


def test_figures_are_those_of_the_scoring_package() -> None:
    joint, alone, bad = _scores(1)
    found = lift(joint, alone, bad)
    assert abs(found.auc_joint.value - auc(joint, bad)) < 1e-12
    assert abs(found.auc_alone.value - auc(alone, bad)) < 1e-12
    assert abs(found.ks_joint.value - ks(joint, bad)) < 1e-12
    assert abs(found.auc_lift.value - (auc(joint, bad) - auc(alone, bad))) < 1e-12
    assert all(low < value < high for value, low, high in found.told().values())


def test_the_interval_of_a_difference_is_as_wide_as_differences_scatter() -> None:
    found = [lift(*_scores(seed, 400)).auc_lift for seed in range(20)]
    scatter = np.std([f.value for f in found])
    told = np.mean([(f.high - f.low) / 2 / 1.96 for f in found])
    assert 0.6 < told / scatter < 1.6


def test_the_same_score_has_no_lift_and_the_order_of_rows_does_not_matter() -> None:
    joint, alone, bad = _scores(2)
    assert lift(joint, joint, bad).told()["auc_lift"] == [0.0, 0.0, 0.0]
    order = np.random.default_rng(3).permutation(len(bad))
    assert lift(joint, alone, bad).told() == lift(joint[order], alone[order], bad[order]).told()


def test_scores_out_of_fold_have_wider_intervals() -> None:
    plain, folded = (lift(*_scores(5), folds).auc_lift for folds in (0, 5))
    assert folded.value == plain.value
    assert abs((folded.high - folded.low) / (plain.high - plain.low) - 1.5) < 1e-9


def test_figures_travel() -> None:
    found = lift(*_scores(4))
    assert Lift.read(found.array()) == found
