from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.conftest import Row, cards
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.card import Card
from xinqiao.scoring.compiled import bin_codes, score, score_codes

NUMBERS = st.one_of(st.none(), st.sampled_from([-99.0, -98.0, 0.0, -0.0]), st.floats(-2e6, 2e6))
TEXTS = st.sampled_from([None, "a", "b", "c", "?", "unseen"])
ROWS = st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=20)


def frames(rows: list[Row]) -> Iterator[object]:
    number, text = [r[0] for r in rows], [r[1] for r in rows]
    yield pl.DataFrame({"number": number, "text": text}, schema={"number": pl.Float64, "text": pl.String})
    yield pd.DataFrame({"number": np.array(number, dtype=float), "text": pd.Series(text, dtype="str")})
    yield pa.table({"number": pa.array(number, pa.float64()), "text": pa.array(text, pa.string())})


@given(cards(), ROWS)
def test_one_row_and_a_frame_score_exactly_alike(card: Card, rows: list[Row]) -> None:
    one = [card.score_one({"number": a, "text": b}) for a, b in rows]
    for frame in frames(rows):
        assert score(card, frame).tolist() == one


@given(cards(), ROWS)
def test_stored_codes_give_the_same_score(card: Card, rows: list[Row]) -> None:
    frame = next(frames(rows))
    codes = bin_codes(card, frame)
    assert codes.dtype == np.uint8
    assert [tuple(c) for c in codes.tolist()] == [card.code_one({"number": a, "text": b}) for a, b in rows]
    assert score_codes(card, codes).tolist() == score(card, frame).tolist()


@given(cards(), st.data())
def test_a_value_on_an_edge_falls_to_the_right(card: Card, data: st.DataObject) -> None:
    number = card.variable("number")
    if number.edges:
        i = data.draw(st.integers(0, len(number.edges) - 1))
        if number.edges[i] not in {-99.0, -98.0, 0.0}:
            assert number.code(number.edges[i]) == i + 1


@given(cards())
def test_infinities_absent_columns_and_wrong_types_are_refused(card: Card) -> None:
    for frame, code in (
        (pl.DataFrame({"number": [float("inf")], "text": ["a"]}), "SCR-INFINITE"),
        (pl.DataFrame({"number": [1.0]}), "SCR-COLUMN-ABSENT"),
        (pl.DataFrame({"number": ["x"], "text": ["a"]}), "SCR-COLUMN-TYPE"),
        (pl.DataFrame({"number": [1.0], "text": [2.0]}), "SCR-COLUMN-TYPE"),
        (pl.DataFrame({"number": [pd.Timestamp(2020, 1, 1)], "text": ["a"]}), "SCR-COLUMN-TYPE"),
        (
            pd.DataFrame({"number": pd.Series([1.0, "x"], dtype=object), "text": ["a", "b"]}),
            "SCR-COLUMN-TYPE",
        ),
    ):
        with pytest.raises(UserError) as error:
            score(card, frame)
        assert error.value.code == code


@given(cards())
def test_a_column_without_a_single_value_is_missing_whatever_its_type(card: Card) -> None:
    nothing = pa.table({"number": pa.nulls(2), "text": pa.nulls(2, pa.float64())})
    one = card.score_one({"number": None, "text": None})
    assert score(card, nothing).tolist() == [one, one]


@given(cards())
def test_a_frame_without_rows_has_no_scores(card: Card) -> None:
    for frame in frames([]):
        assert score(card, frame).tolist() == []
        assert bin_codes(card, frame).shape == (0, 2)
