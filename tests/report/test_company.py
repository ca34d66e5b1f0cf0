from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.report import sample
from tests.report.html_check import check
from xinqiao.kernel.text import Text
from xinqiao.report.company import Outcome, render_company

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


@pytest.mark.parametrize("outcome", ["approve", "refer", "reject"])
def test_page_is_balanced_bilingual_and_self_contained(outcome: Outcome) -> None:
    found = check(render_company(sample.company(outcome=outcome)))
    assert found.faults == []
    assert found.scripts == 0
    assert len(found.pairs) > 100


def test_snapshot(snapshot: SnapshotAssertion) -> None:
    assert render_company(sample.company()) == snapshot


def test_same_view_gives_the_same_bytes() -> None:
    assert render_company(sample.company()) == render_company(sample.company())


def test_hostile_texts_are_only_text() -> None:
    view = sample.company(ATTACK, id_=ATTACK)
    evil = Text(zh=f"中{ATTACK}", en=ATTACK)
    view = replace(
        view,
        peer_group=evil,
        contributions=tuple(replace(c, name=evil, sentence=evil) for c in view.contributions),
        indicators=tuple(replace(r, id=ATTACK, name=evil) for r in view.indicators),
        months=tuple(replace(m, label=ATTACK) for m in view.months),
        decision=replace(view.decision, id=ATTACK, replay=ATTACK, policy_name=evil),
    )
    html = render_company(view)
    found = check(html)
    assert found.scripts == 0
    assert "img" not in found.tags
    assert "alert(1)" in html
    assert "{{7*7}}" in html


def test_decision_is_shown_in_words_an_owner_knows() -> None:
    html = render_company(sample.company())
    for text in ("批准", "100万元", "6.35%", "12个月", "每 100 家约有 3 家会在一年内违约"):
        assert text in html


def test_refused_company_is_granted_nothing() -> None:
    html = render_company(sample.company(outcome="reject"))
    assert "未授信" in html
    assert "等级为 D，按政策不予授信" in html
    assert "100万元" not in html


def test_missing_indicators_are_grouped_by_reason_and_not_among_the_values() -> None:
    html = render_company(sample.company())
    assert html.count("未接入登记数据") == 1
    assert "× 4" in html
    tables = html.split("主要指标", 1)[1].split("缺什么、为什么", 1)[0]
    assert "REG02" not in tables
    assert "REG01" in tables


def test_factors_are_ordered_by_weight() -> None:
    html = render_company(sample.company())
    assert html.index("+38") < html.index("+14") < html.index("+6<")
    assert html.index("−17") < html.index("−9<") < html.index("−4<")


def test_generated_data_is_called_so() -> None:
    assert "Generated data" in render_company(sample.company(generated=True))
    assert "Generated data" not in render_company(sample.company())


def test_how_to_object_and_how_to_replay_stand_on_every_page() -> None:
    html = render_company(sample.company())
    for text in ("有异议怎么办", "人工复核", "xinqiao replay d-7c1f0a92be4d", "ratings given by bank staff"):
        assert text in html


def test_empty_parts_have_words_of_their_own() -> None:
    view = replace(sample.company(), contributions=(), months=(), indicators=(), sources=())
    html = render_company(view)
    assert check(html).faults == []
    assert "没有可画的月度开票数据" in html


def test_render_speed(record_property: Callable[[str, object], None]) -> None:
    start = time.process_time()
    for i in range(50):
        render_company(sample.company(id_=f"E{i}"))
    record_property("ms_a_page", (time.process_time() - start) * 20)


def test_scored_and_flagged_indicators_come_before_the_others() -> None:
    key, others = render_company(sample.company()).split("主要指标", 1)[1].split("其他指标", 1)
    assert "INV06" in key
    assert "INV02" not in key
    assert "INV02" in others.split("</details>", 1)[0]


def test_many_notes_are_folded() -> None:
    notes = tuple(Text(zh=f"第{i}项未查看", en=f"item {i} was not looked at") for i in range(3))
    assert '<details class="note">' in render_company(replace(sample.company(), notes=notes))
    few = render_company(replace(sample.company(), notes=notes[:2]))
    assert '<details class="note">' not in few
    assert "第1项未查看" in few


def test_a_referred_company_is_not_told_that_nothing_was_granted() -> None:
    html = render_company(sample.company(outcome="refer"))
    assert "待复核" in html
    assert "未授信" not in html


def test_an_approval_without_reasons_says_that_the_rules_are_met() -> None:
    view = sample.company()
    view = replace(view, decision=replace(view.decision, reasons=()))
    assert "符合全部准入规则" in render_company(view)
