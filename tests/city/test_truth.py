from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.city.conftest import COMPANIES
from xinqiao.city.generate import START, draw_scene
from xinqiao.city.truth import Truth, area_under_curve, snapshot_scores, snapshot_table


@pytest.fixture(scope="module")
def snapshots() -> pl.DataFrame:
    return snapshot_table(draw_scene(2000, 48, START, 1))


def test_the_true_pd_ranks_as_stated(snapshots: pl.DataFrame) -> None:
    scores = snapshot_scores(snapshots)
    assert list(scores) == ["2025-06-30", "2025-12-31"]
    assert all(0.86 <= score <= 0.93 for score in scores.values())


def test_the_true_pd_is_calibrated_over_many_seeds() -> None:
    tables = [snapshot_table(draw_scene(2000, 48, START, seed)) for seed in range(2, 10)]
    known = pl.concat(tables).drop_nulls("default_in_12m")
    predicted = known["true_pd_12m"].to_numpy()
    order = np.argsort(predicted)
    for part in np.array_split(order, 5):
        happened = known["default_in_12m"].to_numpy()[part].mean()
        error = np.sqrt(predicted[part].mean() / len(part)) + 0.004
        assert abs(happened - predicted[part].mean()) < 4 * error


def test_default_rate(snapshots: pl.DataFrame) -> None:
    rates = snapshots.group_by("as_of").agg(pl.col("default_in_12m").mean())["default_in_12m"]
    assert all(0.04 <= rate <= 0.10 for rate in rates)


def test_labels_agree_with_the_dates(region: Truth) -> None:
    table = pl.read_parquet(region.table)
    assert len(table) == 2 * COMPANIES
    later = pl.col("default_on") > pl.col("as_of")
    within = later & (pl.col("default_on") <= pl.col("as_of").dt.offset_by("12mo").dt.month_end())
    told = table.with_columns(
        expected=pl.when(pl.col("default_on") <= pl.col("as_of"))
        .then(None)
        .otherwise(within.fill_null(value=False))
    )
    assert told["default_in_12m"].equals(told["expected"], null_equal=True)
    assert told["defaulted_before"].equals(told["default_in_12m"].is_null())


def test_no_default_in_the_first_year(region: Truth) -> None:
    table = pl.read_parquet(region.table)
    first = table["default_on"].min()
    assert isinstance(first, date)
    assert first >= date(2024, 1, 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_area_under_curve_is_sklearns(cases: list[tuple[bool, int]]) -> None:
    outcome = np.array([case[0] for case in cases])
    score = np.array([float(case[1]) for case in cases])
    ours = area_under_curve(outcome, score)
    if outcome.all() or not outcome.any():
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(roc_auc_score(outcome, score), abs=1e-12)
