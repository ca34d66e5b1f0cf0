from __future__ import annotations

import re
from datetime import date

from xinqiao.kernel.text import Text
from xinqiao.portrait.build import Month, Portrait
from xinqiao.portrait.forecast import PastError
from xinqiao.report.charts.bars import Month as Past
from xinqiao.report.charts.radar import radar
from xinqiao.report.portrait import portrait_view


def _portrait() -> Portrait:
    return Portrait(
        sizes={"A": "micro"},
        tags={"A": ["SMALL_TEAM", "OVERDUE"]},
        unknown={"A": ["GREEN"]},
        peers={"A": "C|micro"},
        radar={"A": {"standing": 80.0, "operations": 20.0, "solvency": 55.0}},
        ahead={"sales": {"A": (Month(date(2025, 1, 1), 5e4, 1e4, 9e4),)}, "cash": {}},
        tested={"sales": (PastError(1, 100, 0.8, 1.0, 0.81, 0.6),)},
    )


def test_the_view_says_what_is_known_and_what_is_not() -> None:
    view = portrait_view(_portrait(), "A", [Past("2024-12", 4e4, 0.0)])
    assert view is not None
    assert (view.size.zh, view.peers.zh) == ("微型", "C门类微型企业")
    assert {one.name.en: one.score for one in view.strengths} == {
        "capital strength": None, "solvency": 55.0, "collateral and guarantees": None,
    }  # fmt: skip
    assert [[tag.id for tag in found] for _, found in view.groups] == [["SMALL_TEAM"], ["OVERDUE"]]
    assert view.unknown == 1
    assert len(view.charts) == 1
    assert "1–9" in str(view.charts[0])
    assert "低 20%" in view.tested[0].zh
    assert "81%" in view.tested[0].zh


def test_a_company_without_a_portrait_has_no_view() -> None:
    assert portrait_view(_portrait(), "B", []) is None


def test_the_radar_draws_known_rays_and_says_missing() -> None:
    svg = str(radar(Text(zh="图", en="r"), [(Text(zh="<甲>", en="a"), 100.0), (Text(zh="乙", en="b"), None)]))
    assert svg.count("<circle") == 1
    assert "缺失" in svg
    assert "<甲>" not in svg
    top = re.search(r'<circle class="c1" cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert top is not None
    assert (float(top[1]), float(top[2])) == (180.0, 47.0)  # straight up from the centre (180, 139) by 92
