"""Expressions as written code: their values, and what is missing behind an unknown one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.reference import Evaluator
from xinqiao.kernel.expression import parse_expression
from xinqiao.policy.codegen import Code
from xinqiao.policy.logic import Given, Value, exact_of
from xinqiao.policy.straight.statements import WHOLE, Causes, Local, Straight

TRUTH = st.sampled_from([True, False, None])
RANK = {"A": 0, "B": 1, "C": 2}
NUMBERS = st.decimals(-(10**12), 10**12, places=6)


def _run(text: str, given: dict[str, Given]) -> tuple[Value, Causes]:
    """The value of ``text`` and its causes; floats are compared as floats."""
    code = Code()
    names = {
        name: Local(f"v{i}", f"d{i}", f"j{i}", f"c{i}", floating=isinstance(value, float))
        for i, (name, value) in enumerate(given.items())
    }
    straight = Straight(code, names, RANK)
    tree = parse_expression(text, "f")
    place = straight.value(tree)
    own = code.constant((("", "NOT_COMPUTABLE"),))
    code.add(f"return {place.text}, {straight.causes(tree, own)}")
    arguments = ", ".join(f"{each.raw}, {each.exact}, {each.causes}" for each in names.values())
    causes = ((((name, "WHY"),) if value is None else ()) for name, value in given.items())
    values = [
        x for value, why in zip(given.values(), causes, strict=True) for x in (value, exact_of(value), why)
    ]
    found: tuple[Value, Causes] = code.function("run", arguments).run(*values)
    return found


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
@pytest.mark.parametrize("two", [2.0, Decimal(2)])
def test_expressions(text: str, result: bool | None, two: Given) -> None:  # noqa: FBT001 - a truth value
    assert _run(text, {"x": None, "y": two, "g": "B", "h": None, "d": "2020-02-29"})[0] is result


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
    value, causes = _run(text, {"x": None, "y": 2.0, "z": None})
    assert tuple(name for name, _ in causes) == blamed
    assert (value is None) == bool(blamed)


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=3), st.integers(0, 2), st.booleans()
)
def test_learning_a_value_never_turns_a_known_result(
    parts: list[bool | None],
    i: int,
    learned: bool,  # noqa: FBT001 - a truth value
) -> None:
    text = "(a and not b) or (b and c) or (not a and not c)"
    before, _ = _run(text, dict(zip("abc", parts, strict=True)))
    if parts[i] is None:
        parts[i] = learned
        assert before in (None, _run(text, dict(zip("abc", parts, strict=True)))[0])


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"])
@given(number=NUMBERS)
def test_what_is_done_with_missing_is_missing(op: str, number: Decimal) -> None:
    assert _run(f"x {op} y", {"x": None, "y": number})[0] is None
    assert _run(f"x {op} y", {"x": number, "y": None})[0] is None


@given(NUMBERS)
def test_division_by_zero_is_missing(number: Decimal) -> None:
    assert _run("x / 0", {"x": number}) == (None, (("", "NOT_COMPUTABLE"),))


def test_overflow_is_missing() -> None:
    assert _run("x * x", {"x": Decimal("9e999999")})[0] is None


_EDGES = st.sampled_from([0.0, -0.0, 0.1, 0.30000000000000004, 2.0**53, 2.0**53 + 2, 1e17, 5e-324])


@given(
    _EDGES | st.floats(-1e18, 1e18),
    _EDGES | st.floats(-9e18, 9e18) | st.sampled_from([WHOLE, WHOLE + 1, 10**17, 2**60, 3]),
    st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
)
def test_floats_compare_as_the_decimals_they_are_written_as(value: float, written: float, op: str) -> None:
    """A float stands for its shortest decimal, so whole numbers above 2**53 are no floats."""
    text = f"x {op} {abs(written)!r}"
    truth = Evaluator({"x": exact_of(value)}, {}).truth(parse_expression(text, "f"))
    assert _run(text, {"x": value})[0] is truth
    assert _run(f"{abs(written)!r} in [x, {abs(written)!r}]", {"x": value})[0] is True
