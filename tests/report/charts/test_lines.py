from __future__ import annotations

from defusedxml.ElementTree import fromstring

from xinqiao.kernel.quantity import percent
from xinqiao.kernel.text import Text
from xinqiao.report.charts.lines import Axis, Cloud, Mark, Series, Stack, clouds, lines, stacks

TITLE = Text(zh="标题", en="title")
AXIS = Axis(Text(zh="横轴", en="across"), lambda v: percent(v, 0))
NAME = Text(zh="线", en="line")


def test_a_line_has_a_dot_for_every_point_and_its_amount() -> None:
    svg = lines(TITLE, [Series(NAME, [(0.1, 10_000.0), (0.2, 30_000.0)], "l1")], AXIS, Mark(0.15, NAME))
    hints = [e.text for e in fromstring(svg).iter("title")]
    assert "10%: 1 万元 / 10%: 1 x 10k CNY" in hints
    assert "20%: 3 万元 / 20%: 3 x 10k CNY" in hints
    assert 'class="ref"' in svg


def test_amounts_below_zero_stay_in_the_picture() -> None:
    svg = lines(TITLE, [Series(NAME, [(0.0, 20_000.0), (1.0, -20_000.0)], "l1")], AXIS)
    places = [float(e.attrib["cy"]) for e in fromstring(svg).iter("circle")]
    assert len(places) == 2
    assert 0 < places[0] < places[1] < 220


def test_no_points_still_draw() -> None:
    assert fromstring(lines(TITLE, [Series(NAME, [], "l1")], AXIS)) is not None
    assert fromstring(clouds(TITLE, [Cloud(NAME, [], "c1")], AXIS, AXIS)) is not None
    assert fromstring(stacks(TITLE, [], [("c1", NAME)], NAME)) is not None


def test_clouds_count_their_dots() -> None:
    svg = clouds(TITLE, [Cloud(NAME, [(0.1, 0.05), (0.2, 0.05)], "c1"), Cloud(NAME, [], "c2")], AXIS, AXIS)
    assert len(list(fromstring(svg).iter("circle"))) == 2
    assert "线 2 家" in svg
    assert "线 0 家" in svg


def test_stacks_are_as_high_as_their_parts_and_carry_their_note() -> None:
    svg = stacks(TITLE, [Stack("A", (10_000.0, 30_000.0), "3 / 4")], [("c1", NAME), ("c3", NAME)], NAME)
    heights = [float(e.attrib["height"]) for e in fromstring(svg).iter("rect")]
    assert abs(heights[1] / heights[0] - 3) < 0.01
    assert "3 / 4" in svg
