"""What a warning is worth is counted on whom a bank could look at."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.monitoring.review import REST_MONTHS, Reviews, judged, named, worth

MONTHS = np.arange(0, 360, 30.0)


def reviews(companies: int, falls: dict[int, float]) -> Reviews:
    """Twelve months of borrowers, those in ``falls`` leaving at 30 days overdue on that day."""
    rows = [
        (company, at, falls.get(company, np.nan) + 60, falls.get(company, np.nan))
        for at in MONTHS
        for company in range(companies)
        if not falls.get(company, np.inf) <= at
    ]
    company, at, fell, warned = (np.array(column) for column in zip(*rows, strict=True))
    return Reviews(company.astype(np.int64), at, fell, warned)


@given(st.integers(2, 30), st.floats(0.05, 1.0), st.integers(0, 2**32 - 1))
def test_no_more_than_the_capacity_is_named_and_who_was_named_rests(
    companies: int, capacity: float, seed: int
) -> None:
    found = reviews(companies, {0: 200.0})
    score = np.random.default_rng(seed).random(len(found.at))
    score[score < 0.2] = np.nan
    flags = named(found, score, capacity, seed=seed)
    for at in MONTHS:
        rows = found.at == at
        assert flags[rows].sum() <= math.ceil(capacity * rows.sum())
    assert not np.isnan(score[flags]).any()
    for company in range(companies):
        days = found.at[flags & (found.company == company)]
        assert (np.diff(days) > 30 * REST_MONTHS).all()


def test_a_way_that_knows_is_right_and_early_and_one_that_waits_is_late() -> None:
    found = reviews(20, {0: 250.0, 1: 280.0, 2: 300.0})
    knows = np.where(found.company < 3, 1.0, np.nan)
    waits = np.where((found.warns - found.at) <= 30, 1.0, np.nan)
    ways = {"waits": waits, "knows": knows, "silent": np.full(len(found.at), np.nan)}
    late, early, silent = worth(found, ways, 0.15, samples=50)
    assert (late.recall.value, early.recall.value, silent.recall.value) == (1.0, 1.0, 0.0)
    assert early.precision.value == 1.0
    assert late.lead_30.value < 1 < early.lead_30.value
    assert late.far.value == 0.0
    assert early.far.value == 1.0
    assert early.gain_far is not None
    assert early.gain_far.value == 1.0
    assert late.gain_far is None
    assert math.isclose(early.lead_90.value - early.lead_30.value, 60 / 30.44)
    assert math.isnan(silent.precision.value)
    assert early.recall.low <= early.recall.value <= early.recall.high


def test_recall_counts_those_whom_every_way_had_half_a_year_to_see() -> None:
    found = reviews(6, {0: 100.0, 1: 250.0, 2: 600.0})
    assert judged(found).tolist() == [False, True, False, False, False, False]


def test_equal_scores_gain_nothing_by_their_order() -> None:
    found = reviews(40, {})
    flags = named(found, np.zeros(len(found.at)), 0.1, seed=1)
    assert 15 < np.mean(found.company[flags]) < 25
