from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.utils.estimator_checks import parametrize_with_checks

from xinqiao.scoring.metrics import auc
from xinqiao.scoring.rejects import RejectInference
from xinqiao.scoring.scorecard import Scorecard

SIGNS = {"sales": 1, "debt": -1, "hidden": 0}
FAST = Scorecard(penalties=(16.0,), signs=SIGNS)


def applicants(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Firms, their true outcomes, and who was accepted: by sales and by something the data don't hold."""
    rng = np.random.default_rng(seed)
    sales, debt, unseen = rng.normal(size=rows), rng.normal(size=rows), rng.normal(size=rows)
    bad = rng.random(rows) < expit(-1.5 - 0.9 * sales + 0.8 * debt - 0.8 * unseen)
    accepted = sales + unseen + rng.normal(scale=0.3, size=rows) > 0
    frame = pd.DataFrame({"sales": sales, "debt": debt})
    frame.loc[rng.random(rows) < 0.1, "debt"] = np.nan
    return frame, bad.astype(float), accepted


@parametrize_with_checks([RejectInference(Scorecard(penalties=(16.0,)))])
def test_scikit_learn_conventions(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]  # scikit-learn's own protocol


def test_nobody_rejected_is_the_card_itself() -> None:
    frame, bad, accepted = applicants(2_000, 1)
    plain = Scorecard(penalties=(16.0,)).fit(frame[accepted], bad[accepted])
    same = RejectInference(Scorecard(penalties=(16.0,))).fit(frame[accepted], bad[accepted])
    assert same.card_.to_json() == plain.card_.to_json()


def test_the_rejected_get_the_bads_the_stated_odds_expect() -> None:
    frame, bad, accepted = applicants(4_000, 2)
    seen, unseen = frame[accepted], frame[~accepted]
    model = RejectInference(FAST, rejected=unseen, odds=2.0).fit(seen, bad[accepted])
    expected = expit(model.first_.decision_function(unseen) + np.log(2.0)).sum()
    assert abs(model.inferred_.sum() - expected) <= 1
    assert set(np.unique(model.inferred_)) <= {0.0, 1.0}


def test_worse_odds_mean_a_higher_pd_of_the_rejected() -> None:
    frame, bad, accepted = applicants(4_000, 3)
    seen, unseen = frame[accepted], frame[~accepted]
    means = [
        RejectInference(FAST, rejected=unseen, odds=odds)
        .fit(seen, bad[accepted])
        .predict_proba(unseen)[:, 1]
        .mean()
        for odds in (1.0, 2.0, 4.0)
    ]
    assert means[0] < means[1] < means[2]


def test_with_the_true_odds_the_pd_of_the_rejected_comes_nearer_the_truth() -> None:
    frame, bad, accepted = applicants(20_000, 4)
    seen, unseen = frame[accepted], frame[~accepted]
    truth = bad[~accepted].mean()
    alone = RejectInference(FAST).fit(seen, bad[accepted])
    inferred = RejectInference(FAST, rejected=unseen, odds=5.0).fit(seen, bad[accepted])
    assert inferred.card_.provenance.rows == accepted.sum()
    error = [abs(m.predict_proba(unseen)[:, 1].mean() - truth) for m in (alone, inferred)]
    assert error[1] < error[0] / 2
    ranks = [auc(m.decision_function(frame), bad) for m in (alone, inferred)]
    assert ranks[1] > ranks[0] - 0.005


def test_odds_must_be_above_zero() -> None:
    frame, bad, _ = applicants(200, 5)
    with pytest.raises(ValueError, match="above 0"):
        RejectInference(FAST, odds=0.0).fit(frame, bad)
