from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from tests.report.sample import bands
from xinqiao.kernel.text import Text
from xinqiao.report.charts.scale import Stand, firms, gauge, pd_limit

TITLE = Text(zh="标题", en="title")
EDGES = [(b.low, b.high, b.grade) for b in bands()]


@given(st.floats(200, 1000))
def test_the_mark_stands_inside_its_own_grade(points: float) -> None:
    index, grade = next(
        (i, g)
        for i, (low, high, g) in enumerate(EDGES)
        if (low is None or points >= low) and (high is None or points < high)
    )
    svg = gauge(TITLE, points, grade, bands())
    found = re.search(r'<svg class="stretch" x="([\d.]+)%"', svg)
    assert found is not None
    assert index <= float(found[1]) / 100 * len(EDGES) <= index + 1
    assert svg.count(" own") == 2  # the band and its letters


def test_a_grade_name_cannot_break_out() -> None:
    assert fromstring(gauge(TITLE, 600, "<D>", bands())).tag == "figure"


@pytest.mark.parametrize(
    ("pd", "label", "rows"),
    [
        (0.0287, "约 3 家", 1),
        (0.43, "约 43 家", 2),
        (1, "约 100 家", 4),
        (0.025, "约 3 家", 1),
    ],
)
def test_firms_fill_as_many_squares_as_the_words_say(pd: float, label: str, rows: int) -> None:
    svg = firms(pd)
    assert label in svg
    assert svg.count('class="hit"') == rows


def test_pd_limit_stays_small_with_many_companies() -> None:
    stands = [Stand((i * 37 % 1000) / 1500, 10_000.0 * (i * 91 % 100)) for i in range(20_000)]
    svg = pd_limit(TITLE, stands)
    assert svg.count("<circle") <= 41 * 21
    assert svg == pd_limit(TITLE, list(reversed(stands)))


def test_a_grade_without_a_band_stands_where_its_points_are() -> None:
    svg = gauge(TITLE, 650, "没有的等级", bands())
    found = re.search(r'<svg class="stretch" x="([\d.]+)%"', svg)
    assert found is not None
    assert int(float(found[1]) / 100 * len(EDGES)) == next(i for i, e in enumerate(EDGES) if e[0] == 648)
    assert " own" not in svg


def test_firms_are_not_drawn_when_none_of_a_hundred_would_default() -> None:
    assert firms(0.004) == ""
    assert "约 1 家" in firms(0.0095)
