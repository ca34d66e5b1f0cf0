"""The one expression language of the catalog: indicators, policies, cross-field checks.

Syntax is a small part of Python's, so editors colour it and Chinese identifiers are allowed:
numbers, texts, ``True``/``False``, names, ``+ - * / **``, comparisons (chains too), ``in`` a list,
``and``/``or``/``not``, ``a if test else b`` and calls of named functions. This module only parses;
what a name or a function means is the business of the engine that compiles the tree
(Ibis for indicators, Python and vectors for policies).
"""

from __future__ import annotations

import ast
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from xinqiao.kernel.errors import fail, user_error

MAX_CHARS = 4_000
MAX_NODES = 500
MAX_DEPTH = 40
MAX_NUMBER = 2**63 - 1  # every engine holds it; infinities stand above


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree; ``column`` is its 1-based place in the text."""

    column: int


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A number, text or truth value."""

    value: int | float | str | bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A reference to an input, field or earlier result."""

    id: str


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list of expressions, as on the right of ``in``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``-x`` (op ``-``) or ``not x`` (op ``not``)."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic: op is one of ``+ - * / **``."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """One comparison: op is one of ``== != < <= > >= in not-in``."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """``and`` / ``or`` of two or more parts."""

    op: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choose(Node):
    """``then if test else other``."""

    test: Node
    then: Node
    other: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A call of a named function with positional arguments."""

    function: str
    args: tuple[Node, ...]


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not-in",
}


def parse_expression(text: str, where: str) -> Node:
    """Parse ``text``; ``where`` (file and line) goes into errors.

    Raises UserError EXPR-SYNTAX or EXPR-FORBIDDEN.
    """
    if len(text) > MAX_CHARS:
        fail("EXPR-FORBIDDEN", where, detail=f"{len(text)} > {MAX_CHARS} characters")
    normal = unicodedata.normalize("NFC", text)
    source = normal.strip()
    before = len(normal) - len(normal.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns of ("\\d", 1 is 2) is a mistake here
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = getattr(error, "msg", None) or str(error)
        column = before + max(getattr(error, "offset", None) or 1, 1)
        raise user_error("EXPR-SYNTAX", f"{where}:{column}", detail=detail) from error
    return _Converter(where, source, before).convert(tree.body, 1)


class _Converter:
    def __init__(self, where: str, source: str, before: int) -> None:
        self.where = where
        self.lines = source.split("\n")
        self.before = before
        self.nodes = 0

    def convert(self, node: ast.expr, depth: int) -> Node:  # noqa: C901, PLR0911 - one case per node kind
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self._refuse(node, "expression too long or too deep")
        column = self._column(node)
        down = depth + 1
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value) if _in_range(value):
                return Const(column, value)
            case ast.Name(id=name):
                return Name(column, name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return Items(column, tuple(self.convert(i, down) for i in items))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Unary(column, "-", self.convert(operand, down))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Unary(column, "not", self.convert(operand, down))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return Binary(column, _BINARY[type(op)], self.convert(left, down), self.convert(right, down))
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                return Logic(column, word, tuple(self.convert(v, down) for v in values))
            case ast.IfExp(test=test, body=body, orelse=other):
                parts = (self.convert(part, down) for part in (test, body, other))
                return Choose(column, *parts)
            case ast.Compare():
                return self._compare(node, down)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return Call(column, name, tuple(self.convert(a, down) for a in args))
            case _:
                return self._refuse(node, type(node).__name__)

    def _compare(self, node: ast.Compare, depth: int) -> Node:
        sides = [self.convert(side, depth) for side in (node.left, *node.comparators)]
        parts: list[Node] = []
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if type(op) not in _COMPARE:
                self._refuse(node, type(op).__name__)
            parts.append(Compare(left.column, _COMPARE[type(op)], left, right))
        return parts[0] if len(parts) == 1 else Logic(self._column(node), "and", tuple(parts))

    def _column(self, node: ast.expr) -> int:
        """The 1-based character of ``node`` in the text; ast counts bytes, and from each line's start."""
        line = self.lines[node.lineno - 1].encode()[: node.col_offset].decode()
        return self.before + sum(len(each) + 1 for each in self.lines[: node.lineno - 1]) + len(line) + 1

    def _refuse(self, node: ast.expr, detail: str) -> Node:
        fail("EXPR-FORBIDDEN", f"{self.where}:{self._column(node)}", detail=detail)


def _in_range(value: float | str) -> bool:
    return isinstance(value, str) or abs(value) <= MAX_NUMBER


def children(node: Node) -> tuple[Node, ...]:  # noqa: PLR0911 - one return per node kind
    """The direct children of ``node``, left to right."""
    match node:
        case Items(items=items):
            return items
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case Logic(parts=parts):
            return parts
        case Choose(test=test, then=then, other=other):
            return (test, then, other)
        case Call(args=args):
            return args
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """All nodes of the tree, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Node) -> tuple[str, ...]:
    """The names an expression refers to, each once, in order of first use."""
    return tuple(dict.fromkeys(n.id for n in walk(node) if isinstance(n, Name)))
