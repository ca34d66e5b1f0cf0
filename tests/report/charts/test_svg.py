from __future__ import annotations

import itertools

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, num, ticks

HOSTILE = Text(zh="<script>一</script>&\"'", en="</svg><b>x")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.001, "0"), (1.239, "1.24"), (12.5, "12.5"), (100, "100"), (-3.1, "-3.1")],
)
def test_num(value: float, text: str) -> None:
    assert num(value) == text


@given(st.floats(-1e6, 1e6), st.floats(1, 1e9))
def test_ticks_are_few_even_and_inside(low: float, width: float) -> None:
    marks = ticks(low, low + width)
    assert 1 <= len(marks) <= 7
    assert all(low - width * 1e-6 <= m <= low + width * (1 + 1e-6) for m in marks)
    gaps = [b - a for a, b in itertools.pairwise(marks)]
    assert all(abs(g - gaps[0]) <= 1e-6 * width for g in gaps)


def test_ticks_of_an_empty_range() -> None:
    assert ticks(5, 5) == [5]


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_nothing_is_drawn_outside_the_plot(px: float, py: float) -> None:
    plot = Plot(0, 1, 0, 1, height=100)
    assert 0 <= plot.x(px) <= 100
    assert 0 <= plot.y(py) <= 100


def test_higher_values_stand_higher() -> None:
    plot = Plot(0, 1, 0, 1, height=100)
    assert plot.y(0.9) < plot.y(0.1)
    assert plot.x(0.9) > plot.x(0.1)


def test_texts_are_escaped_and_the_result_is_well_formed() -> None:
    plot = Plot(0, 1, 0, 1)
    plot.rect((0, 0.5), (0, 1), "c1", HOSTILE)
    plot.dot(0.5, 0.5, 3, "c1", HOSTILE)
    plot.y_axis([(0.5, "<i>")])
    plot.x_axis([(0.5, "<i>")], HOSTILE)
    plot.curve([(0, 0), (1, 1)], "l1")
    svg = plot.svg(HOSTILE, HOSTILE)
    root = fromstring(svg)
    assert {e.tag for e in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "rect",
        "circle",
        "line",
        "text",
        "tspan",
        "polyline",
    }
    whole = figure(HOSTILE, svg, [("c1", HOSTILE)])
    assert "script" not in {e.tag for e in fromstring(whole).iter()}
