"""A policy as a quick yes or no (初筛): the same answer as the full decision, without its trace.

Written out like ``policy.single`` and from the same pieces, so both agree to the cent; what is left out are
the sentences. Before an application its own fields count as not asked yet: a rule may let them pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

from xinqiao.kernel.expression import Node, names
from xinqiao.kernel.text import Text
from xinqiao.lending.product_load import NOT_ASKED
from xinqiao.policy.case import Inputs
from xinqiao.policy.codegen import per_policy
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep
from xinqiao.policy.decision import SEVERITY, Effect
from xinqiao.policy.logic import exact_of, round_to
from xinqiao.policy.lookup import compile_lookup
from xinqiao.policy.straight.answers import Answers, find_answer
from xinqiao.policy.straight.pieces import FLOAT_EXACT
from xinqiao.policy.straight.sheet import Sheet, _expand
from xinqiao.policy.straight.statements import Causes
from xinqiao.policy.wording import NOT_COMPUTABLE, NOT_GIVEN, WORDS

REJECT = SEVERITY["reject"]
_OWN = '(("", NOT_COMPUTABLE),)'
LIMIT_BELOW_MIN, PRICE_ABOVE_MAX = "LIMIT_BELOW_MIN", "PRICE_ABOVE_MAX"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that can stand against an approval. ``kind``: input, rule, table, limit or price."""

    kind: Literal["input", "rule", "table", "limit", "price"]
    id: str
    code: str
    name: Text
    tree: Node | None = None


class Hit(NamedTuple):
    """A check that speaks: its place, how severe, and what is missing behind it."""

    check: int
    severity: int
    causes: Causes


class Screened(NamedTuple):
    """What a screen says. Once a rule on plain inputs rejects, limit and rate are not worked out any more."""

    hits: tuple[Hit, ...]
    limit_cny: Decimal | None
    rate: Decimal | None

    @property
    def severity(self) -> int:
        """0 approve, 1 refer, 2 reject."""
        return max((hit.severity for hit in self.hits), default=0)


class Screen:
    """The quick function of one policy; ``run(inputs)`` answers, ``checks`` are what can stand against it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        writer = _Writer(policy, floats=True, otherwise=self._otherwise)
        written = writer.write()
        self._run: Callable[..., Screened] = written.run
        self.source = written.source
        self.checks = tuple(writer.checks)

    def run(self, inputs: Inputs, *, applied: bool = False) -> Screened:
        """Screen a case; ``applied``: the fields of the application have been asked for."""
        return self._run(inputs.values, inputs.reasons, _APPLIED if applied else _BEFORE)

    def _otherwise(self, values: Mapping[str, Any], reasons: Mapping[str, str], asked: object) -> Screened:
        """The same where a number is one that no float writes."""
        out: Screened = self._decimals(values, reasons, asked)
        return out

    @cached_property
    def _decimals(self) -> Callable[..., Screened]:
        run: Callable[..., Screened] = _Writer(self.policy, floats=False, otherwise=None).write().run
        return run


_APPLIED: Mapping[str, str] = {}
_BEFORE: Mapping[str, str] = {NOT_GIVEN: NOT_ASKED}


@per_policy
def screen(policy: Policy) -> Screen:
    """The screen of ``policy``, made once."""
    return Screen(policy)


class _Writer(Sheet):
    """Writes the function of a policy, step by step."""

    def __init__(self, policy: Policy, *, floats: bool, otherwise: Callable[..., Any] | None) -> None:
        super().__init__(policy, floats=floats, otherwise=otherwise)
        self.checks: list[Check] = []
        self.code.constants |= {
            "worst": _worst,
            "Hit": Hit,
            "Screened": Screened,
            "NOT_COMPUTABLE": NOT_COMPUTABLE,
            "float_exact": FLOAT_EXACT,
            "exact": exact_of,
            "round_to": round_to,
            "expand": _expand,
        }

    def write(self) -> Any:  # noqa: ANN401 - the written function
        """The whole; which inputs are needed exactly is known only after all else."""
        early = [rule for rule in self.policy.rules if set(names(rule.tree)) <= set(self.policy.file.inputs)]
        for rule in early:
            self._rule(rule)
        self.code.add("if hits and max([h[1] for h in hits]) == 2: return Screened(tuple(hits), None, None)")
        for step in self.policy.steps:
            self._derive(step) if isinstance(step, DeriveStep) else self._table(step)
        for rule in self.policy.rules:
            if rule not in early:
                self._rule(rule)
        self._end("limit", self.policy.limit)
        self._end("price", self.policy.price)
        steps, self.code.lines = self.code.lines, []
        causes = " = ".join(local.causes for local in self.locals.values())
        self.code.add("hits = []", "limit = rate = None", f"{causes} = ()")
        for name in self.policy.file.inputs:
            self._input(name)
        self.code.lines += steps
        self.code.add("return Screened(tuple(hits), limit, rate)")
        return self.code.function("screen", "values, why, asked")

    def _check(self, check: Check) -> int:
        self.checks.append(check)
        return len(self.checks) - 1

    def _input(self, name: str) -> None:
        item, local = self.policy.file.inputs[name], self.locals[name]
        place = self._check(
            Check("input", name, f"MISSING_{item.source.split('.', 1)[1].upper()}", item.name)
        )
        key = self.constant(name, "N")
        self.code.add(f"{local.raw} = values[{key}]")
        with self.code.block(f"if {local.raw} is None:"):
            reason = f"why[{key}]"
            if item.source.startswith("application."):
                reason = f"asked.get({reason}, {reason})"
            self.code.add(f"{local.causes} = (({key}, {reason}),)")
            self._gap(place, item.if_missing, local.causes)
            if local.exact != local.raw:
                self.code.add(f"{local.exact} = None")
        if local.floating:
            with self.code.block(f"elif type({local.raw}) is not float:"):
                self.code.add("return otherwise(values, why, asked)")
            if local.used_exactly:
                with self.code.block("else:"):
                    self.code.add(f"{local.exact} = float_exact[{local.raw}]")
        elif self.policy.kinds[name].base == "number":
            with self.code.block("else:"):
                self.code.add(f"{local.raw} = exact({local.raw})")

    def _gap(self, place: int, if_missing: Mapping[str, Effect], causes: str) -> None:
        """What missing values lead to; nothing is said where all of them may be ignored."""
        if set(if_missing.values()) == {"ignore"}:
            return
        self.code.add(f"e = worst({self.constant(dict(if_missing))}, {causes})")
        self.code.add(f"if e: hits.append(Hit({place}, e, {causes}))")

    def _derive(self, step: DeriveStep) -> None:
        local, value = self.locals[step.name], self.straight.value(step.tree)
        self.code.add(f"{local.raw} = {value.text}")
        if value.nullable:
            own = self.constant(((step.name, NOT_COMPUTABLE),))
            with self.code.block(f"if {local.raw} is None:"):
                self.code.add(f"{local.causes} = {self.straight.causes(step.tree, own)}")

    def _table(self, step: TableStep) -> None:
        table, outputs = step.table, [self.locals[name] for name in step.table.outputs]
        place = self._check(Check("table", table.id, "TABLE_MISSING", table.name))
        answers = Answers(step, compile_lookup(step, self.policy.file.grades, self.policy.kinds))
        row = self.code.fresh("a")
        found = find_answer(self.code, answers.lookup, [self.locals[name] for name in table.inputs])
        self.code.add(f"{row} = {self.constant(answers)}[{found}]")
        values = ", ".join(local.raw for local in outputs)
        with self.code.block(f"if {row}[0] is None:"):
            known = {self.constant(n, "N"): self.locals[n].causes for n in dict.fromkeys(table.inputs)}
            told = "{" + ", ".join(f"{n}: {causes}" for n, causes in known.items()) + "}"
            self.code.add(f"c = expand({row}[2], {told}, '')")
            self._gap(place, table.if_missing, "c")
            for name in table.outputs:
                local = self.locals[name]
                self.code.add(f"{local.raw} = None")
                self.code.add(f"{local.causes} = expand({row}[2], {told}, {self.constant(name, 'N')})")
        with self.code.block("else:"):
            self.code.add(f"{values}, = {row}[0]")

    def _rule(self, step: RuleStep) -> None:
        rule, value = step.rule, self.straight.value(step.tree)
        place = self._check(Check("rule", rule.id, rule.code, rule.name, step.tree))
        with self.code.block(f"if {value.text}:"):
            self.code.add(f"hits.append(Hit({place}, {SEVERITY[rule.then]}, ()))")
        if value.nullable and set(rule.if_missing.values()) != {"ignore"}:
            with self.code.block(f"elif {value.text} is None:"):
                self.code.add(f"c = {self.straight.causes(step.tree, _OWN)}")
                self._gap(place, rule.if_missing, "c")

    def _end(self, part: Literal["limit", "price"], tree: Node) -> None:
        file = self.policy.file
        item = file.limit if part == "limit" else file.price
        code = LIMIT_BELOW_MIN if part == "limit" else PRICE_ABOVE_MAX
        place = self._check(Check(part, part, code, WORDS[part], tree))
        raw = self.straight.value(tree)
        low, high, step = (self.constant(value) for value in (item.min, item.max, item.step))
        with self.code.block(f"if {raw.text} is None:"):
            self.code.add(f"c = {self.straight.causes(tree, _OWN)}")
            self._gap(place, {"else": item.if_missing}, "c")
        with self.code.block("else:"):
            if part == "limit":
                self._limit(raw.text, low, high, step, place)
            else:
                self._price(raw.text, low, high, step, place)

    def _limit(self, raw: str, low: str, high: str, step: str, place: int) -> None:
        zero = self.constant(Decimal(0))
        within = f"{zero} if {raw} < {zero} else {high} if {raw} > {high} else {raw}"
        self.code.add(f"limit = round_to({within}, {step}, 'down')")
        severity = SEVERITY[self.policy.file.limit.below_min]
        self.code.add(f"if limit < {low}: hits.append(Hit({place}, {severity}, ()))")

    def _price(self, raw: str, low: str, high: str, step: str, place: int) -> None:
        item = self.policy.file.price
        within = f"{low} if {raw} < {low} else {high} if {raw} > {high} else {raw}"
        self.code.add(f"rate = round_to({within}, {step}, {item.rounding!r})")
        if item.above_max != "cap":
            self.code.add(f"if {raw} > {high}: hits.append(Hit({place}, {SEVERITY[item.above_max]}, ()))")


def _worst(if_missing: Mapping[str, Effect], causes: Causes) -> int:
    """The severest outcome written for any of the missing reasons."""
    found = 0
    for _, why in causes:
        severity = SEVERITY[if_missing[why] if why in if_missing else if_missing["else"]]
        found = max(severity, found)
    return found


def input_names(policy: Policy, tree: Node) -> tuple[str, ...]:
    """The inputs an expression hangs on, through derived values and tables, in order of first use."""
    behind = {step.name: names(step.tree) for step in policy.steps if isinstance(step, DeriveStep)}
    for step in policy.steps:
        if isinstance(step, TableStep):
            behind |= dict.fromkeys(step.table.outputs, tuple(step.table.inputs))
    found: dict[str, None] = {}
    todo = list(names(tree))
    while todo:
        name = todo.pop(0)
        if name in policy.file.inputs:
            found[name] = None
        todo += behind.get(name, ())
    return tuple(found)
