from __future__ import annotations

from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.drift import DriftPage, ShiftRow, VintageRow, render_drift

ALL = Text(zh="全部企业", en="all firms")


def shift(score: float, chance: float) -> ShiftRow:
    return ShiftRow(ALL, "C13", 400, 380, score, chance, ((Text(zh="<年限>", en="<age>"), 0.4),))


def vintage(low: float, high: float) -> VintageRow:
    return VintageRow(
        "2024-12-31",
        learned=True,
        segment=ALL,
        industry="",
        companies=900,
        seen=40,
        expected=30.0,
        ratio=1.33,
        low=low,
        high=high,
    )


def page() -> DriftPage:
    return DriftPage(
        dataset=Text(zh="数据", en="data"),
        generated=True,
        model_id="abc",
        before="2024-12-31",
        after="2025-12-31",
        shifts=(shift(0.3, 0.1), shift(0.05, 0.1)),
        vintages=(vintage(1.1, 1.8), vintage(0.8, 1.8)),
        home="index.html",
        card="model_card.html",
    )


def test_the_page_is_balanced_bilingual_and_self_contained() -> None:
    html = render_drift(page())
    found = check(html)
    assert found.faults == []
    assert found.scripts == 0
    assert "&lt;age&gt;" in html
    assert "2024-12-31 → 2025-12-31" in html
    assert "Generated data" in html


def test_an_index_is_read_against_chance_first() -> None:
    readings = [shift(score, 0.2).verdict.en for score in (0.05, 0.2, 0.21, 0.3)]
    assert readings == ["within chance", "within chance", "watch", "shifted"]
    assert shift(0.05, 0.01).verdict.en == "stable"


def test_a_vintage_is_off_only_where_the_interval_leaves_one_out() -> None:
    readings = [vintage(*ends).verdict.en for ends in ((1.1, 1.8), (0.8, 1.2), (0.3, 0.9))]
    assert readings == ["risk understated", "in line", "risk overstated"]
