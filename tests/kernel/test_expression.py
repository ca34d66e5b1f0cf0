from __future__ import annotations

import ast
import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.expression import (
    Binary,
    Call,
    Choose,
    Compare,
    Const,
    Items,
    Logic,
    Name,
    Node,
    Unary,
    children,
    names,
    parse_expression,
    walk,
)

NAMES = st.sampled_from(["a", "b1", "金额", "近12月", "评级"])


def _strip(node: Node) -> object:
    """The tree without columns."""
    return (type(node).__name__, *[_plain(getattr(node, f)) for f in fields(node) if f != "column"])


def _plain(field: object) -> object:
    if isinstance(field, Node):
        return _strip(field)
    return tuple(map(_plain, field)) if isinstance(field, tuple) else field


def fields(node: Node) -> list[str]:
    return [field.name for field in dataclasses.fields(node)]


def _refusal(text: str) -> UserError | None:
    """Why ``text`` is refused; any other error fails the test."""
    try:
        parse_expression(text, "f:1")
    except UserError as error:
        return error
    return None


def _text(node: Node) -> str:  # noqa: PLR0911 - one return per node kind
    """Write a tree back, fully bracketed."""
    match node:
        case Const(value=value):
            return repr(value)
        case Name(id=name):
            return name
        case Items(items=items):
            return "[" + ", ".join(map(_text, items)) + "]"
        case Unary(op=op, operand=operand):
            return f"({op} {_text(operand)})"
        case Binary(op=op, left=left, right=right) | Compare(op=op, left=left, right=right):
            return f"({_text(left)} {op.replace('not-in', 'not in')} {_text(right)})"
        case Logic(op=op, parts=parts):
            return "(" + f" {op} ".join(map(_text, parts)) + ")"
        case Choose(test=test, then=then, other=other):
            return f"({_text(then)} if {_text(test)} else {_text(other)})"
        case Call(function=function, args=args):
            return f"{function}({', '.join(map(_text, args))})"
    raise TypeError(node)


def _grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.builds(lambda op, p: Binary(1, op, *p), st.sampled_from(["+", "-", "*", "/", "**"]), pair),
        st.builds(
            lambda op, p: Compare(1, op, *p), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), pair
        ),
        st.builds(
            lambda op, a, b: Compare(1, op, a, Items(1, (b,))),
            st.sampled_from(["in", "not-in"]),
            inner,
            inner,
        ),
        st.builds(lambda op, p: Logic(1, op, p), st.sampled_from(["and", "or"]), pair),
        st.builds(lambda op, a: Unary(1, op, a), st.sampled_from(["-", "not"]), inner),
        st.builds(lambda a, b, c: Choose(1, a, b, c), inner, inner, inner),
        st.builds(lambda p: Call(1, "min", p), pair),
    )


CONSTS = st.builds(
    lambda v: Const(1, v),
    st.booleans() | st.integers(0, 10**9) | st.floats(0, 1e15) | st.text("ab中", max_size=3),
)
TREES = st.recursive(CONSTS | st.builds(lambda n: Name(1, n), NAMES), _grow, max_leaves=8)


@given(TREES)
def test_a_tree_written_out_is_parsed_to_itself(tree: Node) -> None:
    assert _strip(parse_expression(_text(tree), "f")) == _strip(tree)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    refused = _refusal(text)
    if refused is not None:
        assert refused.where.startswith("f:1")


@given(st.text("ab金<>=+-*/()[],.:'\"#\\\n 019enotrdif", max_size=30))
def test_any_near_expression_is_parsed_or_refused(text: str) -> None:
    if _refusal(text) is None:
        tree = parse_expression(text, "f:1")
        assert all(1 <= node.column <= len(text) for node in walk(tree))


@pytest.mark.parametrize(
    "text",
    [
        *("x.y", "x[0]", "x[1:2]", "lambda: 1", "(a := 3)", "[i for i in x]", "f'{a}'", "f(x=1)", "f(*a)"),
        *("f()()", "a.f()", "None", "...", "b'x'", "1j", "+a", "~a", "a // b", "a % b", "a @ b", "a & b"),
        *("a is b", "a is not b", "{1}", "{1: 2}", "await x", "1e999", "-1e999", "9" * 400, str(2**63)),
    ],
)
def test_only_the_small_language_passes(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_expression(text, "f:1")
    assert caught.value.code in {"EXPR-FORBIDDEN", "EXPR-SYNTAX"}


@pytest.mark.parametrize(
    "text", ["", "  ", "# note", "a b", "a; b", "a\n+ b", "'\\d'", "1(2)", "(" * 300, "a\0", "if"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="EXPR"):
        parse_expression(text, "f:1")


def test_size_and_depth_are_bounded() -> None:
    for text in ("-" * 60 + "1", "+".join("a" * 400), "a" * 5000, "not " * 50 + "a"):
        with pytest.raises(UserError, match="EXPR-FORBIDDEN"):
            parse_expression(text, "f:1")


@pytest.mark.parametrize(
    ("text", "column"),
    [("金额 + x.y", 6), ("  近12月 < x.y", 10), ("(a +\n x.y)", 7), ("min(金额, 评级, x.y)", 13)],
)
def test_columns_count_characters_of_the_text_as_written(text: str, column: int) -> None:
    with pytest.raises(UserError) as caught:
        parse_expression(text, "f:1")
    assert caught.value.where == f"f:1:{column}"
    assert text[column - 1 :].startswith("x.y")


def test_a_chain_is_a_conjunction() -> None:
    tree = parse_expression("1 <= 金额 < 5", "f")
    assert isinstance(tree, Logic)
    assert [part.op for part in tree.parts if isinstance(part, Compare)] == ["<=", "<"]


def test_names_come_once_in_order_of_use() -> None:
    assert names(parse_expression("b + 金额 * b if a else min(c, 金额)", "f")) == ("a", "b", "金额", "c")


@given(NAMES)
def test_decomposed_names_are_composed(name: str) -> None:
    assert parse_expression(unicodedata.normalize("NFD", name), "f") == Name(1, name)


@given(TREES)
def test_walk_meets_every_child(tree: Node) -> None:
    nodes = list(walk(tree))
    assert nodes[0] is tree
    assert len(nodes) == 1 + sum(len(children(node)) for node in nodes)


@given(TREES)
def test_python_agrees_on_the_names(tree: Node) -> None:
    text = _text(tree)
    found = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)} - {"min"}
    assert set(names(parse_expression(text, "f"))) == found
