from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.name import company_name, plain_name
from xinqiao.enterprise.place import compatible, place_of, take_place


@pytest.mark.parametrize(
    ("name", "place", "parts"),
    [
        ("杭州华兴科技有限公司", "3301", ("华兴", "科技", "limited", "")),
        ("华兴（杭州）科技股份有限公司", "3301", ("华兴", "科技", "joint_stock", "")),
        ("华兴科技(杭州)有限责任公司", "3301", ("华兴", "科技", "limited", "")),
        ("杭州华兴科技有限公司上城分公司", "3301", ("华兴", "科技", "limited", "上城分公司")),
        ("华兴医药连锁有限公司人民路药店", "", ("华兴", "医药连锁", "limited", "人民路药店")),
        ("浙江省杭州市临平区华兴机械厂", "330113", ("华兴", "机械厂", "", "")),
        ("北京市朝阳区老王面馆", "110105", ("老王", "面馆", "", "")),
        ("上海长安贸易有限公司", "31", ("长安", "贸易", "limited", "")),
        # a county's name without its suffix is no place, nor a town's that the name needs
        ("长安贸易有限公司", "", ("长安", "贸易", "limited", "")),
        ("瑞安贸易有限公司", "", ("瑞安", "贸易", "limited", "")),
        ("义乌市小鱼百货商行（个体工商户）", "330782", ("小鱼", "百货商行", "self_employed", "")),
        ("宁波某某企业管理合伙企业（有限合伙）", "3302", ("某某", "企业管理", "partnership", "")),
        ("中国华兴集团有限公司", "", ("中国华兴", "", "limited", "")),
        ("华兴（集团）有限公司", "", ("华兴", "", "limited", "")),
        ("华兴（二期）科技有限公司", "", ("华兴二期", "科技", "limited", "")),
        ("杭州有限公司", "", ("杭州", "", "limited", "")),
        ("南京南京路餐饮有限公司", "3201", ("南京路", "餐饮", "limited", "")),
        ("Acme 科技有限公司", "", ("ACME", "科技", "limited", "")),
        ("", "", ("", "", "", "")),
    ],
)
def test_parts_of_names(name: str, place: str, parts: tuple[str, ...]) -> None:
    found = company_name(name)
    assert (found.trade, found.business, found.form, found.branch) == parts
    assert (place in found.places) if place else not found.places


@pytest.mark.parametrize(
    "other",
    [
        "华兴（杭州） 科技有限公司",
        "华兴【杭州】科技有限公司",
        "华兴﹙杭州﹚科技有限公司",
        " 华兴（杭州)科技有限公司。",
    ],
)
def test_ways_of_writing_one_name(other: str) -> None:
    assert plain_name(other) == plain_name("华兴(杭州)科技有限公司")


@given(st.text(max_size=60))
def test_any_text_is_taken_apart(text: str) -> None:
    found = company_name(text)
    assert found.plain == plain_name(text)
    assert found.core or not found.plain


WORDS = [
    "杭州",
    "市",
    "省",
    "浙江",
    "临平",
    "区",
    "华兴",
    "科技",
    "有限公司",
    "分公司",
    "(",
    ")",
    "集团",
    "贸易",
    "瑞安",
]


@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_any_order_of_the_words_of_names_is_taken_apart(words: list[str]) -> None:
    found = company_name("".join(words))
    assert found.core or not words


def test_places() -> None:
    assert place_of("杭州") == {"3301"}
    assert place_of("浙江省杭州市临平区") == {"330113"}
    assert place_of("浙江杭州临平") == {"330113"}
    assert place_of("临平") == frozenset()
    assert len(place_of("鼓楼区")) > 3
    assert place_of("南京鼓楼区") == {"320106"}
    assert place_of("杭州人") == frozenset()
    assert take_place("杭州临平兴业路")[1] == "兴业路"


def test_compatible_places() -> None:
    assert compatible(place_of("浙江"), place_of("杭州"))
    assert compatible(place_of("鼓楼区"), place_of("南京"))
    assert not compatible(place_of("宁波"), place_of("温州"))
    assert compatible(frozenset(), place_of("杭州"))
