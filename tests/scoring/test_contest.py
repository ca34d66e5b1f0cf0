from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from tests.scoring.conftest import companies
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.scoring.columns import Columns, Floats, read_columns
from xinqiao.scoring.contest import (
    METHODS,
    Calibrated,
    Method,
    Outcome,
    chosen,
    contest,
    standings,
)
from xinqiao.scoring.flat import Flat
from xinqiao.scoring.metrics import log_loss
from xinqiao.scoring.scorecard import Scorecard


def _flat(n: int = 400) -> Flat:
    frame, y = companies(n)
    return Flat(read_columns(frame), y, "1", (), "k")


class Base:
    """Says the bad rate of the training rows; counts how often it was fitted."""

    fitted = 0

    def fit(self, X: Columns, y: Floats) -> Self:  # noqa: ARG002 - as fitters have it
        type(self).fitted += 1
        self.rate = float(y.mean())
        return self

    def predict_proba(self, X: Columns) -> Floats:
        return np.tile([1 - self.rate, self.rate], (X.rows, 1))


class Slow(Base):
    def fit(self, X: Columns, y: Floats) -> Self:
        end = time.process_time() + 20
        while time.process_time() < end:
            pass
        return super().fit(X, y)


class Broken(Base):
    def fit(self, X: Columns, y: Floats) -> Self:  # noqa: ARG002 - as fitters have it
        message = "no such luck"
        raise RuntimeError(message)


def _method(key: str, make: Any, package: str = "") -> Method:  # noqa: ANN401 - any maker of a model
    return Method(key, Text(zh=key, en=key), "peer", lambda _seed: make(), package)


def test_every_method_stands_in_the_table_whatever_befalls_it() -> None:
    methods = [
        _method("base", Base),
        _method("slow", Slow),
        _method("broken", Broken),
        _method("absent", Base, "no_such_package_anywhere"),
    ]
    outcomes = list(contest(_flat(), methods, folds=2, limit_s=0.3))
    rows = {s.method: s for s in standings(methods, outcomes)}
    assert {k: s.state for k, s in rows.items()} == {
        "base": "done",
        "slow": "late",
        "broken": "failed",
        "absent": "absent",
    }
    assert rows["base"].mean["auc"] == 0.5
    assert "no such luck" in rows["broken"].fault
    assert rows["slow"].folds == 0
    assert rows["slow"].mean == {}


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    methods = [_method("base", Base)]
    first = list(contest(_flat(), methods, folds=3, cache=tmp_path))
    before = Base.fitted
    assert list(contest(_flat(), methods, folds=3, cache=tmp_path)) == first
    assert Base.fitted == before
    list(contest(_flat(), methods, folds=4, cache=tmp_path))  # other folds are another matter
    assert Base.fitted == before + 4


def test_our_fitters_tell_more_than_the_bad_rate() -> None:
    names = "woe,dummy,trees,lightgbm"
    outcomes = list(contest(_flat(), chosen(names), folds=2))
    for row in standings(chosen(names), outcomes):
        assert row.state == "done", row.fault
        assert row.mean["auc"] > 0.7


def test_calibration_mends_a_card_that_exaggerates() -> None:
    frame, y = companies(800, 5)
    unseen, truth = companies(2000, 6)

    class Exaggerating(Scorecard):
        def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - as in the base class
            return 3 * super().decision_function(X)

    model = Calibrated(Exaggerating(penalties=(16.0,)), 0).fit(read_columns(frame), y)
    raw = model.estimator.predict_proba(unseen)[:, 1]
    mended = model.predict_proba(read_columns(unseen))[:, 1]
    assert log_loss(mended, truth) < log_loss(raw, truth) - 0.05


def test_a_class_smaller_than_the_folds_is_refused() -> None:
    flat = _flat()
    few = Flat(flat.columns, np.where(np.arange(400) < 3, 1.0, 0.0), "1", (), "k")
    with pytest.raises(UserError, match="FLT-FEW"):
        list(contest(few, chosen("woe"), folds=5))


def test_methods_are_chosen_by_name() -> None:
    assert [m.key for m in chosen("stumps, woe")] == ["woe", "stumps"]
    assert chosen(None) == METHODS
    for wrong in ("nonsense", ""):
        with pytest.raises(UserError, match="FLT-METHOD"):
            chosen(wrong)


@pytest.mark.parametrize("key", ["optbinning", "toad", "lightgbm"])
def test_peers_read_gaps_texts_and_words_never_seen(key: str) -> None:
    method = chosen(key)[0]
    pytest.importorskip(method.package, reason=f"{method.package} is not installed")
    frame, y = companies(400)
    frame.loc[:30, "trade"] = None
    model = method.make(0).fit(read_columns(frame), y)
    said = model.predict_proba(read_columns(frame.assign(trade="unheard of")))
    assert said.shape == (400, 2)
    assert np.isfinite(said).all()


def test_an_outcome_reads_back_as_written() -> None:
    outcome = Outcome(method="woe", fold=1, auc=0.75, fit_s=0.25)
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome
