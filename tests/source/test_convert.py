"""The vectorised path must give what ``parse`` gives, for every text."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source.conftest import HEADER, ROW, small_mapping
from xinqiao.kernel.text import Text
from xinqiao.source.block import Block, frame_of
from xinqiao.source.contract import Field, FieldType
from xinqiao.source.convert import Converter, _fast
from xinqiao.source.mapping import Column
from xinqiao.source.parse import parser

NUMBERS = st.from_regex(r"\A[ +-]?[0-9]{0,17}([.,][0-9]{0,5})?\Z")
DATES = st.from_regex(r"\A[ 0-9]{4}[-/][0-9]{1,2}-[0-9]{1,2}\Z") | st.dates().map(str)
TEXTS = NUMBERS | DATES | st.text(max_size=20) | st.times().map(lambda t: t.strftime("%H:%M:%S"))
TEXTS = TEXTS | st.sampled_from(["是", "否", "A", " A", "\u200bA", "A\n", "\x1cA"])


def kind_of(kind: FieldType) -> Field:
    values = ["A", "B"] if kind == "enum" else None
    return Field(type=kind, name=Text(zh="字段", en="field"), sensitivity="L1", values=values)


@pytest.mark.parametrize("kind", get_args(FieldType))
@settings(deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=30))
def test_fast_path_agrees_with_parse_and_never_repairs(kind: FieldType, texts: list[str]) -> None:
    field = kind_of(kind)
    slow = parser(field, {}, [], Decimal(1))
    fast = _fast(field, Column(column="c"))(pl.Series(texts, dtype=pl.String))
    assert fast.dtype == field.polars
    for text, value in zip(texts, fast, strict=True):
        if value is not None:
            found = slow(text)
            assert (found.value, found.repairs, found.fault) == (value, (), None)


@pytest.mark.parametrize("scale", [0.01, 1.0, 10_000.0, 100_000_000.0])
@settings(deadline=None)
@given(text=st.from_regex(r"\A-?[0-9]{1,15}(\.[0-9]{1,12})?\Z"))
def test_fast_money_is_exact_in_every_unit(scale: float, text: str) -> None:
    fast = _fast(kind_of("money"), Column(column="c", scale=scale))(pl.Series([text]))[0]
    slow = parser(kind_of("money"), {}, [], Decimal(str(scale)))(text)
    assert fast is None or (fast, ()) == (slow.value, slow.repairs)


def test_plain_texts_do_take_the_fast_path() -> None:
    plain = {
        "money": "-943.4",
        "date": "2018-01-31",
        "id": "E1",
        "int": "12",
        "ratio": "0.5",
        "time": "09:05:00",
    }
    for kind, text in plain.items():
        assert _fast(kind_of(kind), Column(column="c"))(pl.Series([text]))[0] is not None  # type: ignore[arg-type] # keys are FieldTypes


def test_faults_name_the_files_column_and_the_row() -> None:
    converter = Converter(small_mapping().files[0])
    row = ROW.replace("100.00", "?").split(",")
    block = Block(frame_of(HEADER.split(","), [ROW.split(","), row], [2, 3]))
    found = converter.convert(block)
    assert found.faults == [(1, "amount_cents", "not_a_number", "?")]
    fault = converter.fault(block, *found.faults[0])
    assert (fault.line, fault.column, fault.row) == (3, "金额", ",".join(row))
