from __future__ import annotations

from dataclasses import replace

from syrupy.assertion import SnapshotAssertion

from tests.report import sample_run
from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.model_card import OverlayRow, SegmentRow, render_model_card, stability_in_words


def test_page_is_balanced_bilingual_and_self_contained() -> None:
    found = check(render_model_card(sample_run.model_card()))
    assert found.faults == []
    assert found.scripts == 0


def test_snapshot(snapshot: SnapshotAssertion) -> None:
    assert render_model_card(sample_run.model_card()) == snapshot


def test_variables_are_ranked_by_information_value() -> None:
    html = render_model_card(sample_run.model_card())
    ranked = html.split("变量与信息值", 1)[1]
    assert ranked.index("1.310") < ranked.index("0.655") < ranked.index("0.437")


def test_refused_columns_and_bounds_of_use_are_on_the_card() -> None:
    html = render_model_card(sample_run.model_card())
    for text in ("bank_rating", "用它会泄漏结果", "不得用于", "选择偏差", "fairness"):
        assert text in html


def test_segments_and_overlays_stand_on_the_card() -> None:
    view = sample_run.model_card()
    overlay = OverlayRow("C13", "C", 300, 21, -12.0, ((Text(zh="<年限>", en="<age>"), 1.4),))
    name = Text(zh="成熟小企业", en="established small firm")
    own = SegmentRow(
        "old", name, "REG01 >= 3", None, 900, 60, 0.78, (0.72, 0.84), 571, view.variables[:1], (overlay,)
    )
    rest = SegmentRow(
        "rest", name, "", Text(zh="通用卡", en="the general card"), None, None, None, None, 571, (), ()
    )
    html = render_model_card(replace(view, segments=(own, rest), drift="drift.html"))
    assert check(html).faults == []
    for text in (
        "REG01 &gt;= 3",
        "其余企业",
        "样本不足",
        "C13",
        "&lt;age&gt;",
        "×1.40",
        "−12",
        'href="drift.html"',
    ):
        assert text in html
    assert "客群与行业叠加" not in render_model_card(view)


def test_an_untested_model_says_so() -> None:
    view = replace(
        sample_run.model_card(),
        performance=(),
        roc=(),
        ks=(),
        calibration=(),
        score_bins=(),
        stability=(),
        refused=(),
    )
    html = render_model_card(view)
    assert check(html).faults == []
    assert "无法检验" in html


def test_stability_is_read_the_usual_way() -> None:
    assert [stability_in_words(x).en for x in (0.05, 0.1, 0.2, 0.25)] == [
        "stable",
        "watch",
        "watch",
        "shifted",
    ]
