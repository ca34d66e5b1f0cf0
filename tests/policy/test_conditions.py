from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.reference import Evaluator
from xinqiao.kernel.errors import UserError
from xinqiao.policy.conditions import Cells
from xinqiao.policy.format import Cell
from xinqiao.policy.kinds import Kind
from xinqiao.policy.logic import Value

CELLS = Cells(("A", "B", "C", "D"))
NUMBER, GRADE, BOOL, TEXT, DATE = Kind("number"), Kind("grade"), Kind("bool"), Kind("text"), Kind("date")


def _hits(cell: Cell, kind: Kind, value: Value) -> bool | None:
    tree = CELLS.condition("x", kind, cell, "f:1")
    return Evaluator({"x": value}, {}).truth(tree)


@pytest.mark.parametrize(
    ("cell", "kind", "yes", "no"),
    [
        (">= 0.8", NUMBER, "0.8", "0.79"),
        ("< 3", NUMBER, "2", "3"),
        ("!= 3", NUMBER, "2", "3"),
        ("0.2..0.5", NUMBER, "0.5", "0.51"),
        ("[0.2..0.5]", NUMBER, "0.2", "0.1"),
        ("[0.2..0.5)", NUMBER, "0.2", "0.5"),
        ("(0.2..0.5]", NUMBER, "0.5", "0.2"),
        ("-5..-1", NUMBER, "-3", "0"),
        ("[1, 3]", NUMBER, "3", "2"),
        ("not [1, 3]", NUMBER, "2", "3"),
        ("not 1..3", NUMBER, "4", "2"),
        (3, NUMBER, "3", "4"),
        (0.5, NUMBER, "0.5", "0.6"),
        ("3", NUMBER, "3", "4"),
    ],
)
def test_numbers(cell: Cell, kind: Kind, yes: str, no: str) -> None:
    assert _hits(cell, kind, Decimal(yes)) is True
    assert _hits(cell, kind, Decimal(no)) is False
    assert _hits(cell, kind, None) is None


@pytest.mark.parametrize(
    ("cell", "kind", "yes", "no"),
    [
        ("A..C", GRADE, "C", "D"),
        ("B", GRADE, "B", "A"),
        ("[A, D]", GRADE, "D", "B"),
        ("not A..B", GRADE, "C", "B"),
        ("!= A", GRADE, "B", "A"),
        (True, BOOL, True, False),
        ("false", BOOL, False, True),
        ("[农, 工]", TEXT, "工", "商"),
        ("> 2020-01-01", DATE, "2020-01-02", "2020-01-01"),
        ("2020-01-01..2020-12-31", DATE, "2020-02-29", "2021-01-01"),
    ],
)
def test_others(cell: Cell, kind: Kind, yes: Value, no: Value) -> None:
    assert _hits(cell, kind, yes) is True
    assert _hits(cell, kind, no) is False
    assert _hits(cell, kind, None) is None


def test_a_dash_is_true_even_of_missing() -> None:
    assert _hits("-", NUMBER, None) is True


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("", NUMBER), (">=", NUMBER), ("abc", NUMBER), ("nan", NUMBER), ("> inf", NUMBER), ("[1, ]", NUMBER),
        ("3..1", NUMBER), ("(1..1)", NUMBER), ("[1..2", NUMBER), ("1..2)", NUMBER), (True, NUMBER),
        ("1..x", NUMBER), ("1 2", NUMBER),
        ("C..A", GRADE), ("(A..C)", GRADE), ("E", GRADE), (1, GRADE), ("maybe", BOOL), (1, BOOL), ("", TEXT),
        ("a..b", TEXT), ("not", NUMBER),
    ],
)  # fmt: skip
def test_bad_cells_name_their_row(cell: Cell, kind: Kind) -> None:
    with pytest.raises(UserError) as caught:
        CELLS.condition("x", kind, cell, "f:7")
    assert caught.value.code in {"POL-ROW", "POL-GRADE"}
    assert caught.value.where == "f:7"


@given(st.text("AB-.[]()<>=!, 0123not", max_size=10), st.sampled_from([NUMBER, GRADE, BOOL, TEXT]))
def test_any_cell_is_read_or_refused(cell: str, kind: Kind) -> None:
    try:
        CELLS.condition("x", kind, cell, "f:7")
    except UserError as error:
        refused = error
    else:
        return
    assert refused.where == "f:7"


@pytest.mark.parametrize("cell", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_refused(cell: float) -> None:
    with pytest.raises(UserError, match=r"f:1"):
        CELLS.condition("x", NUMBER, cell, "f:1")
    with pytest.raises(UserError, match=r"f:1"):
        CELLS.output(NUMBER, cell, "f:1")
