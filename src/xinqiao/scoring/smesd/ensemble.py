"""The mean of unlike models, each learned a few times: trees, random trees and a smooth additive one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, SplineTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from xinqiao.scoring.columns import Floats
from xinqiao.scoring.smesd.table import RATED, Rows, Table, folds, rates

INNER = 5  # folds for rates, which must not see a firm's own outcome
Score = Callable[[Floats], Floats]
TREES: dict[str, Any] = {
    "objective": "binary",
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 20,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
RANDOM = {**TREES, "extra_trees": True, "num_leaves": 31, "min_data_in_leaf": 10}
KNOTS, QUANTILES, PENALTY = 4, 50, 0.005


def trees(x: Floats, bad: Floats, seed: int, settings: dict[str, Any] = TREES, rounds: int = 400) -> Score:
    """Boosted trees; the score is log odds."""
    model = lgb.train({**settings, "seed": seed}, lgb.Dataset(x, label=bad), num_boost_round=rounds)
    return lambda z: np.asarray(model.predict(z, raw_score=True, num_threads=1), dtype=np.float64)


def additive(x: Floats, bad: Floats) -> Score:
    """Logistic regression on broken lines over quantiles, a flag for each column with gaps."""
    gaps = np.isnan(x).any(axis=0)

    def filled(z: Floats) -> Floats:
        return np.column_stack([np.nan_to_num(z, nan=-1.0), np.isnan(z)[:, gaps]])

    model = make_pipeline(
        QuantileTransformer(n_quantiles=min(QUANTILES, len(x)), subsample=None),
        SplineTransformer(n_knots=KNOTS, degree=1),
        StandardScaler(),
        LogisticRegression(C=PENALTY, max_iter=500),
    ).fit(filled(x), bad)
    return lambda z: np.asarray(model.decision_function(filled(z)), dtype=np.float64)


BY_CHANCE: tuple[Callable[[Floats, Floats, int], Score], ...] = (trees, partial(trees, settings=RANDOM))


@dataclass(frozen=True, slots=True)
class Learned:
    """A stage learned on ``train``: scores any table by log odds of bankruptcy."""

    train: Table
    stage: str
    members: tuple[Score, ...]

    def risk(self, other: Table) -> Floats:
        """Mean log odds of the members, (other firms,)."""
        everyone: Rows = np.arange(len(self.train.bad))
        x = np.column_stack([other.matrix(self.stage), rates(self.train, everyone, other)])
        out: Floats = np.mean([member(x) for member in self.members], axis=0)
        return out


def learn(train: Table, stage: str, seeds: int, seed: int = 0) -> Learned:
    """The ensemble of ``stage``; members that hang on chance are learned with ``seeds`` seeds each."""
    seen = np.zeros((len(train.bad), len(RATED)))
    for rows, aside in folds(train.component, INNER, seed):
        seen[aside] = rates(train, rows, train)[aside]
    x = np.column_stack([train.matrix(stage), seen])
    with threadpool_limits(1, user_api="blas"):
        chance = [member(x, train.bad, seed + s) for s in range(seeds) for member in BY_CHANCE]
        steady = [additive(x, train.bad)] * seeds
    return Learned(train, stage, (*chance, *steady))
