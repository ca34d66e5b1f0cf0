from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xinqiao.opinion.article import MOST_CHARS, NAMED, OTHER, Article, normalise, read


def test_texts_are_made_alike() -> None:
    assert normalise("ＡＢＣ（北京）??? http://t.cn/x?y=1　{IMG:1} 甲") == "abc(北京) 甲"
    assert normalise(f"a{NAMED}b{OTHER}c") == "abc"  # no one else's marks


def test_a_title_is_read_once() -> None:
    assert read(Article("标题", "标题和正文", ())).text == "标题和正文"
    assert read(Article("标题", "正文", ())).text == "标题 。正文"


def test_names_are_masked_the_longest_first() -> None:
    reading = read(Article("", "小资钱包与资钱包", ("资钱包", "小资钱包")))
    assert reading.masked() == f"{NAMED}与{NAMED}"


@given(st.text(), st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_nothing_is_too_long_or_too_odd(title: str, text: str, names: list[str]) -> None:
    reading = read(Article(title, text * 50, tuple(names)))
    assert len(reading.text) <= MOST_CHARS
    assert len(reading.names) == len(names)
    assert NAMED not in reading.text
    reading.masked()
