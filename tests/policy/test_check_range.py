from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.reference import Evaluator
from xinqiao.kernel.expression import names, parse_expression
from xinqiao.policy.check_range import NOTHING, Reach, reach
from xinqiao.policy.logic import Value

GRADES = ("A", "B", "C")
RANK = {grade: i for i, grade in enumerate(GRADES)}
ENV = {
    "x": Reach(Decimal(0), Decimal(1), missing=True),
    "y": Reach(Decimal(-5), Decimal(5), missing=True),
    "n": Reach(Decimal(0), Decimal(9), missing=True, whole=True),
    "z": Reach(missing=True),
    "g": Reach(values=frozenset(GRADES), missing=True),
    "b": Reach(values=frozenset((True, False)), missing=True),
    "t": Reach(missing=True),
}

NUMBERS = st.recursive(
    st.sampled_from(["x", "y", "n", "z", "0", "1", "0.4", "3", "2.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda p: f"(-{p})"),
        inner.map(lambda p: f"({p} ** 2)"),
        inner.map(lambda p: f"abs({p})"),
        inner.map(lambda p: f"round_down({p}, 0.5)"),
        inner.map(lambda p: f"round_half_up({p}, 2)"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        st.tuples(inner, st.sampled_from(["b", "x > 0.4", "missing(y)"]), inner).map(
            lambda p: f"({p[0]} if {p[1]} else {p[2]})"
        ),
    ),
    max_leaves=5,
)  # fmt: skip
COMPARED = st.tuples(NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS).map(" ".join)
LEAVES = COMPARED | st.sampled_from(
    [
        "b",
        "missing(x)",
        "g == 'A'",
        "g in ['A', 'C']",
        "n not in [1, 3]",
        "t == 'farm'",
        "worse_than(g, 'A')",
        "better_than(g, 'B')",
        "0.2 < x <= 0.4",
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
    ),
    max_leaves=4,
)
VALUES = st.fixed_dictionaries(
    {
        "x": st.none() | st.decimals(0, 1, places=2),
        "y": st.none() | st.decimals(-5, 5, places=1),
        "n": st.none() | st.integers(0, 9).map(Decimal),
        "z": st.none() | st.decimals(-(10**9), 10**9, places=2),
        "g": st.none() | st.sampled_from(GRADES),
        "b": st.none() | st.booleans(),
        "t": st.sampled_from([None, "farm", "mill"]),
    }
)


def _within(value: Value, found: Reach) -> bool:
    if value is None:
        return found.missing
    if isinstance(value, Decimal):
        return found.known and found.low <= value <= found.high
    return found.known and (found.values is None or value in found.values)


@given(NUMBERS | CONDITIONS, st.lists(VALUES, min_size=1, max_size=10))
@settings(max_examples=400)
def test_no_value_lies_outside_what_an_expression_can_take(text: str, cases: list[dict[str, Value]]) -> None:
    tree = parse_expression(text, "f")
    found = reach(tree, {name: ENV[name] for name in names(tree)}, GRADES)
    for case in cases:
        value = Evaluator(case, RANK).value(tree)
        assert _within(value, found), (text, case, value, found)


def _truths(text: str) -> set[Value]:
    tree = parse_expression(text, "f")
    return set(reach(tree, {name: ENV[name] for name in names(tree)}, GRADES).values or ())


@pytest.mark.parametrize(
    ("text", "truths"),
    [
        ("x > 1", {False}),
        ("x >= 1", {True, False}),
        ("x > 0.4 and x < 0.4", {False}),
        ("x > 0.4 or x <= 0.4", {True}),
        ("2 < n < 3", {False}),
        ("n in [1.5, 2.5]", {False}),
        ("x + n > 10", {False}),
        ("x * y < -5", {False}),
        ("y / x > 3", {True, False}),
        ("abs(y) > 5", {False}),
        ("y ** 2 < 0", {False}),
        ("z > 1", {True, False}),
        ("worse_than(g, 'C')", {False}),
        ("not worse_than(g, 'B') or g == 'C'", {True}),
        ("missing(x) and x > 0", {False}),
        ("missing(x) or x >= 0", {True}),
        ("(0 if missing(y) else y) > 5", {False}),
        ("b and not b", {False}),
        ("t == 'farm'", {True, False}),
    ],
)
def test_what_can_and_cannot_be_is_told(text: str, truths: set[Value]) -> None:
    assert _truths(text) - {None} == truths


def test_division_by_what_is_zero_gives_nothing() -> None:
    tree = parse_expression("x / (1 - 1)", "f")
    assert reach(tree, {"x": ENV["x"]}, GRADES) == NOTHING


def test_more_pieces_than_can_be_looked_at_are_judged_as_a_whole() -> None:
    many = " and ".join(f"{name} > -{i}.5" for name in "xyz" for i in range(9))
    assert _truths(f"x > 0.4 and x < 0.4 and {many}") == {True, False}  # too wide, never too narrow
