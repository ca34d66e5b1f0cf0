"""Trees of a policy written out for engines that have two truth values and stop or guess on null.

A condition becomes two conditions, true and false, that are never both so; what is neither is
unknown. An expression becomes a test whether it has a value and the value where it has one. So each
peer is told our rule for missing values in its own words instead of following its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

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
)
from xinqiao.policy.compiled import DeriveStep, Policy, TableStep, needs

NOT_COMPUTABLE = "NOT_COMPUTABLE"
SEVERITY = {"ignore": 0, "refer": 1, "reject": 2}
YES, NO = "true", "false"  # both peers write them so
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Dialect(ABC):
    """The words of one peer. Values handed to it are known and of the right type."""

    both: str
    either: str

    @abstractmethod
    def name(self, name: str) -> str:
        """A value of the policy."""

    @abstractmethod
    def reason(self, name: str) -> str:
        """The reason code of a missing input."""

    @abstractmethod
    def cause(self, name: str, atom: str) -> str:
        """Whether ``atom`` is among the causes that leave the derived ``name`` without a value."""

    @abstractmethod
    def number(self, value: Decimal) -> str:
        """A written number."""

    @abstractmethod
    def text(self, value: str) -> str:
        """A written text."""

    @abstractmethod
    def known(self, value: str) -> str:
        """The value is not null."""

    @abstractmethod
    def compare(self, op: str, left: str, right: str, base: str) -> str:
        """A comparison of two values of one base type (number, text, bool)."""

    @abstractmethod
    def member(self, value: str, items: Sequence[str]) -> str:
        """Whether a known value is one of the written ``items``."""

    @abstractmethod
    def arithmetic(self, op: str, left: str, right: str) -> str:
        """One of + - * /."""

    @abstractmethod
    def negative(self, value: str) -> str:
        """A number with its sign turned."""

    @abstractmethod
    def negate(self, condition: str) -> str:
        """Logical not."""

    @abstractmethod
    def choose(self, condition: str, then: str, other: str) -> str:
        """A choice."""

    @abstractmethod
    def greatest(self, values: Sequence[str]) -> str:
        """The greatest of several numbers of the policy; also of severities (see ``severest``)."""

    @abstractmethod
    def least(self, values: Sequence[str]) -> str:
        """The least of several numbers."""

    @abstractmethod
    def rounded(self, value: str, step: str, mode: str) -> str:
        """A number rounded to a multiple of ``step`` (modes of ``policy.format.Rounding``)."""

    @abstractmethod
    def severest(self, values: Sequence[str]) -> str:
        """The greatest of several severities (0, 1, 2)."""

    @abstractmethod
    def rank(self, grade: str) -> str:
        """The place of a grade, best first."""

    def every(self, parts: Iterable[str]) -> str:
        """All of ``parts``."""
        left = [p for p in dict.fromkeys(parts) if p != YES]
        if NO in left:
            return NO
        return f"({self.both.join(left)})" if len(left) > 1 else (left or [YES])[0]

    def some(self, parts: Iterable[str]) -> str:
        """At least one of ``parts``."""
        left = [p for p in dict.fromkeys(parts) if p != NO]
        if YES in left:
            return YES
        return f"({self.either.join(left)})" if len(left) > 1 else (left or [NO])[0]

    def no(self, condition: str) -> str:
        """Logical not, of constants too."""
        return {YES: NO, NO: YES}.get(condition) or self.negate(condition)


class Formula:
    """Writes the trees of ``policy`` in a dialect."""

    def __init__(self, policy: Policy, dialect: Dialect) -> None:
        self.policy = policy
        self.say = dialect

    # conditions -------------------------------------------------------------------------------

    def true(self, node: Node) -> str:
        """The condition that ``node`` is definitely true."""
        return self._truth(node, wanted=True)

    def false(self, node: Node) -> str:
        """The condition that ``node`` is definitely false."""
        return self._truth(node, wanted=False)

    def unknown(self, node: Node) -> str:
        """The condition that ``node`` is neither."""
        return self.say.every([self.say.no(self.true(node)), self.say.no(self.false(node))])

    def _truth(self, node: Node, *, wanted: bool) -> str:  # noqa: PLR0911 - one return per node kind
        say = self.say
        match node:
            case Const(value=value):
                return YES if value is wanted else NO
            case Name(id=name):
                return say.every(
                    [
                        say.known(say.name(name)),
                        say.compare("==", say.name(name), YES if wanted else NO, "bool"),
                    ]
                )
            case Unary(operand=part):
                return self._truth(part, wanted=not wanted)
            case Logic(op=op, parts=parts):
                gather = say.every if (op == "and") is wanted else say.some
                return gather(self._truth(part, wanted=wanted) for part in parts)
            case Choose(test=test, then=then, other=other):
                return say.some(
                    say.every([side, self._truth(part, wanted=wanted)])
                    for side, part in ((self.true(test), then), (self.false(test), other))
                )
            case Compare():
                return self._compare(node, wanted=wanted)
            case Call(function="missing", args=(Name(id=name),)):
                known = say.known(say.name(name))
                return say.no(known) if wanted else known
            case Call(function=function, args=args):
                op = ">" if function == "worse_than" else "<"
                ranks = [say.rank(self.value(arg)) for arg in args]
                order = say.compare(op if wanted else OPPOSITE[op], ranks[0], ranks[1], "rank")
                return say.every([*map(self.known, args), order])
            case _:
                raise TypeError(node)

    def _compare(self, node: Compare, *, wanted: bool) -> str:
        say = self.say
        if not isinstance(node.right, Items):
            base = self._base(node.left) or self._base(node.right) or "text"
            op = node.op if wanted else OPPOSITE[node.op]
            test = say.compare(op, self.value(node.left, base), self.value(node.right, base), base)
            return say.every([self.known(node.left), self.known(node.right), test])
        inside = (node.op == "in") is wanted
        if all(isinstance(item, Const) for item in node.right.items):
            base = self._base(node.left) or "text"
            test = say.member(self.value(node.left, base), [self.value(i, base) for i in node.right.items])
            return say.every([self.known(node.left), test if inside else say.no(test)])
        equal = [Compare(node.column, "==", node.left, item) for item in node.right.items]
        tests = [self._compare(test, wanted=inside) for test in equal]
        return say.every([self.known(node.left), say.some(tests) if inside else say.every(tests)])

    def _is_condition(self, node: Node) -> bool:
        match node:
            case Logic() | Compare() | Unary(op="not") | Const(value=bool()):
                return True
            case Call(function=function):
                return function in {"missing", "worse_than", "better_than"}
            case Name(id=name):
                return self.policy.kinds[name].base == "bool"
            case Choose(then=then):
                return self._is_condition(then)
            case _:
                return False

    def _base(self, node: Node) -> str:
        """number, text, grade, date, bool; nothing for a written text, which takes the other side's."""
        match node:
            case Name(id=name):
                return self.policy.kinds[name].base
            case Const(value=str()):
                return ""
            case Choose(then=then, other=other):
                return self._base(then) or self._base(other)
            case _:
                return "bool" if self._is_condition(node) else "number"

    # values -----------------------------------------------------------------------------------

    def known(self, node: Node) -> str:
        """The condition that ``node`` has a value."""
        say = self.say
        if isinstance(node, Name):
            return say.known(say.name(node.id))
        if self._is_condition(node):
            return say.some([self.true(node), self.false(node)])
        if isinstance(node, Choose):
            sides = ((self.true(node.test), node.then), (self.false(node.test), node.other))
            return say.some(say.every([side, self.known(part)]) for side, part in sides)
        parts = [self.known(part) for part in children(node)]
        if isinstance(node, Binary) and node.op == "/" and not isinstance(node.right, Const):
            parts.append(say.compare("!=", self.value(node.right), say.number(Decimal(0)), "number"))
        return say.every(parts)

    def value(self, node: Node, base: str = "") -> str:  # noqa: C901, PLR0911 - one return per node kind
        """The value of ``node`` where ``known`` holds; ``base`` tells a written date from a text."""
        say = self.say
        if self._is_condition(node) and not isinstance(node, Name):
            return self.true(node)
        match node:
            case Name(id=name):
                return say.name(name)
            case Const(value=str() as text) if base == "date":
                return say.number(Decimal(text.replace("-", "")))
            case Const(value=str() as text):
                return say.text(text)
            case Const(value=number):
                return say.number(Decimal(repr(number)))
            case Unary(operand=operand):
                return say.negative(self.value(operand))
            case Binary(op="**", left=left, right=Const(value=int() as power)):
                return self._power(self.value(left), power)
            case Binary(op=op, left=left, right=right):
                return say.arithmetic(op, self.value(left), self.value(right))
            case Choose(test=test, then=then, other=other):
                return say.choose(self.true(test), self.value(then, base), self.value(other, base))
            case Call(function=function, args=args):
                return self._call(function, [self.value(arg) for arg in args])
            case _:
                raise TypeError(node)

    def _power(self, base: str, power: int) -> str:
        product = self.say.number(Decimal(1)) if power == 0 else base
        for _ in range(power - 1):
            product = self.say.arithmetic("*", product, base)
        return product

    def _call(self, function: str, args: list[str]) -> str:
        match function:
            case "min":
                return self.say.least(args)
            case "max":
                return self.say.greatest(args)
            case "abs":
                return self.say.greatest([args[0], self.say.negative(args[0])])
            case _:
                return self.say.rounded(args[0], args[1], function.removeprefix("round_"))

    # what is to blame -------------------------------------------------------------------------

    def blames(self, node: Node) -> dict[str, str]:
        """Cause -> the condition that it leaves ``node`` unknown; "" is known values without a result."""
        say = self.say
        if isinstance(node, Name):
            gone = say.no(say.known(say.name(node.id)))
            if node.id in self.policy.file.inputs:
                return {node.id: gone}
            return {atom: say.every([gone, say.cause(node.id, atom)]) for atom in self.atoms(node.id)}
        unknown = say.no(self.known(node))
        found: dict[str, list[str]] = {"": []}
        for condition, part in self._blamed_parts(node):
            for atom, test in self.blames(part).items():
                found.setdefault(atom, []).append(say.every([condition, test]))
        nobody = say.no(say.some(test for tests in found.values() for test in tests))
        found[""].append(nobody)
        return {atom: say.every([unknown, say.some(tests)]) for atom, tests in found.items()}

    def _blamed_parts(self, node: Node) -> list[tuple[str, Node]]:
        if isinstance(node, Choose):
            test = node.test
            sides = ((self.unknown(test), test), (self.true(test), node.then), (self.false(test), node.other))
            return list(sides)
        if isinstance(node, Compare) and isinstance(node.right, Items):
            return [(YES, part) for part in (node.left, *node.right.items)]
        return (
            []
            if isinstance(node, Call) and node.function == "missing"
            else [(YES, p) for p in children(node)]
        )

    def atoms(self, name: str) -> tuple[str, ...]:
        """What may be the cause that ``name`` has no value: inputs, and results of known values."""
        if name in self.policy.file.inputs:
            return (name,)
        step = next(step for step in self.policy.steps if name in made_by(step))
        return tuple(dict.fromkeys([*(atom for need in needs(step) for atom in self.atoms(need)), name]))

    def effect(self, if_missing: Mapping[str, str], blamed: Mapping[str, str]) -> str:
        """The severest outcome written for any of the blamed causes."""
        fixed = {SEVERITY[outcome] for outcome in if_missing.values()}
        if len(fixed) == 1:
            return str(fixed.pop())
        return self.say.severest(
            [self.say.choose(test, self._severity(if_missing, atom), "0") for atom, test in blamed.items()]
        )

    def _severity(self, if_missing: Mapping[str, str], atom: str) -> str:
        other = str(SEVERITY[if_missing["else"]])
        if atom not in self.policy.file.inputs:
            return str(SEVERITY[if_missing.get(NOT_COMPUTABLE, if_missing["else"])])
        said = other
        for reason, outcome in if_missing.items():
            if reason != "else":
                test = self.say.compare("==", self.say.reason(atom), self.say.text(reason), "text")
                said = self.say.choose(test, str(SEVERITY[outcome]), said)
        return said


def caused(policy: Policy) -> set[str]:
    """The derived names and table outputs whose causes some outcome hangs on, by missing reason."""
    made = {out: step for step in policy.steps for out in made_by(step)}
    open_ = [name for step in policy.rules if _tells(step.rule.if_missing) for name in names(step.tree)]
    for step in policy.steps:
        if isinstance(step, TableStep) and _tells(step.table.if_missing):
            open_ += [*step.table.outputs, *step.table.inputs]
    found: set[str] = set()
    while open_:
        name = open_.pop()
        if name in made and name not in found:
            found.add(name)
            open_ += needs(made[name])
    return found


def made_by(step: DeriveStep | TableStep) -> tuple[str, ...]:
    """The names a step gives."""
    return tuple(step.table.outputs) if isinstance(step, TableStep) else (step.name,)


def row_tests(condition: Node) -> dict[str, Node]:
    """The tests of a table's row by the column they stand in."""
    return {names(part)[0]: part for part in condition.parts} if isinstance(condition, Logic) else {}


def _tells(if_missing: Mapping[str, str]) -> bool:
    return len(set(if_missing.values())) > 1
