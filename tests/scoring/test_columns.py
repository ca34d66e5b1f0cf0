import numpy as np
import pandas as pd
import polars as pl
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
        pd.DataFrame({"a": texts}),
        pd.DataFrame({"a": pd.Categorical(texts)}),
        {"a": texts},
    ):
        assert read_columns(frame).column("a").tolist() == texts


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
