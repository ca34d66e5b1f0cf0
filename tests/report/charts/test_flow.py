from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.charts.flow import GAP, HEIGHT, LEAST, _heights, flows

NAMES = [Text(zh="批准", en="approved"), Text(zh="复核", en="review"), Text(zh="<b>拒绝", en="<b>declined")]
KINDS = ["c4", "c5", "c2"]
TITLE = Text(zh="流向", en="flows")
COUNTS = st.lists(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), min_size=3, max_size=3)


def test_every_flow_is_drawn_with_its_count() -> None:
    svg = str(flows(TITLE, NAMES, KINDS, [[50, 7, 0], [0, 20, 3], [1, 0, 19]]))
    assert check(svg).faults == []
    assert svg.count("<path") == 6
    assert svg.count('class="moves') == 3
    assert "批准 → 复核：7 approved → review" in svg
    assert "<b>" not in svg
    for total in ("批准 57", "复核 23", "批准 51", "复核 27"):
        assert total in svg


@given(COUNTS)
def test_flows_fill_the_room_and_none_vanishes(counts: list[list[int]]) -> None:
    heights = _heights(counts)
    total = sum(map(sum, heights))
    assert total == pytest.approx(HEIGHT - GAP * 2 if any(map(any, counts)) else 0)
    for row, sizes in zip(counts, heights, strict=True):
        for count, size in zip(row, sizes, strict=True):
            assert (size > LEAST / 2) == (count > 0)


@given(COUNTS)
def test_labels_stay_apart_and_inside(counts: list[list[int]]) -> None:
    svg = str(flows(TITLE, NAMES, KINDS, counts))
    for side in ("te", "ts"):
        places = [float(y) for y in re.findall(rf'<text class="{side}"[^>]* y="(-?[\d.]+)">', svg)]
        assert len(places) == 3
        assert all(b - a >= 29 for a, b in pairwise(places))
        assert -10 <= places[0] <= places[-1] <= HEIGHT
