import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.scoring.columns import read_columns


def test_integers_truth_values_and_nullable_types_are_numbers() -> None:
    frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [True, False, True]})
    columns = read_columns(frame)
    np.testing.assert_array_equal(columns.column("a"), [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(columns.column("b"), [1.0, 0.0, 1.0])


def test_texts_and_categories_keep_their_gaps_as_none() -> None:
    texts = ["x", None, "y"]
    for frame in (
        pl.DataFrame({"a": texts}),
        pl.DataFrame({"a": pl.Series(texts, dtype=pl.Categorical)}),
        pl.DataFrame({"a": pl.Series(texts, dtype=pl.Enum(["y", "x"]))}),
        pd.DataFrame({"a": texts}),
        pd.DataFrame({"a": pd.Categorical(texts)}),
        {"a": texts},
    ):
        assert read_columns(frame).column("a").tolist() == texts


def test_chunks_that_number_their_words_in_their_own_way_are_one_column() -> None:
    plain = pa.chunked_array([pa.array(["x", None]), pa.array(["y", "x"])])
    numbered = pa.chunked_array([c.dictionary_encode() for c in plain.chunks])
    for column in (plain, numbered):
        table = pa.table({"a": column})
        for frame in (
            table,
            pl.from_arrow(table),
            table.to_pandas(),
            table.to_pandas(types_mapper=pd.ArrowDtype),
        ):
            assert read_columns(frame).column("a").tolist() == ["x", None, "y", "x"]


def test_categories_that_are_numbers_are_numbers() -> None:
    frame = pd.DataFrame({"a": pd.Categorical([10, None, 20])})
    np.testing.assert_array_equal(read_columns(frame).column("a"), [10.0, np.nan, 20.0])


def test_columns_are_not_copied_when_they_need_not_be() -> None:
    values = np.array([1.0, np.nan])
    frame = pd.DataFrame({"a": values}, copy=False)
    assert np.shares_memory(read_columns(frame).column("a"), values)


def test_an_array_is_read_by_column() -> None:
    matrix = np.arange(6000.0).reshape(-1, 3)
    columns = read_columns(matrix)
    assert columns.names == ("x0", "x1", "x2")
    np.testing.assert_array_equal(np.column_stack(columns.data), matrix)


def test_rows_and_columns_are_taken_in_the_order_asked() -> None:
    columns = read_columns({"a": [1.0, 2.0, 3.0], "b": ["x", "y", None]})
    taken = columns.select(["b", "a"]).take(np.array([2, 0]))
    assert taken.names == ("b", "a")
    assert [v.tolist() for v in taken.data] == [[None, "x"], [3.0, 1.0]]
    assert len(taken) == 2
    with pytest.raises(UserError, match=r"SCR-COLUMN-ABSENT.*c, d"):
        columns.select(["c", "a", "d"])


def test_a_column_of_texts_and_numbers_is_refused() -> None:
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        read_columns({"a": ["x", 1.0]})
