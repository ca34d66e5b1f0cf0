from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.resident_id import birth_date, check_digit, check_resident_id, masked

TODAY = date(2026, 11, 22)
EXAMPLE = "11010519491231002X"  # the standard's own


def ids(number: str, as_of: date = TODAY) -> list[str]:
    return [fault.id for fault in check_resident_id(number, as_of).faults]


def made(division: str, born: date, sequence: int) -> str:
    first17 = f"{division}{born:%Y%m%d}{sequence:03d}"
    return first17 + check_digit(first17)


NUMBERS = st.builds(
    made,
    st.sampled_from(["110105", "330113", "130521"]),
    st.dates(date(1900, 1, 1), date(2019, 1, 1)),
    st.integers(0, 999),
)


def test_the_example_of_the_standard() -> None:
    assert ids(EXAMPLE) == []
    assert ids(" 11010519491231002ｘ ") == []
    assert birth_date(EXAMPLE) == date(1949, 12, 31)


@pytest.mark.parametrize(
    ("number", "faults"),
    [
        ("110105194912310020", ["resident_check"]),
        ("11010519491231002", ["length"]),
        ("11010519491231002Y", ["resident_alphabet"]),
        ("1101051949123100XX", ["resident_alphabet"]),
        ("110105194902300026", ["resident_check", "birth_date"]),
        ("", ["length"]),
    ],
)
def test_each_fault_is_told_apart(number: str, faults: list[str]) -> None:
    assert ids(number) == faults


def test_births_after_the_day_and_long_ago() -> None:
    born = date(2020, 5, 1)
    assert ids(made("330113", born, 1), born) == []
    assert ids(made("330113", born, 1), born - timedelta(days=1)) == ["birth_range"]
    assert ids(made("110105", date(1890, 1, 1), 1)) == ["birth_range"]


def test_divisions_at_birth() -> None:
    assert ids(made("130521", date(1980, 1, 1), 1)) == []  # a county until 2020
    assert ids(made("130521", date(2024, 1, 1), 1)) == ["birth_division_ended"]
    unknown = check_resident_id(made("999999", date(1980, 1, 1), 1), TODAY)
    assert [fault.id for fault in unknown.faults] == ["birth_division_unknown"]
    assert unknown.valid


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_one_wrong_character_is_found(number: str, place: int, char: str) -> None:
    wrong = number[:place] + char + number[place + 1 :]
    assert check_resident_id(wrong, TODAY).valid == (wrong == number)


@given(NUMBERS, st.integers(0, 16))
def test_any_exchange_of_neighbours_is_found(number: str, place: int) -> None:
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert check_resident_id(wrong, TODAY).valid == (wrong == number)


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789XQ"))
def test_nothing_shown_holds_the_number(number: str, place: int, char: str) -> None:
    for text in (number, number[:place] + char + number[place + 1 :], number + char):
        shown = repr(check_resident_id(text, TODAY))
        assert text not in shown
        assert number[6:14] not in shown
    assert masked(number) == number[:3] + "*" * 11 + number[-4:]


def test_a_text_that_is_no_number_is_not_shown_at_all() -> None:
    assert masked("1101051949") == "**********"
    assert masked("A" * 1000) == "*" * 18
