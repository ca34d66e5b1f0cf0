from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.quantity import (
    defaults_among,
    fixed,
    money,
    odds_in_words,
    percent,
    quantity,
    rate,
    signed,
    wan,
)
from xinqiao.kernel.text import Text


@pytest.mark.parametrize(
    ("cny", "zh", "en"),
    [
        (0, "0元", "CNY 0"),
        (8532, "8,532元", "CNY 8.5k"),
        (9999.6, "1万元", "CNY 10k"),
        (500_000, "50万元", "CNY 500k"),
        (18_734_512.36, "1,873.5万元", "CNY 18.73m"),
        (99_999_999, "1亿元", "CNY 100m"),
        (123_456_789, "1.23亿元", "CNY 123.46m"),
        (-45_678, "−4.6万元", "CNY −45.7k"),
        (Decimal("250.5"), "251元", "CNY 251"),
    ],
)
def test_money(cny: float | Decimal, zh: str, en: str) -> None:
    assert money(cny) == Text(zh=zh, en=en)


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (0.1234, "ratio", "12.3%", "12.3%"),
        (-0.0001, "ratio", "0.0%", "0.0%"),
        (1, "months", "1个月", "1 month"),
        (41.0, "months", "41个月", "41 months"),
        (7.3142, "years", "7.3年", "7.3 years"),
        (0.62, "index", "0.62", "0.62"),
        (46.0, "count", "46", "46"),
        (1, "flag", "是", "yes"),
        (0, "flag", "否", "no"),
        (12_345, "kWh", "12,345千瓦时", "12,345 kWh"),
        (1, "person", "1人", "1 person"),
        (3.5, "furlong", "3.5 furlong", "3.5 furlong"),
        ("R4", "grade", "R4", "R4"),
        (None, "CNY", "缺失", "missing"),
    ],
)
def test_quantity(value: float | str | None, unit: str, zh: str, en: str) -> None:
    assert quantity(value, unit) == Text(zh=zh, en=en)


def test_rounding_is_half_up_as_on_bank_statements() -> None:
    assert [fixed(x) for x in (0.5, 1.5, 2.5, -0.5)] == ["1", "2", "3", "−1"]
    assert fixed(1.005, 2) == "1.01"
    assert rate(Decimal("0.06855")) == "6.86%"


def test_small_helpers() -> None:
    assert [signed(x) for x in (12.4, -3, 0, 0.2, -0.2)] == ["+12", "−3", "0", "0", "0"]
    assert wan(1_234_567) == "123.46"
    assert percent(1) == "100.0%"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_not_a_way_to_say_missing(bad: float) -> None:
    with pytest.raises(ValueError, match="None with a reason"):
        money(bad)


@given(st.integers(-(10**13), 10**13))
def test_money_is_never_off_by_more_than_its_last_digit(cny: int) -> None:
    text = money(cny).zh.replace(",", "").replace("−", "-")
    size = {"亿元": 10**8, "万元": 10**4}.get(text[-2:], 1)
    number = Decimal(text.rstrip("亿万元"))
    step = {10**8: 10**6, 10**4: 10**3, 1: 1}[size]
    assert abs(number * size - cny) <= step / 2


def test_a_default_probability_becomes_a_count_of_firms() -> None:
    assert "每 100 家约有 3 家会在一年内违约" in odds_in_words(0.0287).zh
    assert "每 1,000 家约有 4 家" in odds_in_words(0.0042).zh
    assert "不到 1 家" in odds_in_words(0.0001).zh
    assert "within" not in odds_in_words(0.03, None).en
    assert "within 6 months" in odds_in_words(0.03, 6).en


@given(st.floats(0, 1))
def test_the_count_stays_within_its_base(pd: float) -> None:
    count, base = defaults_among(pd)
    assert 0 <= count <= base
    assert abs(count / base - pd) <= 0.5 / base + 1e-12
