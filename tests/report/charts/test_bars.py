from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import (
    Month,
    ScoreBin,
    Share,
    columns,
    contribution,
    histogram,
    level,
    monthly,
    shares,
)

TITLE = Text(zh="标题", en="title")


def rects(svg: Markup) -> list[dict[str, str]]:
    return [e.attrib for e in fromstring(svg).iter() if e.tag == "rect"]


def share(text: str) -> float:
    return float(text.rstrip("%"))


@given(st.floats(-100, 100), st.floats(1, 100))
def test_contribution_stands_on_its_side_of_zero(points: float, reach: float) -> None:
    (bar,) = rects(contribution(points, reach))
    left, right = share(bar["x"]), share(bar["x"]) + share(bar["width"])
    assert (left, bar["class"]) == (50, "up") if points >= 0 else bar["class"] == "down"
    assert 0 <= left <= right <= 100.01
    if points < 0:
        assert right == pytest.approx(50, abs=0.02)


def test_contribution_length_is_the_share_of_the_reach() -> None:
    assert share(rects(contribution(19, 38))[0]["width"]) == 25
    assert share(rects(contribution(-38, 38))[0]["width"]) == 50
    assert share(rects(contribution(0, 0))[0]["width"]) == 0


def test_level_is_clipped() -> None:
    assert [share(rects(level(v, 2, "h"))[1]["width"]) for v in (-1, 0, 1, 2, 9)] == [0, 0, 50, 100, 100]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_shares_fill_the_whole(counts: list[int]) -> None:
    svg = shares(TITLE, [Share(Text(zh=f"类{i}", en=f"k{i}"), n, "c1") for i, n in enumerate(counts)])
    total = sum(share(r["width"]) for r in rects(svg))
    assert total == pytest.approx(100 if sum(counts) else 0, abs=0.1)


def test_columns_name_each_count() -> None:
    svg = columns(TITLE, [("R1", 3), ("D", 0)], Text(zh="等级", en="grade"))
    heights = [float(r["height"]) for r in rects(svg)]
    assert heights[0] > 0
    assert heights[1] == 0
    assert "R1：3 家" in svg


def test_histogram_shows_shares_so_that_few_defaults_stay_visible() -> None:
    svg = histogram(TITLE, [ScoreBin(500, 550, 10, 3), ScoreBin(550, 600, 90, 0)])
    good0, bad0, good1, bad1 = (float(r["height"]) for r in rects(svg))
    assert bad0 > good1 > good0
    assert bad1 == 0


def test_monthly_draws_negative_months_below_the_zero_line() -> None:
    svg = monthly(TITLE, [Month("2020-01", 100_000, 50_000), Month("2020-02", -50_000, 0)])
    first, second = rects(svg)
    assert float(second["y"]) == pytest.approx(float(first["y"]) + float(first["height"]), abs=0.02)
    assert "2020-02 销项 −5万元" in svg


@pytest.mark.parametrize("months", [[], [Month("2020-01", 0, 0)], [Month("2020-01", 0, 0)] * 24])
def test_monthly_of_nothing_is_still_well_formed(months: list[Month]) -> None:
    assert fromstring(monthly(TITLE, months)).tag == "figure"


@given(st.lists(st.tuples(st.floats(-1e9, 1e10), st.floats(-1e9, 1e10)), min_size=1, max_size=36))
def test_monthly_never_leaves_its_frame(amounts: list[tuple[float, float]]) -> None:
    svg = monthly(
        TITLE, [Month(f"20{i // 12:02d}-{i % 12 + 1:02d}", s, p) for i, (s, p) in enumerate(amounts)]
    )
    for rect in rects(svg):
        assert float(rect["y"]) >= 0
        assert float(rect["y"]) + float(rect["height"]) <= 180.02
    assert not re.search(r"nan|inf|e[+-]\d", svg)


def test_the_same_months_give_the_same_bytes() -> None:
    months = [Month("2020-01", 1 / 3, 2 / 3)]
    assert monthly(TITLE, months) == monthly(TITLE, months)
