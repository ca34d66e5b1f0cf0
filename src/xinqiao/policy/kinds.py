"""Static types and units of policy expressions, checked once when a policy is loaded.

A number carries its unit as powers of base units (CNY, month, ...): sums and comparisons need
equal units, products and quotients combine them, a ratio has none. A number written in the text
takes the unit of what it stands beside, so ``sales < 120000`` needs no conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from xinqiao.kernel.errors import UserError, fail, user_error
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
)
from xinqiao.policy.format import TypeName

Base = Literal["number", "text", "grade", "bool", "date"]
Unit = tuple[tuple[str, int], ...]
CNY: Unit = (("CNY", 1),)
MAX_POWER = 6


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value; ``free`` marks a written number that takes any unit."""

    base: Base
    unit: Unit = ()
    free: bool = False
    values: frozenset[str] | None = None

    def __str__(self) -> str:
        if self.base != "number":
            return self.base
        powers = " ".join(u if n == 1 else f"{u}^{n}" for u, n in self.unit)
        return f"number [{powers or '1'}]"


BOOL = Kind("bool")


def declared(type_name: TypeName, unit: str | None, values: list[str] | None = None) -> Kind:
    """The kind of a declared ``type`` and ``unit``."""
    match type_name:
        case "money":
            return Kind("number", CNY)
        case "ratio":
            return Kind("number")
        case "number" | "integer":
            return Kind("number", ((unit, 1),) if unit else ())
        case "text":
            return Kind("text", values=frozenset(values) if values is not None else None)
        case "grade" | "bool" | "date":
            return Kind(type_name)


def _combine(left: Unit, right: Unit, sign: int) -> Unit:
    powers = dict(left)
    for unit, power in right:
        powers[unit] = powers.get(unit, 0) + sign * power
    return tuple(sorted((unit, power) for unit, power in powers.items() if power))


class Checker:
    """Infers the kind of an expression; ``names`` are the known names, ``grades`` the scale."""

    def __init__(self, names: Mapping[str, Kind], grades: tuple[str, ...]) -> None:
        self.names = names
        self.grades = grades
        self._begin("")

    def infer(self, node: Node, where: str) -> Kind:
        """The kind of ``node``; ``where`` goes into errors.

        Raises UserError POL-NAME, POL-TYPE, POL-UNIT, POL-GRADE or POL-FUNCTION.
        """
        self._begin(where)
        return self._kind(node)

    def expect(self, node: Node, kind: Kind, where: str) -> None:
        """Check that ``node`` can stand where ``kind`` is needed."""
        self._begin(where)
        self._match(node, self._kind(node), kind)

    def _begin(self, where: str) -> None:
        self._where = where
        self._found: dict[int, Kind] = {}  # by identity; else deep expressions take exponential time

    def _at(self, node: Node) -> str:
        return f"{self._where}:{node.column}"

    def _type_error(self, node: Node, detail: str) -> UserError:
        return user_error("POL-TYPE", self._at(node), detail=detail)

    def _kind(self, node: Node) -> Kind:
        if id(node) not in self._found:
            self._found[id(node)] = self._infer(node)
        return self._found[id(node)]

    def _infer(self, node: Node) -> Kind:  # noqa: C901, PLR0911, PLR0912 - one branch per node kind
        match node:
            case Const(value=bool()):
                return BOOL
            case Const(value=int() | float()):
                return Kind("number", free=True)
            case Const(value=str() as text):
                return Kind("text", values=frozenset((text,)))
            case Name(id=name):
                if name not in self.names:
                    fail("POL-NAME", self._at(node), detail=name)
                return self.names[name]
            case Unary(op="-", operand=operand):
                return self._number(operand)
            case Unary(operand=part):
                self._bool(part)
                return BOOL
            case Logic(parts=parts):
                for part in parts:
                    self._bool(part)
                return BOOL
            case Compare():
                return self._compare(node)
            case Binary():
                return self._binary(node)
            case Choose(test=test, then=then, other=other):
                self._bool(test)
                return self._choice(then, other)
            case Call(function=function, args=args):
                return self._call(node, function, args)
            case _:
                raise self._type_error(node, "a list stands only to the right of 'in'")

    def _number(self, node: Node) -> Kind:
        kind = self._kind(node)
        if kind.base != "number":
            raise self._type_error(node, f"{kind} where a number is needed")
        return kind

    def _bool(self, node: Node) -> None:
        kind = self._kind(node)
        if kind.base != "bool":
            raise self._type_error(node, f"{kind} where a condition is needed")

    def _binary(self, node: Binary) -> Kind:
        left, right = self._number(node.left), self._number(node.right)
        match node.op:
            case "+" | "-":
                return self._same((node.left, node.right))
            case "*" | "/":
                sign = 1 if node.op == "*" else -1
                return Kind("number", _combine(left.unit, right.unit, sign), left.free and right.free)
            case _:
                return self._power(node, left)

    def _power(self, node: Binary, base: Kind) -> Kind:
        exponent = node.right
        if not (isinstance(exponent, Const) and type(exponent.value) is int):
            raise self._type_error(exponent, "an exponent is a written whole number")
        if not 0 <= exponent.value <= MAX_POWER:
            raise self._type_error(exponent, f"an exponent is between 0 and {MAX_POWER}")
        powers = tuple((unit, power * exponent.value) for unit, power in base.unit if exponent.value)
        return replace(base, unit=powers)

    def _compare(self, node: Compare) -> Kind:
        rights = node.right.items if isinstance(node.right, Items) else (node.right,)
        if (node.op in ("in", "not-in")) != isinstance(node.right, Items):
            raise self._type_error(node, "'in' needs a list on its right, other comparisons a value")
        for right in rights:
            kind = self._same((node.left, right))
            if node.op in ("<", "<=", ">", ">=") and kind.base not in ("number", "date"):
                raise self._type_error(node, f"{kind} has no order; use worse_than or better_than for grades")
        return BOOL

    def _same(self, nodes: tuple[Node, ...]) -> Kind:
        """The common kind of ``nodes``; written values take the kind of the others."""
        kinds = [self._kind(node) for node in nodes]
        firm = [k for k, n in zip(kinds, nodes, strict=True) if not k.free and not isinstance(n, Const)]
        if not firm and kinds[0].base == "text":
            firm = [Kind("text")]
        want = firm[0] if firm else kinds[0]
        for node, kind in zip(nodes, kinds, strict=True):
            self._match(node, kind, want)
        return want

    def _choice(self, then: Node, other: Node) -> Kind:
        """The kind of a choice; a chosen text may be any value of either side."""
        kinds = (self._kind(then), self._kind(other))
        if any(kind.base != "text" for kind in kinds):
            return self._same((then, other))
        if any(kind.values is None for kind in kinds):
            return Kind("text")
        return Kind("text", values=frozenset().union(*(kind.values or () for kind in kinds)))

    def _match(self, node: Node, kind: Kind, want: Kind) -> None:
        if isinstance(node, Const) and isinstance(node.value, str) and want.base in ("grade", "date", "text"):
            self._written(node, node.value, want)
        elif kind.base != want.base:
            raise self._type_error(node, f"{kind} where {want} is needed")
        elif kind.base == "number" and kind.unit != want.unit and not (kind.free or want.free):
            fail("POL-UNIT", self._at(node), detail=f"{kind} / {want}")

    def _written(self, node: Node, text: str, want: Kind) -> None:
        """A written text must be a known grade, a real date or a listed value."""
        if want.base == "grade" and text not in self.grades:
            fail("POL-GRADE", self._at(node), grade=text, known=", ".join(self.grades))
        if want.base == "date" and not _is_date(text):
            raise self._type_error(node, f"{text!r} is not a date like 2020-12-31")
        if want.base == "text" and want.values is not None and text not in want.values:
            raise self._type_error(
                node, f"{text!r} is never the value; listed: {', '.join(sorted(want.values))}"
            )

    def _call(self, node: Node, function: str, args: tuple[Node, ...]) -> Kind:
        if function not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            fail("POL-FUNCTION", self._at(node), detail=f"{function}(); {known}")
        least, most, rule = FUNCTIONS[function]
        if not least <= len(args) <= most:
            fail("POL-FUNCTION", self._at(node), detail=f"{function}() with {len(args)} arguments")
        return rule(self, args)

    def of_missing(self, args: tuple[Node, ...]) -> Kind:
        """``missing(name)``: a condition that is never unknown."""
        if not isinstance(args[0], Name):
            fail("POL-FUNCTION", self._at(args[0]), detail="missing() takes one name")
        self._kind(args[0])
        return BOOL

    def of_numbers(self, args: tuple[Node, ...]) -> Kind:
        """A function of numbers of one unit, giving that unit."""
        for arg in args:
            self._number(arg)
        return self._same(args)

    def of_grades(self, args: tuple[Node, ...]) -> Kind:
        """A condition on two grades."""
        for arg in args:
            self._match(arg, self._kind(arg), Kind("grade"))
        return BOOL


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_Rule = Callable[[Checker, tuple[Node, ...]], Kind]
FUNCTIONS: dict[str, tuple[int, int, _Rule]] = {
    "missing": (1, 1, Checker.of_missing),
    "min": (2, 16, Checker.of_numbers),
    "max": (2, 16, Checker.of_numbers),
    "abs": (1, 1, Checker.of_numbers),
    "round_down": (2, 2, Checker.of_numbers),
    "round_half_up": (2, 2, Checker.of_numbers),
    "worse_than": (2, 2, Checker.of_grades),
    "better_than": (2, 2, Checker.of_grades),
}
"""Function name -> fewest and most arguments, and the rule that types it."""
