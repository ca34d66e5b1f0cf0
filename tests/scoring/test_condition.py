from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.scoring.condition import Given, read_condition

TEXTS = ("kind",)


def truth(text: str, **values: float | str | None) -> bool | None:
    given_: Given = {
        name: np.array([value], dtype=object if name in TEXTS else np.float64)
        for name, value in values.items()
    }
    found = read_condition(text, TEXTS, "t").truth(given_)
    assert not (found.true & found.false).any()
    return True if found.true[0] else False if found.false[0] else None


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        ("a >= 3", {"a": 3.0}, True),
        ("3 <= a", {"a": 2.9}, False),
        ("-1 < a < 1", {"a": 0.0}, True),
        ("a >= 3", {"a": None}, None),
        ("not a >= 3", {"a": None}, None),
        ("a >= 3 or b > 1", {"a": None, "b": 2.0}, True),
        ("a >= 3 or b > 1", {"a": None, "b": 0.0}, None),
        ("a >= 3 and b > 1", {"a": None, "b": 0.0}, False),
        ("missing(a)", {"a": None}, True),
        ("not missing(a)", {"a": 0.0}, True),
        ("kind == 'x'", {"kind": "x"}, True),
        ("kind != 'x'", {"kind": None}, None),
        ("kind in ['x', 'y']", {"kind": "y"}, True),
        ("kind not in ['x', 'y']", {"kind": "z"}, True),
        ("kind not in ['x', 'y']", {"kind": None}, None),
        ("missing(kind)", {"kind": None}, True),
        ("a in [1, 2]", {"a": 2.0}, True),
        ("a in [-1, 2]", {"a": -1.0}, True),
    ],
)
def test_conditions_are_three_valued(
    text: str, values: dict[str, float | str | None], wanted: object
) -> None:
    assert truth(text, **values) is wanted


@pytest.mark.parametrize(
    "text",
    [
        "a + 1 > 2",
        "a",
        "a > b",
        "kind > 'x'",
        "kind == 3",
        "a == 'x'",
        "a == True",
        "missing(a + 1)",
        "abs(a) > 1",
        "3",
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(UserError, match=r"SCR-CONDITION.*seg\.yaml:7:\d+"):
        read_condition(text, TEXTS, "seg.yaml:7")


CONDITIONS = st.recursive(
    st.sampled_from(["a < 1", "a >= 1", "b == 2", "b in [0, 2]", "missing(a)", "kind == 'x'", "kind != 'y'"]),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=6,
)
VALUES = st.sampled_from([None, 0.0, 1.0, 2.0])
ROWS = st.lists(st.tuples(VALUES, VALUES, st.sampled_from([None, "x", "y"])), min_size=1, max_size=8)


def kleene(text: str, row: dict[str, float | str | None]) -> bool | None:
    """Python's own tree of the text, walked one row at a time by the tables of Kleene's logic."""

    def value(node: ast.expr) -> bool | None:
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                found = [value(p) for p in parts]
                return False if False in found else None if None in found else True
            case ast.BoolOp(values=parts):
                found = [value(p) for p in parts]
                return True if True in found else None if None in found else False
            case ast.UnaryOp(operand=inner):
                one = value(inner)
                return None if one is None else not one
            case ast.Call(args=[ast.Name(id=name)]):
                return row[name] is None
            case _:
                name = next(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
                return None if row[name] is None else bool(eval(ast.unparse(node), {}, dict(row)))  # noqa: S307 - texts of this test

    return value(ast.parse(text, mode="eval").body)


@given(CONDITIONS, ROWS)
def test_columns_and_rows_agree_with_an_independent_reading(
    text: str, rows: list[tuple[float | None, float | None, str | None]]
) -> None:
    condition = read_condition(text, TEXTS, "t")
    columns: Given = {
        "a": np.array([a for a, _, _ in rows], dtype=np.float64),
        "b": np.array([b for _, b, _ in rows], dtype=np.float64),
        "kind": np.array([k for _, _, k in rows], dtype=object),
    }
    found = condition.truth(columns)
    told = [True if t else False if f else None for t, f in zip(found.true, found.false, strict=True)]
    assert told == [kleene(text, {"a": a, "b": b, "kind": k}) for a, b, k in rows]
