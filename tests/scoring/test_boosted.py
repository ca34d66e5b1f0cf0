from collections.abc import Callable

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.scoring.conftest import SIGNS, Sample
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.metrics import auc


@parametrize_with_checks([BoostedTrees()])  # type: ignore[untyped-decorator]  # scikit-learn ships no types
def test_scikit_learn_conventions(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


@pytest.mark.parametrize(("name", "sign"), [("sales", 1), ("void", -1)])
def test_risk_follows_the_stated_direction(sample: Sample, name: str, sign: int) -> None:
    frame, y = sample
    model = BoostedTrees(signs=SIGNS).fit(frame, y)
    for i in range(5):
        one = frame.iloc[[i] * 50].assign(**{name: np.linspace(-3, 5, 50)})
        assert (np.diff(model.decision_function(one)) * sign <= 1e-12).all()


def test_json_scores_as_the_fitted_model_and_is_the_same_every_time(sample: Sample) -> None:
    frame, y = sample
    model = BoostedTrees(signs=SIGNS, trees=30).fit(frame, y)
    again = BoostedTrees.from_json(model.to_json())
    np.testing.assert_array_equal(again.decision_function(frame), model.decision_function(frame))
    assert again.to_json() == model.to_json()
    assert BoostedTrees(signs=SIGNS, trees=30).fit(frame, y).to_json() == model.to_json()
    assert auc(model.decision_function(frame), y) > 0.75


def test_an_unseen_category_counts_as_missing(sample: Sample) -> None:
    frame, y = sample
    model = BoostedTrees(trees=30).fit(frame, y)
    unseen = model.decision_function(frame.assign(trade="unheard of"))
    missing = model.decision_function(frame.assign(trade=None))
    np.testing.assert_array_equal(unseen, missing)


@pytest.mark.parametrize("text", ["{}", "[]", "x", '{"format":"xinqiao.boosted","version":1}'])
def test_a_file_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="SCR-CARD-FORMAT"):
        BoostedTrees.from_json(text)
