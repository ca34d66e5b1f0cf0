"""Which values an expression can take, given the ranges of its names (interval analysis).

The answer is never too narrow: what it rules out cannot happen. It is exact in the truth of
conditions that compare names with written values, since the values cut each name's range into
pieces that are looked at one by one; sums and products of names are taken as independent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from math import prod

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
    names,
    walk,
)
from xinqiao.policy.axis import written
from xinqiao.policy.kinds import Kind
from xinqiao.policy.logic import ARITHMETIC, Value, apply, kleene_and, kleene_not, kleene_or

MAX_PIECES = 3_000
"""Most combinations of pieces looked at; an expression of more is judged as a whole."""

INFINITE = Decimal("Infinity")
_ENDLESS = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=[])
"""Arithmetic of the ends: the decisions' own, but with infinities."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The values something can take: numbers from ``low`` to ``high``, others one of ``values`` (None: any).

    ``missing``: it can be without a value; ``known``: it can have one.
    """

    low: Decimal = -INFINITE
    high: Decimal = INFINITE
    values: frozenset[Value] | None = None
    missing: bool = False
    known: bool = True
    whole: bool = False

    def join(self, other: Reach) -> Reach:
        """What either can take."""
        if not (self.known and other.known):
            both = other if other.known else self
            return replace(both, missing=self.missing or other.missing)
        values = None if self.values is None or other.values is None else self.values | other.values
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Reach(low, high, values, self.missing or other.missing)


Env = Mapping[str, Reach]
NOTHING = Reach(missing=True, known=False)
EITHER: frozenset[Value] = frozenset((True, False))


def number(low: Decimal, high: Decimal | None = None) -> Reach:
    """A number from ``low`` to ``high``, or just ``low``."""
    return Reach(low, low if high is None else high)


def one_of(*values: Value) -> Reach:
    """One of ``values``."""
    return Reach(values=frozenset(values))


def of_kind(kind: Kind, grades: Iterable[str], *, missing: bool) -> Reach:
    """All values of a kind."""
    match kind.base:
        case "grade":
            return Reach(values=frozenset(grades), missing=missing)
        case "bool":
            return Reach(values=EITHER, missing=missing)
        case "text" if kind.values is not None:
            return Reach(values=frozenset(kind.values), missing=missing)
        case _:
            return Reach(missing=missing)


def reach(tree: Node, env: Env, grades: tuple[str, ...]) -> Reach:
    """What ``tree`` can give when every name of it is anywhere in its reach in ``env``."""
    cuts = {name: list(_pieces(name, tree, env[name])) for name in names(tree)}
    if prod(map(len, cuts.values())) > MAX_PIECES:
        cuts = {name: [env[name]] for name in cuts}
    judge = _Judge(grades)
    whole: Reach | None = None
    for pieces in itertools.product(*cuts.values()):
        found = judge.of(tree, dict(zip(cuts, pieces, strict=True)))
        whole = found if whole is None else whole.join(found)
    return whole or NOTHING


def _pieces(name: str, tree: Node, span: Reach) -> Iterator[Reach]:
    """The reach of ``name`` cut at the values it is compared with in ``tree``."""
    calls = (node for node in walk(tree) if isinstance(node, Call) and node.function == "missing")
    if span.missing and any(names(call) == (name,) for call in calls):
        yield NOTHING
        span = replace(span, missing=False)
    if not span.known:
        yield span
        return
    if span.values is not None:
        yield from (replace(span, values=frozenset((value,))) for value in sorted(span.values, key=str))
        return
    points = sorted({point for point in _compared(name, tree) if span.low <= point <= span.high})
    low = span.low
    for point in points:
        yield from _piece(span, low, point.next_minus(ARITHMETIC))
        yield from _piece(span, point, point)
        low = point.next_plus(ARITHMETIC)
    yield from _piece(span, low, span.high)


def _piece(span: Reach, low: Decimal, high: Decimal) -> Iterator[Reach]:
    if span.whole:
        low, high = low.to_integral_value(ROUND_CEILING), high.to_integral_value(ROUND_FLOOR)
    if low <= high:
        yield replace(span, low=low, high=high)


def _compared(name: str, tree: Node) -> Iterator[Decimal]:
    """The written numbers that ``name`` itself is compared with."""
    for node in walk(tree):
        if isinstance(node, Compare):
            sides = (node.left, *(node.right.items if isinstance(node.right, Items) else (node.right,)))
            if any(isinstance(side, Name) and side.id == name for side in sides):
                values = (written(side) for side in sides if isinstance(side, Const))
                yield from (value for value in values if isinstance(value, Decimal))


class _Judge:
    """Evaluates trees over reaches; as decisions do over values."""

    def __init__(self, grades: tuple[str, ...]) -> None:
        self.grades = grades

    def of(self, node: Node, env: Env) -> Reach:  # noqa: C901, PLR0911 - one return per node kind
        match node:
            case Name(id=name):
                return env[name]
            case Const():
                value = written(node)
                return number(value) if isinstance(value, Decimal) else one_of(value)
            case Logic(op=op, parts=parts):
                fold = kleene_and if op == "and" else kleene_or
                return _truths(fold, [self.of(part, env) for part in parts])
            case Unary(op="not", operand=operand):
                return _truths(lambda parts: kleene_not(next(iter(parts))), [self.of(operand, env)])
            case Unary(operand=operand):
                inner = self.of(operand, env)
                return replace(inner, low=-inner.high, high=-inner.low)
            case Compare(op=op, left=left, right=Items(items=items)):
                equal = [_compare("==", self.of(left, env), self.of(item, env)) for item in items]
                found = _truths(kleene_or, equal)
                return found if op == "in" else _truths(lambda parts: kleene_not(next(iter(parts))), [found])
            case Compare(op=op, left=left, right=right):
                return _compare(op, self.of(left, env), self.of(right, env))
            case Binary(op=op, left=left, right=right):
                return _arithmetic(op, self.of(left, env), self.of(right, env))
            case Choose():
                return self._choose(node, env)
            case Call(function=function, args=args):
                return self._call(function, [self.of(arg, env) for arg in args])
        raise AssertionError(node)  # the parser makes no other node

    def _choose(self, node: Choose, env: Env) -> Reach:
        test = self.of(node.test, env)
        ways = [(True, node.then), (False, node.other)]
        found = [self.of(tree, env) for truth, tree in ways if test.known and truth in (test.values or ())]
        if test.missing or not found:
            found.append(NOTHING)
        whole = found[0]
        for each in found[1:]:
            whole = whole.join(each)
        return whole

    def _call(self, function: str, args: list[Reach]) -> Reach:
        if function == "missing":
            seen = ({True} if args[0].missing else set()) | ({False} if args[0].known else set())
            return Reach(values=frozenset(seen))
        if not all(arg.known for arg in args):
            return NOTHING
        missing = any(arg.missing for arg in args)
        if function in ("worse_than", "better_than"):
            left, right = ([self.grades.index(str(v)) for v in arg.values or self.grades] for arg in args)
            pairs = itertools.product(left, right)
            truths = frozenset(a > b if function == "worse_than" else a < b for a, b in pairs)
            return Reach(values=truths, missing=missing)
        return replace(_function(function, args), missing=missing or function.startswith("round"))


def _truths(fold: Callable[[Iterable[bool | None]], bool | None], parts: list[Reach]) -> Reach:
    """The truths that ``fold`` gives over all truths of ``parts``."""
    folded: set[bool | None] = set()
    choices = [_choices(part) for part in parts]
    if prod(map(len, choices)) > MAX_PIECES:
        return Reach(values=EITHER, missing=True)
    for truths in itertools.product(*choices):
        folded.add(fold(truths))
    known = frozenset(folded - {None})
    return Reach(values=known, missing=None in folded, known=bool(known))


def _choices(part: Reach) -> list[bool | None]:
    values = part.values if part.values is not None else EITHER
    known: list[bool | None] = [truth for truth in (True, False) if part.known and truth in values]
    return [*known, None] if part.missing else known


def _compare(op: str, left: Reach, right: Reach) -> Reach:
    if not (left.known and right.known):
        return NOTHING
    missing = left.missing or right.missing
    if left.values is not None and right.values is not None:
        pairs = [a == b for a, b in itertools.product(left.values, right.values)]
        truths = frozenset(pair == (op == "==") for pair in pairs) if op in ("==", "!=") else EITHER
        return Reach(values=truths, missing=missing)
    a, b, c, d = left.low, left.high, right.low, right.high
    can = {
        "<": (a < d, b >= c),
        "<=": (a <= d, b > c),
        ">": (b > c, a <= d),
        ">=": (b >= c, a < d),
        "==": (a <= d and c <= b, not a == b == c == d),
        "!=": (not a == b == c == d, a <= d and c <= b),
    }[op]
    return Reach(
        values=frozenset(t for t, is_so in zip((True, False), can, strict=True) if is_so), missing=missing
    )


def _arithmetic(op: str, left: Reach, right: Reach) -> Reach:
    if not (left.known and right.known):
        return NOTHING
    a, b, c, d = left.low, left.high, right.low, right.high
    if op == "/" and c <= 0 <= d:  # division by zero has no value
        return NOTHING if c == d else Reach(missing=True)
    if op == "**":
        found = _power(a, b, c)
    elif op == "-":
        found = _hull(_OPERATIONS["+"], [(a, -d), (b, -c)])
    else:
        found = _hull(_OPERATIONS[op], [(a, c), (a, d), (b, c), (b, d)])
    return replace(found, missing=left.missing or right.missing)


def _hull(operation: Callable[[Decimal, Decimal], Decimal], pairs: list[tuple[Decimal, Decimal]]) -> Reach:
    """From the least to the greatest of the results at the ends; a result without value says nothing."""
    values = [value for value in (operation(x, y) for x, y in pairs) if not value.is_nan()]
    return number(min(values), max(values)) if values else Reach()


def _times(x: Decimal, y: Decimal) -> Decimal:
    return Decimal(0) if x == 0 or y == 0 else _ENDLESS.multiply(x, y)


_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _ENDLESS.add,
    "*": _times,
    "/": _ENDLESS.divide,
}


def _power(low: Decimal, high: Decimal, exponent: Decimal) -> Reach:
    if exponent == 0:
        return number(Decimal(1))
    ends = [_ENDLESS.power(low, exponent), _ENDLESS.power(high, exponent)]
    if low < 0 < high and exponent % 2 == 0:
        ends.append(Decimal(0))
    return number(min(ends), max(ends))


def _function(function: str, args: list[Reach]) -> Reach:
    lows, highs = [arg.low for arg in args], [arg.high for arg in args]
    match function:
        case "min" | "max":
            pick = min if function == "min" else max
            return number(pick(lows), pick(highs))
        case "abs":
            ends = sorted((abs(lows[0]), abs(highs[0])))
            return number(Decimal(0) if lows[0] <= 0 <= highs[0] else ends[0], ends[1])
        case _:
            return _rounded(function, args)


def _rounded(function: str, args: list[Reach]) -> Reach:
    """A value rounded to a written step; other steps leave it without bound."""
    if args[1].low != args[1].high or args[1].low <= 0:
        return Reach()
    ends = [
        end if end.is_infinite() else apply(function, [end, args[1].low])
        for end in (args[0].low, args[0].high)
    ]
    low, high = (end if end is not None else Decimal("NaN") for end in ends)
    return Reach() if low.is_nan() or high.is_nan() else number(low, high)
