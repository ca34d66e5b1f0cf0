from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.source.contract import Field, FieldType
from xinqiao.source.parse import Parsed, parser

NAME = Text(zh="字段", en="field")


def parse(kind: FieldType, text: str, scale: str = "1", formats: tuple[str, ...] = ()) -> Parsed:
    return parser(Field(type=kind, name=NAME, sensitivity="L1"), {}, formats, Decimal(scale))(text)


@pytest.mark.parametrize(
    ("text", "cents", "repairs"),
    [
        ("943.4", 94340, ()),
        ("-943.40", -94340, ()),
        ("0.005", 1, ("rounded_half_up",)),
        ("-0.005", -1, ("rounded_half_up",)),
        ("1.004999", 100, ("rounded_half_up",)),
        ("1,234,567.89", 123456789, ("thousands",)),
        (" 12 ", 1200, ("blank_trimmed",)),
        ("１２．３０", 1230, ("full_width",)),
        ("¥12.30", 1230, ("currency_sign",)),
        ("12.30元", 1230, ("currency_sign",)),
        ("(12.30)", -1230, ("parentheses",)),
        ("1e3", 100000, ("number_form",)),
        ("+5", 500, ("number_form",)),
        ("-0.00", 0, ()),
    ],
)
def test_money_is_exact_and_says_what_it_mended(text: str, cents: int, repairs: tuple[str, ...]) -> None:
    assert parse("money", text) == Parsed(cents, repairs)


@pytest.mark.parametrize(
    "text", ["12,34", "1.234,56", "abc", "1..2", "--1", "NaN", "inf", "1_000", "0x10", "1 2"]
)
def test_what_is_no_number_is_a_fault(text: str) -> None:
    assert parse("money", text) == Parsed(None, fault="not_a_number")


def test_money_beyond_the_range_is_a_fault() -> None:
    assert parse("money", "9" * 18) == Parsed(None, fault="out_of_range")
    assert parse("money", "1e99") == Parsed(None, fault="out_of_range")


def test_money_in_other_units() -> None:
    assert parse("money", "1.23456789", scale="10000") == Parsed(1234568, ("rounded_half_up",))
    assert parse("money", "1.234567", scale="10000") == Parsed(1234567)
    assert parse("money", "150", scale="0.01") == Parsed(150)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2018-01-31", ()),
        ("2018/1/31", ("date_form",)),
        ("2018.01.31", ("date_form",)),
        ("20180131", ("date_form",)),
        ("2018年1月31日", ("date_form",)),
        ("2018-01-31 13:05:00", ("date_form",)),
        ("43131", ("date_serial",)),
        ("43131.5", ("date_serial",)),
        ("２０１８-01-31", ("full_width",)),
    ],
)
def test_dates_in_many_forms(text: str, rule: tuple[str, ...]) -> None:
    assert parse("date", text) == Parsed(date(2018, 1, 31), rule)


def test_declared_date_formats_come_first() -> None:
    assert parse("date", "31/01/2018", formats=("%d/%m/%Y",)) == Parsed(date(2018, 1, 31))
    assert parse("date", "2018-01-31", formats=("%d/%m/%Y",)) == Parsed(date(2018, 1, 31), ("date_form",))


@pytest.mark.parametrize("text", ["2018-02-30", "31/01/2018", "yesterday", "2018-13-01", "12"])
def test_what_is_no_date_is_a_fault(text: str) -> None:
    assert parse("date", text).fault == "not_a_date"


def test_years_no_record_can_have_are_faults() -> None:
    assert parse("date", "1899-12-31").fault == "out_of_range"
    assert parse("date", "2200-01-01").fault == "out_of_range"


def test_other_types() -> None:
    assert parse("int", "12.0") == Parsed(12, ("number_form",))
    assert parse("int", "12.5").fault == "not_an_integer"
    assert parse("ratio", "12.5%") == Parsed(0.125, ("percent",))
    assert parse("ratio", "%").fault == "not_a_number"
    assert parse("time", "9:05") == Parsed("09:05:00", ("time_form",))
    assert parse("time", "25:00").fault == "not_a_time"
    assert parse("bool", " 是 ") == Parsed(value=True, repairs=("blank_trimmed",))
    assert parse("bool", "NO") == Parsed(value=False)
    assert parse("bool", "maybe").fault == "bool_unknown"
    assert parse("id", "a\x07").fault == "control_characters"
    assert parse("id", "x" * 257).fault == "too_long"
    assert parse("text", " a\nb ") == Parsed("a\nb", ("blank_trimmed",))


@pytest.mark.parametrize("kind", ["id", "text", "money", "date", "time", "int", "ratio", "bool"])
@settings(deadline=None)
@given(text=st.text(alphabet=" \t\u3000\ufeff", max_size=5))
def test_blanks_alone_are_missing_not_zero(kind: FieldType, text: str) -> None:
    assert parse(kind, text) == Parsed(None)


@settings(deadline=None)
@given(cents=st.integers(-(10**17), 10**17))
def test_every_cent_survives(cents: int) -> None:
    assert parse("money", f"{Decimal(cents) / 100:f}").value == cents


@pytest.mark.parametrize("kind", ["id", "text", "money", "date", "time", "int", "ratio", "bool"])
@settings(deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_gives_a_value_or_a_fault_never_an_exception(kind: FieldType, text: str) -> None:
    found = parse(kind, text)
    assert found.value is None or found.fault is None
