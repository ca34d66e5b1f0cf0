from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.expression import parse_expression
from xinqiao.policy.logic import (
    Evaluator,
    Value,
    arithmetic,
    compare,
    kleene_and,
    kleene_not,
    kleene_or,
    round_to,
)

TRUTH = st.sampled_from([True, False, None])
NUMBERS = st.decimals(-(10**12), 10**12, places=6)
SPACE = [True, False, None]


def _value(text: str, **values: Value) -> Value:
    return Evaluator(values, {"A": 0, "B": 1, "C": 2}).value(parse_expression(text, "f"))


def test_the_truth_tables_are_kleenes() -> None:
    order = {False: 0, None: 1, True: 2}
    for a, b in itertools.product(SPACE, SPACE):
        assert kleene_and([a, b]) == min(a, b, key=order.__getitem__)
        assert kleene_or([a, b]) == max(a, b, key=order.__getitem__)


@given(st.lists(TRUTH, max_size=5))
def test_de_morgan(parts: list[bool | None]) -> None:
    assert kleene_not(kleene_and(parts)) == kleene_or(kleene_not(p) for p in parts)
    assert kleene_not(kleene_or(parts)) == kleene_and(kleene_not(p) for p in parts)


@given(st.lists(TRUTH, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_order_and_grouping_do_not_matter(parts: list[bool | None], rng: random.Random) -> None:
    mixed = list(parts)
    rng.shuffle(mixed)
    assert kleene_and(mixed) == kleene_and(parts)
    assert kleene_and([kleene_and(parts[:2]), *parts[2:]]) == kleene_and(parts)


@given(TRUTH)
def test_double_negation_and_units(a: bool | None) -> None:  # noqa: FBT001 - a truth value
    assert kleene_not(kleene_not(a)) == a
    assert kleene_and([a, True]) == a == kleene_or([a, False])


@given(st.lists(TRUTH, min_size=3, max_size=3), st.integers(0, 2), st.booleans())
def test_learning_a_value_never_turns_a_known_result(parts: list[bool | None], i: int, learned: bool) -> None:  # noqa: FBT001 - a truth value
    if parts[i] is not None:
        return
    tree = parse_expression("(a and not b) or (b and c) or (not a and not c)", "f")
    before = Evaluator(dict(zip("abc", parts, strict=True)), {}).truth(tree)
    parts[i] = learned
    after = Evaluator(dict(zip("abc", parts, strict=True)), {}).truth(tree)
    assert before in (None, after)


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
def test_a_comparison_with_missing_is_unknown(op: str) -> None:
    assert compare(op, None, Decimal(1)) is None
    assert compare(op, Decimal(1), None) is None
    assert compare(op, None, None) is None


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**"])
@given(number=NUMBERS)
def test_arithmetic_on_missing_is_missing(op: str, number: Decimal) -> None:
    assert arithmetic(op, None, number) is None
    assert arithmetic(op, number, None) is None


@given(NUMBERS)
def test_division_by_zero_is_missing(number: Decimal) -> None:
    assert arithmetic("/", number, Decimal(0)) is None


def test_overflow_is_missing() -> None:
    huge = Decimal("9e999999")
    assert arithmetic("*", huge, huge) is None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("missing(x)", True),
        ("missing(y)", False),
        ("x > 1 or y > 1", True),
        ("x > 1 and y < 1", False),
        ("x > 1 and y > 1", None),
        ("not x > 1", None),
        ("x in [1, 2]", None),
        ("y in [1, x, 2]", True),
        ("y in [1, x]", None),
        ("y not in [1, 2]", False),
        ("y not in [1, x]", None),
        ("1 < y < 3", True),
        ("(1 if x > 1 else 1) == 1", None),
        ("(1 if missing(x) else x) == 1", True),
        ("y / 0 == y / 0", None),
        ("min(y, x) < 9", None),
        ("max(y, 5) == 5", True),
        ("abs(-y) == y", True),
        ("round_down(7.89, 0.5) == 7.5", True),
        ("round_half_up(0.125, 0.01) == 0.13", True),
        ("round_down(y, 0) == 1", None),
        ("worse_than(g, 'A')", True),
        ("better_than(g, 'A')", False),
        ("better_than(g, 'C')", True),
        ("worse_than(h, 'A')", None),
        ("0.1 + 0.2 == 0.3", True),
        ("y ** 3 == 8", True),
        ("d < '2020-03-01'", True),
    ],
)
def test_expressions(text: str, result: bool | None) -> None:  # noqa: FBT001 - a truth value
    values: dict[str, Value] = {"x": None, "y": Decimal(2), "g": "B", "h": None, "d": "2020-02-29"}
    assert _value(text, **values) is result


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("x + y", ("x",)),
        ("x + z", ("x", "z")),
        ("x > 1 or z > 1", ("x", "z")),
        ("y > 1 and x > 1", ("x",)),
        ("y if missing(x) else x", ()),
        ("z if missing(x) else y", ("z",)),
        ("y if x > 1 else z", ("x",)),
        ("y / (y - 2)", ("",)),
        ("x in [1, z]", ("x", "z")),
        ("y in [1, z]", ("z",)),
    ],
)
def test_only_what_leaves_a_result_unknown_is_blamed(text: str, blamed: tuple[str, ...]) -> None:
    values: dict[str, Value] = {"x": None, "y": Decimal(2), "z": None}
    assert Evaluator(values, {}).blame(parse_expression(text, "f")) == blamed


@pytest.mark.parametrize(
    ("value", "down", "up", "half_up", "half_even"),
    [
        ("0.04325", "0.0430", "0.0435", "0.0435", "0.0430"),
        ("0.04374", "0.0435", "0.0440", "0.0435", "0.0435"),
        ("0.04375", "0.0435", "0.0440", "0.0440", "0.0440"),
        ("0.0435", "0.0435", "0.0435", "0.0435", "0.0435"),
    ],
)
def test_rounding_is_named(value: str, down: str, up: str, half_up: str, half_even: str) -> None:
    step = Decimal("0.0005")
    found = [round_to(Decimal(value), step, mode) for mode in ("down", "up", "half_up", "half_even")]
    assert found == [Decimal(down), Decimal(up), Decimal(half_up), Decimal(half_even)]


@given(st.decimals(0, 10**9, places=4), st.sampled_from(["10000", "0.0005", "1", "0.01"]))
def test_rounding_down_is_the_greatest_multiple_not_above(value: Decimal, step: str) -> None:
    rounded = round_to(value, Decimal(step), "down")
    assert rounded <= value < rounded + Decimal(step)
    assert rounded % Decimal(step) == 0
