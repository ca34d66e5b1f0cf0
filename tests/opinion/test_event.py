from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from xinqiao.opinion.event import AROUND, event_of, events, words

CASES = [
    ("wage_arrears", "甲公司拖欠工资，员工讨薪"),
    ("absconded", "甲公司老板跑路，人去楼空"),
    ("shutdown", "甲公司宣布停产并破产"),
    ("accident", "甲公司厂房爆炸致三人伤亡"),
    ("default", "甲公司债券违约，逾期未兑付"),
    ("lawsuit", "甲公司被起诉，法院查封资产"),
    ("quality", "甲公司产品抽检不合格并召回"),
    ("pollution", "甲公司偷排废水"),
    ("regulatory", "甲公司因违规被罚款"),
    ("complaint", "消费者投诉甲公司，要求退款"),
    ("other", "甲公司口碑不佳"),
]


@pytest.mark.parametrize(("kind", "text"), CASES, ids=[k for k, _ in CASES])
def test_the_kind_is_read_off_the_words(kind: str, text: str) -> None:
    assert event_of(text, "甲公司") == kind


def test_words_near_the_name_come_first() -> None:
    far = "。" * 2 * AROUND
    text = f"乙公司停产停业，倒闭破产{far}甲公司厂房爆炸"
    assert event_of(text, "甲公司") == "accident"
    assert event_of(text, "乙公司") == "shutdown"
    assert event_of(text, "丙公司") == "shutdown"  # not named: the whole text
    assert event_of("甲公司被投诉又被起诉", "甲公司") == "lawsuit"  # a tie: the graver


def test_the_kinds_are_those_of_the_contract() -> None:
    contract = yaml.safe_load(
        files("xinqiao").joinpath("catalog", "contracts", "news.yaml").read_text("utf-8")
    )
    assert {*events(), "none"} == set(contract["fields"]["event_type"]["values"])
    assert len(words()) == sum(len(e.words) for e in events().values())  # no word twice
