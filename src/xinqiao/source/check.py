"""Cross-field checks: the expression language of the catalog compiled to Polars.

Logic is three-valued (Kleene): a comparison with a missing value is null, and a null check passes.
Money is compared in integer cents. ``"2020-01-31"`` beside a date field is a date.
Functions: ``missing(x)``, ``abs(x)``, ``least(x, y, ...)``, ``greatest(x, y, ...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import Any

import polars as pl

from xinqiao.kernel.errors import fail, user_error
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
    parse_expression,
)

Types = Mapping[str, pl.DataType]
_Op = Callable[[Any, Any], Any]

_ARITHMETIC: dict[str, _Op] = {"+": add, "-": sub, "*": mul}
_COMPARE: dict[str, _Op] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_FUNCTIONS: dict[str, tuple[int, int]] = {
    "missing": (1, 1),
    "abs": (1, 1),
    "least": (2, 20),
    "greatest": (2, 20),
}


def compile_check(text: str, types: Types, where: str) -> pl.Expr:
    """Compile a condition over fields of ``types``; the result is true, false or null per row.

    Raises UserError EXPR-* (syntax), CON-FIELD (unknown name), CON-CHECK (types do not fit).
    """
    return compile_value(text, types, pl.Boolean(), where)


def compile_value(text: str, types: Types, wanted: pl.DataType, where: str) -> pl.Expr:
    """Compile an expression whose result has the type ``wanted``; errors as in compile_check."""
    compiled = _Compiler(types, where).compile(parse_expression(text, where))
    try:
        found = pl.LazyFrame(schema=dict(types)).select(compiled.alias("_")).collect_schema()["_"]
        pl.DataFrame(schema=dict(types)).select(compiled.alias("_"))
    except pl.exceptions.PolarsError as error:
        raise user_error("CON-CHECK", where, expr=text, detail=str(error).splitlines()[0]) from error
    if found != wanted:
        fail("CON-CHECK", where, expr=text, detail=f"{found}, not {wanted}")
    return compiled


class _Compiler:
    def __init__(self, types: Types, where: str) -> None:
        self.types = types
        self.where = where

    def compile(self, node: Node) -> pl.Expr:  # noqa: PLR0911 - one case per node kind
        match node:
            case Const(value=value):
                return pl.lit(value)
            case Name(id=name):
                return self._field(name)
            case Unary(op="-", operand=operand):
                return -self.compile(operand)
            case Unary(operand=operand):
                return self.compile(operand).not_()
            case Binary():
                return self._binary(node)
            case Compare():
                return self._compare(node)
            case Logic(op=op, parts=parts):
                return reduce(and_ if op == "and" else or_, [self.compile(part) for part in parts])
            case Choose(test=test, then=then, other=other):
                chosen = pl.when(self.compile(test)).then(self.compile(then))
                return chosen.otherwise(self.compile(other))
            case Call(function=function, args=args):
                return self._call(function, args)
            case _:
                return self._refuse(type(node).__name__)

    def _field(self, name: str) -> pl.Expr:
        if name not in self.types:
            fail("CON-FIELD", self.where, field=name, known=", ".join(self.types))
        return pl.col(name)

    def _binary(self, node: Binary) -> pl.Expr:
        left, right = self.compile(node.left), self.compile(node.right)
        if node.op in _ARITHMETIC:
            result: pl.Expr = _ARITHMETIC[node.op](left, right)
            return result
        if node.op == "/":
            return pl.when(right != 0).then(left / right)
        return self._refuse(node.op)

    def _compare(self, node: Compare) -> pl.Expr:
        if isinstance(node.right, Items):
            options = [option.value for option in node.right.items if isinstance(option, Const)]
            if len(options) != len(node.right.items):
                return self._refuse("in [...]")
            found = self.compile(node.left).is_in(options)
            return found.not_() if node.op == "not-in" else found
        if node.op not in _COMPARE:
            return self._refuse(node.op)
        result: pl.Expr = _COMPARE[node.op](
            self._side(node.left, node.right), self._side(node.right, node.left)
        )
        return result

    def _side(self, node: Node, other: Node) -> pl.Expr:
        beside_date = isinstance(other, Name) and self.types.get(other.id) == pl.Date()
        if isinstance(node, Const) and isinstance(node.value, str) and beside_date:
            try:
                return pl.lit(date.fromisoformat(node.value))
            except ValueError as error:
                raise user_error("CON-CHECK", self.where, expr=node.value, detail="YYYY-MM-DD") from error
        return self.compile(node)

    def _call(self, function: str, args: tuple[Node, ...]) -> pl.Expr:
        low, high = _FUNCTIONS.get(function, (1, 0))
        if not low <= len(args) <= high:
            return self._refuse(f"{function}({len(args)}); {', '.join(_FUNCTIONS)}")
        values = [self.compile(arg) for arg in args]
        if function == "missing":
            return values[0].is_null()
        if function == "abs":
            return values[0].abs()
        return pl.min_horizontal(values) if function == "least" else pl.max_horizontal(values)

    def _refuse(self, detail: str) -> pl.Expr:
        fail("CON-CHECK", self.where, expr=detail, detail="not available in checks")
