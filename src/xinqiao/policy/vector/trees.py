"""Expressions as operations on columns: what they are, where they are unknown, and who is to blame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

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
from xinqiao.policy.kinds import Base
from xinqiao.policy.vector.numbers import Num, Numbers
from xinqiao.policy.vector.tape import ALL, NONE, Ref, Tape


@dataclass(frozen=True, slots=True)
class Cond:
    """A condition: where it is ``true``, and where it is ``known`` to be true or false."""

    true: Ref
    known: Ref


@dataclass(frozen=True, slots=True)
class Word:
    """A column of texts, grades or dates as whole numbers (see ``Vocabulary``)."""

    codes: Ref
    gone: Ref = NONE


Column = Num | Word | Cond
Blame = dict[str, Ref]
"""Name (empty: known values give none) -> the rows in which it leaves an expression without a value."""


@dataclass(slots=True)
class Vocabulary:
    """Texts as whole numbers: grades by rank, dates by day, other texts in order of first sight."""

    grades: Mapping[str, int]
    texts: dict[str, int]

    def code(self, base: Base, text: str) -> int:
        """The number of ``text``, which must be of its kind."""
        match base:
            case "grade":
                return self.grades[text]
            case "date":
                return date.fromisoformat(text).toordinal()
            case _:
                return self.texts.setdefault(text, len(self.texts))


class Trees:
    """Trees over ``names``, the columns known so far, on one tape."""

    def __init__(self, tape: Tape, vocabulary: Vocabulary, bases: Mapping[str, Base]) -> None:
        self.tape = tape
        self.numbers = Numbers(tape)
        self.vocabulary = vocabulary
        self.bases = bases
        self.names: dict[str, Column] = {}

    # values -----------------------------------------------------------------------------------

    def condition(self, node: Node) -> Cond:
        """The column of a condition."""
        column = self.column(node)
        if isinstance(column, Cond):
            return column
        message = f"not a condition: {node}"
        raise TypeError(message)

    def number(self, node: Node) -> Num:
        """The column of a numeric expression."""
        column = self.column(node)
        if isinstance(column, Num):
            return column
        message = f"not a number: {node}"
        raise TypeError(message)

    def unknown(self, column: Column) -> Ref:
        """Where a column has no value."""
        return self.tape.no(column.known) if isinstance(column, Cond) else column.gone

    def false(self, condition: Cond) -> Ref:
        """Where a condition is known to be false."""
        return self.tape.but(condition.known, condition.true)

    def column(self, node: Node, base: Base = "text") -> Column:  # noqa: C901, PLR0911 - one branch per node kind
        """The column of any expression; written texts are of kind ``base``."""
        match node:
            case Name(id=name):
                return self.names[name]
            case Const(value=bool(truth)):
                return Cond(ALL if truth else NONE, ALL)
            case Const(value=str(text)):
                return Word(str(self.vocabulary.code(base, text)))
            case Const(value=int() | float() as number):
                return self.numbers.const(number)
            case Logic(op=op, parts=parts):
                found = [self.condition(part) for part in parts]
                return self._all(found) if op == "and" else self._any(found)
            case Compare():
                return self._compare(node)
            case Unary(op="not", operand=operand):
                return self._not(self.condition(operand))
            case Unary(operand=operand):
                return self.numbers.minus(self.number(operand))
            case Binary(op=op, left=left, right=right):
                return self.numbers.arithmetic(op, self.number(left), self.number(right))
            case Choose(test=test, then=then, other=other):
                kind = self._base((then, other), base)
                return self._choose(self.condition(test), self.column(then, kind), self.column(other, kind))
            case Call(function=function, args=args):
                return self._call(function, args)
            case _:
                message = f"cannot be evaluated: {node}"
                raise TypeError(message)

    def _all(self, parts: Sequence[Cond]) -> Cond:
        true = self.tape.both(*(part.true for part in parts))
        if len({part.known for part in parts}) == 1:
            return Cond(true, parts[0].known)
        return self._of(true, self.tape.either(*(self.false(part) for part in parts)))

    def _any(self, parts: Sequence[Cond]) -> Cond:
        true = self.tape.either(*(part.true for part in parts))
        if len({part.known for part in parts}) == 1:
            return Cond(true, parts[0].known)
        return self._of(true, self.tape.both(*(self.false(part) for part in parts)))

    def _not(self, part: Cond) -> Cond:
        return Cond(self.false(part), part.known)

    def _of(self, true: Ref, false: Ref) -> Cond:
        return Cond(true, self.tape.either(true, false))

    def _compare(self, node: Compare) -> Cond:
        rights = node.right.items if isinstance(node.right, Items) else (node.right,)
        base = self._base((node.left, *rights))
        left = self.column(node.left, base)
        if node.op not in ("in", "not-in"):
            return self._compared(node.op, left, self.column(rights[0], base))
        each = [self._compared("==", left, self.column(item, base)) for item in rights]
        found = self._any(each) if each else Cond(NONE, self.tape.no(self.unknown(left)))
        return found if node.op == "in" else self._not(found)

    def _compared(self, op: str, left: Column, right: Column) -> Cond:
        tape = self.tape
        if isinstance(left, Cond) and isinstance(right, Cond):
            known = tape.both(left.known, right.known)
            same = tape.op("b", f"{_ORDER[op]}({{0}}, {{1}}, out={{out}})", left.true, right.true)
            return Cond(tape.both(same, known), known)
        known = tape.no(tape.either(self.unknown(left), self.unknown(right)))
        if isinstance(left, Num) and isinstance(right, Num):
            true = self.numbers.compare(op, left, right)
        elif isinstance(left, Word) and isinstance(right, Word):
            true = tape.both(self._words(op, left, right), known)
        else:
            raise TypeError(op)
        return Cond(true, known)

    def _words(self, op: str, left: Word, right: Word) -> Ref:
        return self.tape.op("b", f"{_ORDER[op]}({{0}}, {{1}}, out={{out}})", left.codes, right.codes)

    def _choose(self, test: Cond, then: Column, other: Column) -> Column:
        tape = self.tape
        if isinstance(then, Num) and isinstance(other, Num):
            return self.numbers.choose(test.true, self.false(test), then, other)
        no = self.false(test)
        if isinstance(then, Cond) and isinstance(other, Cond):
            known = tape.either(tape.both(test.true, then.known), tape.both(no, other.known))
            return Cond(tape.either(tape.both(test.true, then.true), tape.both(no, other.true)), known)
        if isinstance(then, Word) and isinstance(other, Word):
            gone = (tape.both(test.true, then.gone), tape.both(no, other.gone), self.unknown(test))
            return Word(tape.choose("i", test.true, then.codes, other.codes), tape.either(*gone))
        raise TypeError(then, other)

    def _call(self, function: str, args: tuple[Node, ...]) -> Column:
        if function == "missing":
            gone = self.unknown(self.column(args[0]))
            return Cond(gone, ALL)
        if function in ("worse_than", "better_than"):
            left, right = (self.column(arg, "grade") for arg in args)
            return self._compared(">" if function == "worse_than" else "<", left, right)
        sides = [self.number(arg) for arg in args]
        match function:
            case "min" | "max":
                return reduce(lambda a, b: self.numbers.extreme(function, a, b), sides)
            case "abs":
                return self.numbers.absolute(sides[0])
            case _:
                return self.numbers.rounded("down" if function == "round_down" else "half_up", *sides)

    def _base(self, nodes: Iterable[Node], base: Base = "text") -> Base:
        """The kind of what stands together: written texts take the kind of the others, else ``base``."""
        for node in nodes:
            match node:
                case Name(id=name):
                    return self.bases[name]
                case Choose(then=then, other=other):
                    found = self._base((then, other))
                    if found != "text":
                        return found
        return base

    # blame ------------------------------------------------------------------------------------

    def blame(self, node: Node, where: Ref) -> Blame:
        """The missing names that leave ``node`` without a value, in the rows of ``where``."""
        if isinstance(node, Const):
            return {}
        if isinstance(node, Name):
            rows = self.tape.both(where, self.unknown(self.names[node.id]))
            return {node.id: rows} if rows != NONE else {}
        rows = self.tape.both(where, self.unknown(self.column(node, self._base((node,)))))
        if rows == NONE:
            return {}
        found = merged(self.tape, [self.blame(part, mask) for part, mask in self._parts(node, rows)])
        if isinstance(node, Binary) or (isinstance(node, Call) and node.function.startswith("round")):
            own = self.tape.but(rows, self.tape.either(*found.values()))  # all known, and yet no value
            found[""] = self.tape.either(own, found.get("", NONE))
        return found

    def _parts(self, node: Node, rows: Ref) -> list[tuple[Node, Ref]]:
        if isinstance(node, Choose):
            test = self.condition(node.test)
            masks = (self.unknown(test), test.true, self.false(test))
            parts = (node.test, node.then, node.other)
            return [(part, self.tape.both(rows, mask)) for part, mask in zip(parts, masks, strict=True)]
        if isinstance(node, Compare) and isinstance(node.right, Items):
            return [(part, rows) for part in (node.left, *node.right.items)]
        return [(part, rows) for part in children(node)]


def merged(tape: Tape, parts: Iterable[Blame]) -> Blame:
    """Several blames as one."""
    out: Blame = {}
    for part in parts:
        for name, rows in part.items():
            out[name] = tape.either(out.get(name, NONE), rows)
    return out


_ORDER = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
