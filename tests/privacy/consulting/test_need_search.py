"""A need in plain words finds what the catalogue has for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xinqiao.privacy.consulting.need_search import MOST, search_need, terms


def test_what_is_asked_for_comes_first() -> None:
    for need, wanted in {
        "用电量下降": "power_month",
        "electricity by month": "power_month",
        "参保人数增加": "social_insurance",
        "法院执行": "court_enforcement",
    }.items():
        assert wanted in [one.contract.id for one in search_need(need)][:3], need


def test_fields_that_match_are_told() -> None:
    found = next(one for one in search_need("用电量") if one.contract.id == "power_month")
    assert "用电量（千瓦时）" in [name.zh for name in found.fields]
    assert found.source.consent


def test_words_that_say_nothing_find_nothing() -> None:
    assert search_need("") == []
    assert search_need("企业数据情况") == []
    assert search_need("the and with") == []


@given(st.text(max_size=300))
def test_any_text_is_searched(text: str) -> None:
    found = search_need(text)
    assert len(found) <= MOST
    assert found == sorted(found, key=lambda one: (-one.score, one.contract.id))
    assert all(len(term) >= 1 for term in terms(text))
