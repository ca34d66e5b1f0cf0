"""Expressions written as straight-line Python under three-valued logic (Kleene 1938).

``None`` is a missing value or an unknown condition. A comparison with a missing value is unknown;
arithmetic on one is missing, and so are division by zero and overflow; only ``missing(x)`` sees it.

Numbers are Decimals of 34 digits, with one short cut: an input given as a float and a written number
are compared as floats. Both orders are the same, for every decimal that is the shortest form of a
float lies nearer to that float than to any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple

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
)
from xinqiao.policy.codegen import Code
from xinqiao.policy.logic import ARITHMETIC, exact, round_to

Causes = tuple[tuple[str, str], ...]
"""What is missing behind an unknown value, and why: ``(name, reason code)``, each once."""

WHOLE = 2**53
"""Up to here every whole number is a float, and written out by it in full."""

_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": ARITHMETIC.add,
    "-": ARITHMETIC.subtract,
    "*": ARITHMETIC.multiply,
    "/": ARITHMETIC.divide,
    "**": ARITHMETIC.power,
}


class Expr(NamedTuple):
    """Python text of a value, and whether that value can be None."""

    text: str
    nullable: bool


@dataclass(slots=True)
class Local:
    """How the code calls the value of a name.

    ``raw`` is the value as given or worked out, ``exact`` the same with numbers as Decimals,
    ``shown`` its JSON, ``causes`` what is missing behind it. ``floating``: ``raw`` is a float.
    """

    raw: str
    exact: str
    shown: str
    causes: str
    floating: bool = False
    used_exactly: bool = False


def merge(*parts: Causes) -> Causes:
    """All causes of ``parts``, each once, first come first."""
    return tuple(dict.fromkeys(cause for part in parts for cause in part))


class Straight:
    """Writes expressions into ``code``; ``rank`` gives each grade its place, best first."""

    def __init__(self, code: Code, names: Mapping[str, Local], rank: Mapping[str, int]) -> None:
        self.code = code
        self.names = names
        self.rank = rank
        self._known: dict[int, Expr] = {}  # by identity: the sides of a chain are one node
        code.constants |= {"MISSED": DecimalException, "merge": merge, "RANK": dict(rank)}

    def value(self, node: Node) -> Expr:
        """Write what works out ``node``, and return where its value is; numbers are Decimals."""
        if id(node) not in self._known:
            self._known[id(node)] = self._value(node)
        return self._known[id(node)]

    def causes(self, node: Node, own: str) -> str:
        """What is missing behind ``node``, whose value was written; nothing where it is known.

        ``own`` stands for a place where known values give none (division by zero).
        """
        if isinstance(node, Name):
            return self.names[node.id].causes
        place = self.value(node)
        if not place.nullable:
            return "()"
        found = self._behind(node, own)
        return f"(() if {place.text} is not None else {found} or {own})"

    def _behind(self, node: Node, own: str) -> str:
        if isinstance(node, Choose):
            test = self.value(node.test)
            chosen = f"{self.causes(node.then, own)} if {test.text} else {self.causes(node.other, own)}"
            first = f"{self.causes(node.test, own)} if {test.text} is None else " if test.nullable else ""
            return f"({first}{chosen})"
        found = [self.causes(part, own) for part in _parts(node)]
        found = [each for each in dict.fromkeys(found) if each != "()"]
        return f"merge({', '.join(found)})" if len(found) > 1 else "".join(found) or "()"

    # values -----------------------------------------------------------------------------------

    def _value(self, node: Node) -> Expr:  # noqa: PLR0911 - one return per node kind
        match node:
            case Name(id=name):
                local = self.names[name]
                local.used_exactly = True
                return Expr(local.exact, nullable=True)
            case Const() | Unary(op="-", operand=Const()):
                return Expr(self._constant(written(node)), nullable=False)
            case Logic(op=op, parts=parts):
                return self._logic(op, [self.value(part) for part in parts])
            case Compare():
                return self._compare(node)
            case Unary(op=op, operand=operand):
                form = "not {}" if op == "not" else f"{self._constant(ARITHMETIC.minus)}({{}})"
                return self._strictly(form, self.value(operand))
            case Binary(op=op, left=left, right=right):
                return self._guarded(_OPERATIONS[op], self.value(left), self.value(right))
            case Choose(test=test, then=then, other=other):
                return self._choose(self.value(test), then, other)
            case Call(function=function, args=args):
                return self._call(function, args)
            case _:
                message = f"cannot be written: {node}"  # the checker lets no such policy through
                raise TypeError(message)

    def _constant(self, value: object) -> str:
        return repr(value) if isinstance(value, bool) else self.code.constant(value)

    def _keep(self, text: str, *, nullable: bool) -> Expr:
        name = self.code.fresh("t")
        self.code.add(f"{name} = {text}")
        return Expr(name, nullable)

    def _strictly(self, form: str, *parts: Expr) -> Expr:
        """``form`` filled with ``parts``, None as soon as one of them is."""
        gaps = _any_none(parts)
        text = form.format(*(part.text for part in parts))
        return self._keep(f"None if {gaps} else {text}" if gaps else text, nullable=bool(gaps))

    def _guarded(self, function: Callable[..., Decimal], *parts: Expr) -> Expr:
        """A call that may have no result."""
        name, gaps = self.code.fresh("t"), _any_none(parts)
        call = f"{self._constant(function)}({', '.join(part.text for part in parts)})"
        with self.code.block("try:"):
            self.code.add(f"{name} = None if {gaps} else {call}" if gaps else f"{name} = {call}")
        with self.code.block("except MISSED:"):
            self.code.add(f"{name} = None")
        return Expr(name, nullable=True)

    def _logic(self, op: str, parts: list[Expr]) -> Expr:
        gaps = _any_none(parts)
        if op == "and":
            decided, word = " or ".join(f"{part.text} is False" for part in parts), "False"
        else:
            decided, word = " or ".join(part.text for part in parts), "True"
        last = "True" if op == "and" else "False"
        unknown = f"None if {gaps} else " if gaps else ""
        return self._keep(f"{word} if {decided} else {unknown}{last}", nullable=bool(gaps))

    def _choose(self, test: Expr, then: Node, other: Node) -> Expr:
        name = self.code.fresh("t")
        nullable = test.nullable
        for head, branch in ((f"if {test.text}:", then), (f"elif {test.text} is False:", other)):
            with self.code.block(head):
                found = self.value(branch)
                nullable |= found.nullable
                self.code.add(f"{name} = {found.text}")
        with self.code.block("else:"):
            self.code.add(f"{name} = None")
        return Expr(name, nullable)

    # comparisons ------------------------------------------------------------------------------

    def _compare(self, node: Compare) -> Expr:
        if isinstance(node.right, Items):
            return self._among(node.left, node.right.items, negated=node.op == "not-in")
        return self._sides(node.op, node.left, node.right)

    def _sides(self, op: str, left: Node, right: Node) -> Expr:
        a, b = self._float(left), self._float(right)
        if a is None or b is None:
            a, b = self.value(left), self.value(right)
        return self._strictly(f"{{}} {op} {{}}", a, b)

    def _among(self, left: Node, items: tuple[Node, ...], *, negated: bool) -> Expr:
        word = "not in" if negated else "in"
        if all(isinstance(item, Const) for item in items):
            listed: frozenset[Any] = frozenset(written(item) for item in items)
            place = self._float(left)
            if place is None or any(self._float(item) is None for item in items):
                place = self.value(left)
            else:
                listed = frozenset(float(item) for item in listed)
            return self._strictly(f"{{}} {word} {self._constant(listed)}", place)
        equal = [self._sides("==", left, item) for item in items]
        found = self._logic("or", equal)
        sides = [self.value(left), found] if found.nullable else [self.value(left)]
        known = "not " if negated else ""
        return self._keep(f"None if {_any_none(sides)} else {known}{found.text}", nullable=True)

    def _float(self, node: Node) -> Expr | None:
        """``node`` as a float, when its exact value is the shortest decimal of one."""
        match node:
            case Name(id=name) if self.names[name].floating:
                return Expr(self.names[name].raw, nullable=True)
            case Const(value=value) | Unary(op="-", operand=Const(value=value)):
                if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) > WHOLE):
                    return None
                return Expr(repr(float(-value if isinstance(node, Unary) else value)), nullable=False)
        return None

    # functions --------------------------------------------------------------------------------

    def _call(self, function: str, args: tuple[Node, ...]) -> Expr:
        if function == "missing" and isinstance(args[0], Name):
            return self._keep(f"{self.names[args[0].id].raw} is None", nullable=False)
        if function in ("worse_than", "better_than"):
            return self._ranks(">" if function == "worse_than" else "<", args)
        values = [self.value(arg) for arg in args]
        match function:
            case "min" | "max":
                return self._strictly(f"{function}({', '.join('{}' for _ in values)})", *values)
            case "abs":
                return self._guarded(ARITHMETIC.abs, *values)
            case _:
                rounding = _round_down if function == "round_down" else _round_half_up
                return self._guarded(rounding, *values)

    def _ranks(self, op: str, args: tuple[Node, ...]) -> Expr:
        forms, values = [], []
        for arg in args:
            if isinstance(arg, Const):
                forms.append(str(self.rank[str(arg.value)]))
            else:
                forms.append("RANK[{}]")
                values.append(self.value(arg))
        return self._strictly(f" {op} ".join(forms), *values)


def written(node: Node) -> Decimal | str | bool:
    """The value of a written constant or its negative, numbers exact as written."""
    match node:
        case Const(value=bool() | str() as plain):
            return plain
        case Const(value=number):
            return exact(number)
        case Unary(operand=operand):
            return ARITHMETIC.minus(Decimal(written(operand)))
    raise TypeError(node)


def _parts(node: Node) -> Iterable[Node]:
    for child in children(node):
        yield from child.items if isinstance(child, Items) else (child,)


def _any_none(parts: Iterable[Expr]) -> str:
    return " or ".join(dict.fromkeys(f"{part.text} is None" for part in parts if part.nullable))


def _round_down(value: Decimal, step: Decimal) -> Decimal:
    return round_to(value, step, "down")


def _round_half_up(value: Decimal, step: Decimal) -> Decimal:
    return round_to(value, step, "half_up")
