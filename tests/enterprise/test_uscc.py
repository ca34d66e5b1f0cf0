from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.identifier import rules
from xinqiao.enterprise.uscc import (
    ALPHABET,
    check_character,
    check_organisation_code,
    check_registration_number,
    check_taxpayer_id,
    check_uscc,
    make_uscc,
    organisation_check,
    organisation_code,
)

HEADS = [registry + kind for registry, told in rules().registries.items() for kind in told.types]
CODES = st.builds(
    make_uscc,
    st.sampled_from(HEADS),
    st.sampled_from(["330113", "110000", "100000", "130521", "440300", "659010"]),
    st.text(ALPHABET, min_size=8, max_size=8),
)


def ids(code: str) -> list[str]:
    return [fault.id for fault in check_uscc(code).faults]


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("91350100M000100Y43", []),
        ("91110000600037341L", []),
        ("12440300MB2C92173E", []),
        ("12440300MB2C92173A", ["check"]),
        ("N2330382MF12345671", []),
        ("A1110000MB1000010R", []),
        ("92330110MA2ABCDEXW", []),
        ("92330110MA2ABCDEX0", ["check"]),
        ("91330100MA2ABCDE0N", ["organisation_check"]),
        ("9133010OMA2ABCDEX", ["length", "alphabet", "division_form"]),
        ("913301001234567891I", ["length", "alphabet"]),
    ],
)
def test_the_known_vectors(code: str, faults: list[str]) -> None:
    assert ids(code) == faults
    assert check_uscc(code).valid == (not faults)


def test_the_example_worked_by_hand() -> None:
    # 91350100M000100Y: 9·1 + 1·3 + 3·9 + 5·27 + 0 + 1·26 + 0 + 0 + 21·20 + 0 + 0 + 0 + 1·8 + 0 + 0 + 30·30
    # + 4·28 = 1640, 1640 mod 31 = 28, 31 - 28 = 3
    assert check_character("91350100M000100Y4") == "3"
    # D2143569: 13·3 + 2·7 + 1·9 + 4·10 + 3·5 + 5·8 + 6·4 + 9·2 = 199, 199 mod 11 = 1, 11 - 1 = 10 = X
    assert organisation_check("D2143569") == "X"


@pytest.mark.parametrize("head", HEADS)
def test_every_registry_and_kind(head: str) -> None:
    assert check_uscc(make_uscc(head, "330113", "MA2ABCDE")).faults == ()


def test_what_registries_do_not_have() -> None:
    assert set(HEADS) >= {"N1", "N2", "N3", "N9", "A1", "A9", "Y1", "93"}
    assert len(HEADS) == 36
    for head in ("94", "Y2", "N4", "A2", "99", "4A"):
        assert ids(make_uscc(head, "330113", "MA2ABCDE")) == ["type"]
    for head in ("01", "B1", "X9"):
        assert ids(make_uscc(head, "330113", "MA2ABCDE")) == ["registry"]


@pytest.mark.parametrize(
    ("division", "faults"),
    [
        ("330113", []),  # came in 2021
        ("130521", []),  # gone since 2020, once a county
        ("100000", []),  # the national authority
        ("330199", ["division_unknown"]),
        ("00000A", ["division_form"]),
    ],
)
def test_divisions_now_then_and_never(division: str, faults: list[str]) -> None:
    checked = check_uscc(make_uscc("91", division, "MA2ABCDE"))
    assert [fault.id for fault in checked.faults] == faults
    assert checked.valid == ("division_form" not in faults)  # unknown warns, malformed is an error


@given(CODES)
def test_what_is_made_is_valid(code: str) -> None:
    assert check_uscc(code).faults == ()
    assert organisation_code(code) == code[8:17]


@given(CODES, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_found(code: str, place: int, char: str) -> None:
    wrong = code[:place] + char + code[place + 1 :]
    assert check_uscc(wrong).valid == (wrong == code)


@given(CODES, st.integers(0, 16))
def test_any_exchange_of_neighbours_is_found(code: str, place: int) -> None:
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert check_uscc(wrong).valid == (wrong == code)


@given(CODES, st.data())
def test_a_wrong_character_is_caught_by_the_check_characters_alone(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 17))
    char = data.draw(st.sampled_from([c for c in ALPHABET if c != code[place]]))
    wrong = code[:place] + char + code[place + 1 :]
    assert "check" in ids(wrong)  # 31 is prime and every weight is prime to it


def test_writing_that_does_not_matter() -> None:
    checked = check_uscc(" ９１３５０１００ｍ０００１００ｙ４３ ")
    assert checked.valid
    assert checked.code == "91350100M000100Y43"
    assert check_uscc("9135 0100-M000100Y-43").valid


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("9135O100M000100Y43", "91350100M000100Y43"),
        ("9I3501OOMOOO1OOY43", "91350100M000100Y43"),
        ("91350100M000100V43", None),
        ("91350100M001000Y43", "91350100M000100Y43"),
        ("12440300MB2C92173A", None),
    ],
)
def test_what_may_have_been_meant_is_suggested_and_never_taken(given: str, meant: str | None) -> None:
    checked = check_uscc(given)
    assert not checked.valid
    assert checked.code == given
    if meant is not None:
        assert meant in checked.suggestions
    assert all(check_uscc(each).faults == () for each in checked.suggestions)
    assert check_uscc(given, suggestions=False).suggestions == ()


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    for check in (check_uscc, check_registration_number, check_taxpayer_id, check_organisation_code):
        checked = check(text)
        assert checked.given == text
        for fault in checked.faults:
            assert fault.text.zh
            assert fault.text.en
    organisation_code(text)


def test_a_very_long_text_costs_nothing() -> None:
    assert ids("9" * 10_000_000)[0] == "length"


@pytest.mark.parametrize(
    ("number", "faults"),
    [
        ("110108000000016", []),
        ("110108000000017", ["check"]),
        ("100000000000016", ["check"]),
        ("11010800000001", ["length"]),
        ("11010800000001X", ["alphabet"]),
        ("999999000000018", ["division_unknown", "check"]),
    ],
)
def test_old_registration_numbers(number: str, faults: list[str]) -> None:
    assert [fault.id for fault in check_registration_number(number).faults] == faults


@given(st.integers(0, 10**8 - 1), st.integers(0, 14), st.integers(0, 9))
def test_one_wrong_digit_of_an_old_number_is_found(sequence: int, place: int, digit: int) -> None:
    head = f"110108{sequence:08d}"
    (number,) = [head + str(d) for d in range(10) if check_registration_number(head + str(d)).valid]
    wrong = number[:place] + str(digit) + number[place + 1 :]
    assert check_registration_number(wrong).valid == (wrong == number)


def test_old_and_new_numbers_of_a_firm_share_the_organisation_code() -> None:
    code = make_uscc("91", "110108", "D2143569")
    assert check_taxpayer_id("110108D2143569X").faults == ()
    assert organisation_code("110108D2143569X") == "D2143569X"
    assert organisation_code("D2143569-X") == "D2143569X"
    assert organisation_code(code) == "D2143569X"
    assert organisation_code("110108D21435690") is None
    assert organisation_code("11010819491231002X12") is None
    assert [f.id for f in check_taxpayer_id("110108D21435690").faults] == ["organisation_check"]
    assert check_taxpayer_id(code).valid
