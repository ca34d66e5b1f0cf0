from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.scoring.industries import COLUMNS, SIGNS, firms
from xinqiao.kernel.text import Text
from xinqiao.scoring.columns import Columns, read_columns
from xinqiao.scoring.ladder import LEAK, Cases, Rung, climb, resampled_auc, strongest
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.scorecard import Scorecard

MAKE = partial(Scorecard, signs=SIGNS, penalties=(16.0,))


def group(name: str, *columns: str) -> tuple[Text, tuple[str, ...]]:
    return Text(zh=name, en=name), columns


def cases(seed: int, rows: int = 1500) -> Cases:
    frame, bad, _ = firms(rows, seed=seed)
    return Cases(read_columns(frame[list(COLUMNS)].assign(nothing=np.nan)), bad)


@pytest.fixture(scope="module")
def rungs() -> list[Rung]:
    groups = [group("first", "x0", "x1"), group("none", "nothing"), group("rest", *COLUMNS[2:])]
    return climb(groups, cases(1), cases(2), MAKE, folds=3)


def test_auc_rises_as_groups_are_added_and_an_empty_group_adds_nothing(rungs: list[Rung]) -> None:
    first, none, rest = rungs
    assert [(r.columns, r.added) for r in rungs] == [(2, 2), (2, 0), (6, 4)]
    assert none.out_of_fold.auc == first.out_of_fold.auc
    assert first.out_of_fold.gain is None
    assert none.out_of_fold.gain is None
    assert rest.out_of_fold.gain_low is not None
    assert rest.out_of_fold.gain_low > 0
    assert rest.out_of_time is not None
    assert rest.out_of_time.low < rest.out_of_time.auc < rest.out_of_time.high
    assert rest.out_of_fold.gain == pytest.approx(rest.out_of_fold.auc - first.out_of_fold.auc, abs=2e-6)


def test_without_an_earlier_date_there_is_no_out_of_time() -> None:
    (only,) = climb([group("all", *COLUMNS)], cases(1), None, MAKE, folds=2)
    assert only.out_of_time is None


def test_a_leak_is_called_one_and_its_column_named() -> None:
    told = cases(3, 800)
    leak = told.bad + np.random.default_rng(0).normal(0, 0.2, len(told.bad))
    X = Columns((*told.X.names, "leak"), [*told.X.data, leak], told.X.rows)
    (rung,) = climb([group("all", *COLUMNS, "leak")], Cases(X, told.bad), None, MAKE, folds=2)
    assert rung.leak
    assert rung.out_of_fold.auc > LEAK
    found = strongest(Cases(X.select([*COLUMNS, "leak"]), told.bad), SIGNS)
    assert found[0][0] == "leak"
    assert len(found) == 5
    assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)


def test_the_same_companies_judge_every_score() -> None:
    _, bad, truth = firms(600, seed=4)
    drawn = resampled_auc([truth, truth, -truth], bad, seed=0, samples=50)
    assert np.array_equal(drawn[0], drawn[1])
    assert np.allclose(drawn[0] + drawn[2], 1)
    assert drawn[0].mean() == pytest.approx(auc(truth, bad), abs=0.01)
