from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xinqiao.scoring.fairness import LEAST, fairness, wilson


def test_rates_errors_and_counts_by_hand() -> None:
    rows = fairness(
        ["甲"] * 4 + ["乙"] * 2 + [None],
        np.array([True, True, False, True, False, True, True]),
        np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        np.array([0.0, 1.0, 0.0, np.nan, 1.0, np.nan, 1.0]),
    )
    assert [r.group for r in rows] == ["乙", "甲"]
    other, first = rows
    assert (first.companies, first.approved, first.approval) == (4, 3, 0.75)
    assert (first.known, first.bads, first.observed) == (3, 1, pytest.approx(1 / 3))
    assert first.expected == pytest.approx(0.2)
    assert (first.goods_refused, first.bads_approved) == (0.5, 1.0)
    assert other.goods_refused is None
    assert other.bads_approved == 0.0
    assert other.auc is None
    assert first.auc == 0.5
    assert not first.judged
    assert not first.to_explain


def test_a_group_refused_for_what_it_is_stands_out_and_one_refused_for_its_risk_does_not() -> None:
    rng = np.random.default_rng(0)
    pd = rng.random(6_000) * 0.3
    group = np.where(rng.random(6_000) < 0.5, "大", "小")
    by_risk = fairness(group.tolist(), pd < 0.15, pd)
    assert all(abs(r.unexplained or 0) < 0.01 and not r.to_explain for r in by_risk)
    by_size = fairness(group.tolist(), (pd < 0.15) & (group == "大"), pd)
    small = next(r for r in by_size if r.group == "小")
    assert small.to_explain
    assert small.approval == 0
    assert small.unexplained is not None
    assert small.unexplained < -0.2
    riskier = np.where(group == "小", pd + 0.1, pd)
    explained = next(r for r in fairness(group.tolist(), riskier < 0.15, riskier) if r.group == "小")
    assert explained.to_explain, "the rate differs, so it is asked about"
    assert explained.unexplained == pytest.approx(0, abs=0.02), "and risk answers the question"


@given(st.integers(0, 200), st.integers(1, 200))
@example(0, 7)
def test_the_interval_holds_the_share(hits: int, more: int) -> None:
    total = hits + more
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total <= high <= 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 1)), min_size=1, max_size=120))
def test_groups_are_parts_of_the_whole(cases: list[tuple[str, bool, float]]) -> None:
    groups, approved, pd = zip(*cases, strict=True)
    rows = fairness(groups, np.array(approved), np.array(pd))
    assert sum(r.companies for r in rows) == len(cases)
    assert sum(r.approved for r in rows) == sum(approved)
    assert sum((r.unexplained or 0) * r.companies for r in rows) == pytest.approx(0, abs=1e-9)
    assert all(r.judged == (r.companies >= LEAST) for r in rows)
    assert max((r.approval_ratio or 0 for r in rows if r.judged), default=0) <= 1


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one length"):
        fairness(["a"], np.array([True, False]), np.array([0.1]))
