from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.source.check import compile_check

TYPES = {"a": pl.Int64(), "b": pl.Int64(), "day": pl.Date(), "yes": pl.Boolean(), "word": pl.String()}
FRAME = pl.DataFrame(
    {
        "a": [1, None, 0],
        "b": [2, 5, 0],
        "day": [date(2020, 1, 1)] * 3,
        "yes": [True, None, False],
        "word": ["x", None, "y"],
    },
    schema=TYPES,
)


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("a < b", [True, None, False]),
        ("a < b or yes", [True, None, False]),
        ("missing(a) or a < b", [True, True, False]),
        ("yes and b > 100", [False, False, False]),
        ("not yes", [False, None, True]),
        ("a / b < 1", [True, None, None]),  # nothing is divided by zero
        ("0 <= a <= 1", [True, None, True]),
        ('day >= "2020-01-01"', [True, True, True]),
        ('word in ["x", "z"]', [True, None, False]),
        ('word not in ["x", "z"]', [False, None, True]),
        ("abs(-b) == greatest(b, 0)", [True, True, True]),
        ("least(a, 1) == (1 if yes else a)", [True, None, True]),
        ("a - b * 2 + 3 == 0", [True, None, False]),
    ],
)
def test_three_valued_results(text: str, results: list[bool | None]) -> None:
    assert FRAME.select(compile_check(text, TYPES, "t").alias("_"))["_"].to_list() == results


@pytest.mark.parametrize(
    "text", ["a", "missing(a, b)", "a ** 2 > 1", 'day > "soon"', "a in b", "word > 1", "a in [a]"]
)
def test_what_does_not_type_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="CON-CHECK"):
        compile_check(text, TYPES, "t")
