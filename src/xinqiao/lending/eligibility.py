"""Hard admission explained (准入): which rule excludes a firm, by which value, and the nearest that passes.

The nearest value is tried on the rule itself before it is told: nobody is sent after a number that would
not help. Where no single value helps, that is said instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.expression import Call, Compare, Const, Items, Logic, Name, Node, Unary
from xinqiao.kernel.text import Text
from xinqiao.lending.screen import REJECT, Check, Hit, Screen, input_names
from xinqiao.policy.case import Inputs
from xinqiao.policy.format import Input
from xinqiao.policy.logic import Given, exact
from xinqiao.policy.straight.statements import written
from xinqiao.policy.wording import MISSING, WORDS, fill, spoken, with_causes

Change = dict[str, Given]
"""New values of inputs that together let a rule pass."""
STEPS = 80
"""Halvings of a search: past the cents of any sum."""
_FAR = Decimal(10) ** 12
_UNIT_STEPS = {
    "money": Decimal(1),
    "ratio": Decimal("0.001"),
    "integer": Decimal(1),
    "number": Decimal("0.01"),
}


@dataclass(frozen=True)
class Needed:
    """An input that stands in the way: its value now, and the nearest that passes (None: not known)."""

    input: str
    source: str
    name: Text
    now: Text
    passes: Text | None
    value: Given = None


@dataclass(frozen=True)
class Barrier:
    """A check that excludes a firm from a product, told when looked at."""

    screen: Screen
    inputs: Inputs
    hit: Hit

    @property
    def check(self) -> Check:
        """The check itself."""
        return self.screen.checks[self.hit.check]

    @property
    def code(self) -> str:
        """The reason code, as in the decision."""
        return self.check.code

    @property
    def name(self) -> Text:
        """What the check is called."""
        return self.check.name

    @cached_property
    def reason(self) -> Text:
        """Why, with the values, in the words of the decision."""
        policy = self.screen.policy
        names = {name: item.name for name, item in policy.items.items()}
        if self.hit.causes:
            text = fill(WORDS["not_evaluated"], name=self.name)
            return with_causes(text, [(names[name], why) for name, why in self.hit.causes if name])
        rule = next((step for step in policy.rules if step.rule.id == self.check.id), None)
        if rule is None:
            return _terms_reason(self)
        values = self.inputs.values
        told = {name: spoken(_exact(values.get(name)), policy.items[name].type) for name in rule.places}
        return fill(rule.rule.reason, **told)

    @cached_property
    def needed(self) -> tuple[Needed, ...]:
        """What would have to be otherwise for this check to pass; empty: no single value would do."""
        found = nearest(self)
        if found is None:
            return ()
        policy = self.screen.policy
        return tuple(
            Needed(
                name,
                policy.file.inputs[name].source,
                policy.file.inputs[name].name,
                _now(self, name),
                _passes(policy.file.inputs[name], value, self),
                value,
            )
            for name, value in found.items()
        )


def barriers(
    screen: Screen, inputs: Inputs, hits: tuple[Hit, ...], severity: int = REJECT
) -> tuple[Barrier, ...]:
    """The checks that speak at least as severely, in the order of the policy."""
    return tuple(Barrier(screen, inputs, hit) for hit in hits if hit.severity >= severity)


def nearest(barrier: Barrier) -> Change | None:
    """The nearest values that let a check pass, tried on the screen itself; None where none was found."""
    if barrier.hit.causes or barrier.check.tree is None:
        return None
    tree = barrier.check.tree
    if barrier.check.kind == "rule":
        change = _passing(barrier, tree, want=False)
        if change and _helps(barrier, change):
            return change
    return _searched(barrier, input_names(barrier.screen.policy, tree))


def _helps(barrier: Barrier, change: Mapping[str, Given]) -> bool:
    """Whether the check is silent with ``change`` made."""
    inputs = Inputs({**barrier.inputs.values, **change}, barrier.inputs.reasons)
    hits = barrier.screen.run(inputs).hits
    return all(hit.check != barrier.hit.check or hit.severity < barrier.hit.severity for hit in hits)


# by reading the rule --------------------------------------------------------------------------


def _passing(  # noqa: PLR0911 - one return per shape
    barrier: Barrier, tree: Node, *, want: bool
) -> Change | None:
    """Changes that give a tree the truth wanted; None where its shape does not tell."""
    match tree:
        case Unary(op="not", operand=operand):
            return _passing(barrier, operand, want=not want)
        case Logic(op=op, parts=parts) if (op == "and") == want:
            found = [_passing(barrier, part, want=want) for part in parts]
            if any(each is None for each in found):
                return None
            return {name: value for each in found if each for name, value in each.items()}
        case Logic(parts=parts):
            options = [each for part in parts if (each := _passing(barrier, part, want=want)) is not None]
            return min(options, key=len, default=None)
        case Name(id=name) if name in barrier.screen.policy.file.inputs:
            return {} if barrier.inputs.values[name] is want else {name: want}
        case Compare(left=Name(id=name), op=op, right=right) if name in barrier.screen.policy.file.inputs:
            return _bound(barrier, name, op, right, want=want)
        case Call(function=("worse_than" | "better_than") as word, args=(Name(id=name), Const(value=grade))):
            return _grade(barrier, word, name, str(grade), want=want)
    return None


_OPPOSITE = {
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "==": "!=",
    "!=": "==",
    "in": "not-in",
    "not-in": "in",
}


def _bound(  # noqa: PLR0911 - one return per comparison
    barrier: Barrier, name: str, op: str, right: Node, *, want: bool
) -> Change | None:
    """The value nearest to a written bound that keeps a comparison as wanted."""
    wish = op if want else _OPPOSITE[op]
    if isinstance(right, Items):
        return _listed(barrier, name, wish, right)
    if not isinstance(right, Const | Unary):
        return None
    try:
        bound = written(right)
    except TypeError:
        return None
    now = _exact(barrier.inputs.values[name])
    if not isinstance(bound, Decimal) or not isinstance(now, Decimal):
        return {name: bound} if wish == "==" else None
    if _holds(now, wish, bound):
        return {}
    step = _step(barrier.screen.policy.file.inputs[name])
    match wish:
        case ">=" | ">":
            value = _grid(bound, step, ROUND_CEILING)
            return {name: float(value + step if wish == ">" and value == bound else value)}
        case "<=" | "<":
            value = _grid(bound, step, ROUND_FLOOR)
            return {name: float(value - step if wish == "<" and value == bound else value)}
    return {name: float(bound)} if wish == "==" else None


def _holds(now: Decimal, op: str, bound: Decimal) -> bool:
    match op:
        case ">=":
            return now >= bound
        case ">":
            return now > bound
        case "<=":
            return now <= bound
        case "<":
            return now < bound
        case "==":
            return now == bound
    return now != bound


def _listed(barrier: Barrier, name: str, wish: str, items: Items) -> Change | None:
    values = [item.value for item in items.items if isinstance(item, Const)]
    inside = barrier.inputs.values[name] in values
    if inside == (wish == "in"):
        return {}
    return {name: values[0]} if wish == "in" and values else None


def _grade(barrier: Barrier, word: str, name: str, grade: str, *, want: bool) -> Change | None:
    """The grade at the bound passes: a rule says worse than it, or better than it."""
    if want:
        return None
    ranks = {each: i for i, each in enumerate(barrier.screen.policy.file.grades)}
    now = barrier.inputs.values.get(name)
    if not isinstance(now, str) or now not in ranks:
        return None
    fires = ranks[now] > ranks[grade] if word == "worse_than" else ranks[now] < ranks[grade]
    return {name: grade} if fires else {}


# by trying ------------------------------------------------------------------------------------


def _searched(barrier: Barrier, names: tuple[str, ...]) -> Change | None:
    """One input moved until the check passes: the least move of a number, or the nearest better grade."""
    options: list[tuple[float, Change]] = []
    for name in names:
        item = barrier.screen.policy.file.inputs[name]
        now = _exact(barrier.inputs.values.get(name))
        if isinstance(now, Decimal):
            options += _moves(barrier, name, item, now)
        elif item.type == "grade" and isinstance(now, str):
            options += _better_grades(barrier, name, now)
    return min(options, key=lambda each: each[0])[1] if options else None


def _moves(barrier: Barrier, name: str, item: Input, now: Decimal) -> Iterator[tuple[float, Change]]:
    low, high = item.range or (-_FAR, _FAR)
    step = _step(item)
    for end, mode in ((high, ROUND_CEILING), (low, ROUND_FLOOR)):
        if end == now or not _helps(barrier, {name: _given(end)}):
            continue
        fails, passes = now, end
        for _ in range(STEPS):
            if abs(passes - fails) <= step:
                break
            middle = _grid((fails + passes) / 2, step, mode)
            if middle in (fails, passes):
                break
            if _helps(barrier, {name: _given(middle)}):
                passes = middle
            else:
                fails = middle
        yield float(abs(passes - now) / max(abs(now), step)), {name: _given(passes)}


def _better_grades(barrier: Barrier, name: str, now: str) -> Iterator[tuple[float, Change]]:
    grades = barrier.screen.policy.file.grades
    for i in range(grades.index(now) - 1, -1, -1):
        if _helps(barrier, {name: grades[i]}):
            yield float(grades.index(now) - i), {name: grades[i]}
            return


def _given(value: Decimal) -> Given:
    number = float(value)
    return number if exact(number) == value else value


def _grid(value: Decimal, step: Decimal, mode: str) -> Decimal:
    return (value / step).to_integral_value(mode) * step


def _step(item: Input) -> Decimal:
    """The smallest difference that is told: an indicator's own decimals, but no less than a yuan."""
    family, field = item.source.split(".", 1)
    if item.type != "money" and family == "indicator" and field in indicators():
        return Decimal(1).scaleb(-min(indicators()[field].unit.decimals, 3))
    return _UNIT_STEPS.get(item.type, Decimal(1))


# in words -------------------------------------------------------------------------------------


def _exact(value: Given) -> Any:  # noqa: ANN401 - text, truth, number or nothing
    return exact(value) if isinstance(value, float) else value


def _now(barrier: Barrier, name: str) -> Text:
    value = barrier.inputs.values.get(name)
    if value is None:
        why = barrier.inputs.reasons.get(name, "NOT_GIVEN")
        return MISSING.get(why, Text(zh=why, en=why))
    return spoken(_exact(value), barrier.screen.policy.items[name].type)


def _passes(item: Input, value: Given, barrier: Barrier) -> Text:
    """The nearest passing value in words, with the side it lies on."""
    words = spoken(_exact(value), item.type)
    now = _exact(barrier.inputs.values.get(_name_of(barrier, item)))
    if isinstance(now, Decimal) and isinstance(value, float | Decimal):
        more = _exact(value) > now
        side = Text(zh="不少于 {v}", en="at least {v}") if more else Text(zh="不超过 {v}", en="at most {v}")
        return fill(side, v=words)
    if item.type == "grade":
        return fill(Text(zh="{v} 或更好", en="{v} or better"), v=words)
    return words


def _name_of(barrier: Barrier, item: Input) -> str:
    return next(name for name, each in barrier.screen.policy.file.inputs.items() if each is item)


def _terms_reason(barrier: Barrier) -> Text:
    """Why limit or price excludes."""
    policy, found = barrier.screen.policy, barrier.screen.run(barrier.inputs)
    if barrier.check.kind == "limit" and found.limit_cny is not None:
        least = spoken(policy.file.limit.min, "money")
        return fill(WORDS["limit_below"], value=spoken(found.limit_cny, "money"), least=least)
    if barrier.check.kind == "price" and found.rate is not None:
        most = spoken(policy.file.price.max, "ratio")
        return fill(WORDS["price_above"], value=most, most=most)
    return fill(WORDS["not_evaluated"], name=barrier.name)
