from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.text import Text
from xinqiao.policy.format import TypeName
from xinqiao.policy.logic import Given, exact, exact_of
from xinqiao.policy.straight import pieces
from xinqiao.policy.straight.pieces import (
    FLOAT_EXACT,
    FLOAT_JSON,
    float_text,
    gap_of,
    head,
    sentence,
    tail,
    words,
)
from xinqiao.policy.wording import show, show_number, spoken

EDGES = [0.0, -0.0, 1e16, 1e-7, 123456789012345678.0, 2.0**53, 5e-324]
FLOATS = st.floats(-1e18, 1e18) | st.sampled_from(EDGES)
TEXTS = st.text().filter(str.isprintable)
KINDS: list[TypeName] = ["money", "ratio", "number", "integer", "text"]


@given(FLOATS)
def test_a_float_is_shown_as_its_shortest_decimal(value: float) -> None:
    plain = format(exact(value).normalize(), "f")
    assert float_text(value) == show(exact(value)) == ("0" if plain == "-0" else plain)
    assert FLOAT_JSON[value] == canonical_json(float_text(value))
    assert FLOAT_EXACT[value] == exact(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40))
def test_a_number_is_shown_without_exponent_to_28_digits(value: Decimal) -> None:
    plain = format(value.normalize(), "f")
    assert show_number(value) == ("0" if plain == "-0" else plain)


def test_floats_met_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST_FLOATS", 3)
    kept = pieces._Floats(float_text)
    assert [kept[value] for value in (1.0, 2.0, 3.0, 1.0, 4.5)] == ["1", "2", "3", "1", "4.5"]
    assert list(kept) == [4.5]


@given(
    st.none() | st.booleans() | FLOATS | TEXTS | st.decimals(-(10**9), 10**9, places=5),
    st.sampled_from(KINDS),
)
def test_words_are_those_of_a_reader_ready_for_json(value: Given, kind: TypeName) -> None:
    text = spoken(exact_of(value), kind)
    assert tuple(json.loads(b'"%b"' % word) for word in words(value, kind)) == (text.zh, text.en)


@given(TEXTS)
def test_pieces_join_to_canonical_json(odd: str) -> None:
    literal = odd.replace("{", "{{").replace("}", "}}")
    found = sentence("CODE", odd, "refer", Text(zh=f"{literal}{{x}}", en=f"{{x}} {literal}{{x}}"))
    joined = b"".join(piece if isinstance(piece, bytes) else (b"zh", b"en")[piece[1]] for piece in found)
    text = {"zh": f"{odd}zh", "en": f"en {odd}en"}
    assert joined == canonical_json({"code": "CODE", "source": odd, "effect": "refer", "text": text})
    step = head(odd, "ignore", odd, first=True) + tail("rule", Text(zh=odd, en="x")) + b"null}"
    assert step == canonical_json(
        {"kind": "rule", "id": odd, "name": {"zh": odd, "en": "x"}, "inputs": {}, "result": None,
         "effect": "ignore", "detail": odd}
    )  # fmt: skip


def test_the_severest_outcome_of_the_missing_reasons_counts() -> None:
    name = Text(zh="甲", en="a")
    gap = gap_of(
        "A1",
        {"x": name},
        {"NO_RECORDS": "ignore", "else": "reject"},
        lambda _: ("C", name),
        lambda _, fault: fault,
    )
    assert gap((("x", "NO_RECORDS"),))[0] == 0
    severity, said, lead = gap((("x", "NO_RECORDS"), ("", "NOT_COMPUTABLE")), "table_no_row")
    assert severity == 2
    assert json.loads(said)["text"]["zh"] == "甲（甲：该企业在数据源中没有记录）"
    assert lead == head("A1", "reject", "table_no_row")
