from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.address import address, numeral, plain_address

NUMERALS = {
    "一": 1, "十": 10, "十二": 12, "二十": 20, "三百九十一": 391, "一百零五": 105, "一〇二": 102,
    "两千": 2000, "二〇二六": 2026, "一千零一十": 1010,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMERALS.items())
def test_numerals(text: str, value: int) -> None:
    assert numeral(text) == value


def _written(number: int) -> str:
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]
    text = ""
    for place, digit in enumerate(reversed(str(number))):
        text = (digits[int(digit)] + units[place] if digit != "0" else "零") + text
    while "零零" in text:
        text = text.replace("零零", "零")
    return text.rstrip("零")


@given(st.integers(1, 9999))
def test_numerals_of_every_size(number: int) -> None:
    assert numeral(_written(number)) == number
    assert numeral("".join("零一二三四五六七八九"[int(d)] for d in str(number))) == number


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "浙江省杭州市西湖区文三路391号西湖国际科技大厦A座1203室",
            {"places": {"330106"}, "road": "文三路", "number": "391", "building": "A", "room": "1203"},
        ),
        ("杭州市西湖区文三路三百九十一号", {"spot": "文三路391", "room": ""}),
        (
            "上海市浦东新区张江镇蔡伦路88弄5号楼3层301室",
            {"town": "张江镇", "spot": "蔡伦路88", "building": "5", "floor": "3", "room": "301"},
        ),
        ("江苏省昆山市玉山镇张浦村三组12号", {"village": "张浦村", "spot": "张浦村12"}),
        ("北京市海淀区中关村大街1号12层1201", {"spot": "中关村大街1", "floor": "12", "room": "1201"}),
        ("文三路391号西湖国际科技大厦A座", {"park": "西湖国际科技大厦"}),
        ("深圳市南山区高新南一道006号", {"spot": "高新南一道6"}),
        ("五一路二十三号一〇二室", {"road": "五一路", "number": "23", "room": "102"}),
        ("温州市瓯海区经济开发区东方南路38号", {"road": "东方南路", "number": "38"}),
        ("杭州市余杭区仓前街道海创园5幢2单元203室", {"town": "仓前街道", "spot": "海创园5", "unit": "2"}),
        ("解放路12-3号附5号", {"spot": "解放路12-3"}),
        ("", {"spot": "", "places": set()}),
    ],
)  # fmt: skip
def test_parts_of_addresses(text: str, parts: dict[str, object]) -> None:
    found = address(text)
    assert {name: getattr(found, name) for name in parts} == parts


@pytest.mark.parametrize(
    "other",
    [
        "浙江杭州西湖区文三路３９１号 １幢 １０１室",
        "浙江省杭州市西湖区文三路三百九十一号一幢101室",
        "杭州西湖区文三路391#1栋一〇一室",
    ],
)
def test_ways_of_writing_one_address(other: str) -> None:
    one, two = address("浙江省杭州市西湖区文三路391号1幢101室"), address(other)
    assert (one.places, one.spot, one.building, one.room) == (two.places, two.spot, two.building, two.room)


@given(st.text(max_size=80) | st.text("杭州市西湖区文三路号幢室村镇园一二十百39A#－ ", max_size=40))
def test_any_text_is_taken_apart(text: str) -> None:
    found = address(text)
    assert found.plain == plain_address(text)
    assert len(found.spot) <= len(found.plain)
