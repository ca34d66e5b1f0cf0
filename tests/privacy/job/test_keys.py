from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.privacy.job.keys import KeyKind, written_alike

ALIKE: list[tuple[KeyKind, str, list[str]]] = [
    (
        "uscc",
        "91310000MA1FL0T00X",
        [" 91310000ma1fl0t00x", "９１３１００００MA1FL0T00X", "91310000-MA1FL0T00X"],
    ),
    ("person", "11010519491231002X", ["11010519491231002x", "110105 19491231 002X"]),
    (
        "phone",
        "13800138000",
        ["+86 138-0013-8000", "0086 13800138000", "８613800138000"],
    ),
    ("phone", "01088886666", ["(010) 8888-6666", "+86 10 88886666", "+86 010 8888 6666"]),
    ("text", "abc 信桥", [" ABC  信桥 ", "ａｂｃ　信桥"]),
]


@pytest.mark.parametrize(("kind", "told", "given"), ALIKE)
def test_ways_of_writing_a_key_become_one(kind: KeyKind, told: str, given: list[str]) -> None:
    found = written_alike(pl.Series("key", [told, *given]), kind)
    assert found.keys.to_list() == [told] * (1 + len(given))
    assert found.bad == 0


def test_what_is_no_key_is_null_and_counted() -> None:
    found = written_alike(pl.Series("key", ["91310000MA1FL0T00I", "", None, "1234"]), "uscc")
    assert found.keys.to_list() == [None] * 4
    assert found.bad == 4
    assert written_alike(pl.Series("key", [], pl.String), "person").bad == 0
    assert written_alike(pl.Series("key", [13800138000]), "phone").keys.to_list() == ["13800138000"]


@given(st.lists(st.text(max_size=30), max_size=8), st.sampled_from(["uscc", "person", "phone", "text"]))
def test_writing_twice_changes_nothing(texts: list[str], kind: KeyKind) -> None:
    once = written_alike(pl.Series("key", texts, pl.String), kind).keys
    again = written_alike(once, kind).keys
    assert again.to_list() == once.to_list()
