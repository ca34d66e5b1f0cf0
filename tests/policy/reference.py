"""The meaning of a policy as plainly as it can be said: a walk over its trees, one case at a time.

The product writes a policy out as code (policy/single.py) and as vectors (policy/batch.py); both
must equal this. Values of expressions follow Kleene's three-valued logic (1938): ``None`` is a
missing value or an unknown condition.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, DecimalException
from typing import Any, Literal

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
from xinqiao.kernel.text import Text
from xinqiao.policy.case import Inputs, read_inputs
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep
from xinqiao.policy.decision import OUTCOMES, SEVERITY, Decision, Effect, Reason, TraceStep
from xinqiao.policy.format import Adverse
from xinqiao.policy.logic import (
    ARITHMETIC,
    Value,
    apply,
    exact,
    exact_of,
    kleene_and,
    kleene_not,
    kleene_or,
    round_to,
)
from xinqiao.policy.wording import NOT_COMPUTABLE, WORDS, Shown, fill, show, spoken, with_causes

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Evaluator:
    """Evaluates trees over ``values``; every name of a checked policy must be in there.

    ``rank`` gives each grade its place, best first.
    """

    def __init__(self, values: Mapping[str, Value], rank: Mapping[str, int]) -> None:
        self.values = values
        self.rank = rank

    def truth(self, node: Node) -> bool | None:
        """The truth of a condition."""
        value = self.value(node)
        if value is None or isinstance(value, bool):
            return value
        message = f"not a condition: {node}"  # the checker lets no such policy through
        raise TypeError(message)

    def number(self, node: Node) -> Decimal | None:
        """The value of a numeric expression."""
        value = self.value(node)
        if value is None or isinstance(value, Decimal):
            return value
        message = f"not a number: {node}"
        raise TypeError(message)

    def value(self, node: Node) -> Value:  # noqa: C901, PLR0911 - one return per node kind
        """The value of any expression."""
        match node:
            case Name(id=name):
                return self.values[name]
            case Const(value=bool() | str() as plain):
                return plain
            case Const(value=number):
                return exact(number)
            case Logic(op="and", parts=parts):
                return kleene_and(self.truth(part) for part in parts)
            case Logic(parts=parts):
                return kleene_or(self.truth(part) for part in parts)
            case Compare():
                return self._compare(node)
            case Unary(op="not", operand=operand):
                return kleene_not(self.truth(operand))
            case Unary(operand=operand):
                number_ = self.number(operand)
                return None if number_ is None else ARITHMETIC.minus(number_)
            case Binary(op=op, left=left, right=right):
                return arithmetic(op, self.number(left), self.number(right))
            case Choose(test=test, then=then, other=other):
                chosen = self.truth(test)
                return None if chosen is None else self.value(then if chosen else other)
            case Call(function=function, args=args):
                return self._call(function, args)
            case _:
                message = f"cannot be evaluated: {node}"
                raise TypeError(message)

    def blame(self, node: Node) -> tuple[str, ...]:
        """The missing names that leave ``node`` without a value, each once.

        An empty name stands for a place where known values give none (division by zero).
        """
        if isinstance(node, Name):
            return (node.id,) if self.values[node.id] is None else ()
        if self.value(node) is not None:
            return ()
        parts: tuple[Node, ...] = children(node)
        if isinstance(node, Choose):
            chosen = self.truth(node.test)
            parts = (node.test,) if chosen is None else (node.then if chosen else node.other,)
        elif isinstance(node, Compare) and isinstance(node.right, Items):
            parts = (node.left, *node.right.items)
        found = tuple(dict.fromkeys(name for part in parts for name in self.blame(part)))
        return found or ("",)

    def _compare(self, node: Compare) -> bool | None:
        left = self.value(node.left)
        if node.op not in ("in", "not-in"):
            return compare(node.op, left, self.value(node.right))
        items = node.right.items if isinstance(node.right, Items) else ()
        found = kleene_or(compare("==", left, self.value(item)) for item in items)
        if left is None:
            return None
        return found if node.op == "in" else kleene_not(found)

    def _call(self, function: str, args: tuple[Node, ...]) -> Value:
        values = [self.value(arg) for arg in args]
        if function == "missing":
            return values[0] is None
        if any(value is None for value in values):
            return None
        if function in ("worse_than", "better_than"):
            left, right = (self.rank[str(value)] for value in values)
            return left > right if function == "worse_than" else left < right
        return apply(function, [value for value in values if isinstance(value, Decimal)])


def compare(op: str, left: Value, right: Value) -> bool | None:
    """One comparison; unknown when a side is missing."""
    return None if left is None or right is None else _COMPARE[op](left, right)


def arithmetic(op: str, left: Decimal | None, right: Decimal | None) -> Decimal | None:  # noqa: PLR0911 - one return per operator
    """One operation; missing when a side is, on division by zero and on overflow."""
    if left is None or right is None:
        return None
    try:
        match op:
            case "+":
                return ARITHMETIC.add(left, right)
            case "-":
                return ARITHMETIC.subtract(left, right)
            case "*":
                return ARITHMETIC.multiply(left, right)
            case "/":
                return ARITHMETIC.divide(left, right)
            case _:
                return ARITHMETIC.power(left, right)
    except DecimalException:
        return None


def find_rows(step: TableStep, evaluator: Evaluator) -> tuple[list[int], str, tuple[str, ...]]:
    """The rows that hit (0-based), the fault when the table gives nothing, and the names to blame.

    A row that hangs on a missing value stops the search: whether it hits decides what the table
    gives, so going on would be a guess. Faults are keys of ``wording.WORDS``.
    """
    hits: list[int] = []
    for i, (condition, _) in enumerate(step.rows):
        truth = evaluator.truth(condition)
        if truth is None:
            return [], "table_missing", evaluator.blame(condition)
        if truth:
            hits.append(i)
            if step.table.hit == "first":
                break
    if not hits:
        return [], "table_no_row", ("",)
    if step.table.hit == "unique" and len(hits) > 1:
        return hits, "table_several_rows", ("",)
    return hits, "", ()


def row_values(step: TableStep, hits: list[int], evaluator: Evaluator) -> list[Value]:
    """The outputs of the rows hit: the first row's, or the greatest of each column (collect-max)."""
    columns = zip(*(step.rows[i][1] for i in hits), strict=True)
    if step.table.hit != "collect-max":
        return [evaluator.value(column[0]) for column in columns]
    numbers = [[evaluator.number(cell) for cell in column] for column in columns]
    return [max(number for number in column if number is not None) for column in numbers]


def decide(policy: Policy, inputs: Mapping[str, Any], missing: Mapping[str, str] | None = None) -> Decision:
    """Decide on plain ``inputs`` by name (None: missing, with its reason code in ``missing``).

    Deterministic: the same policy and inputs give an equal decision.
    Raises UserError POL-CASE when a value is not of its declared type.
    """
    return decide_inputs(policy, read_inputs(policy, inputs, missing or {}))


def decide_inputs(policy: Policy, inputs: Inputs) -> Decision:
    """Decide on inputs already read from a case."""
    return _Run(policy, inputs).decide()


def _missing_effect(if_missing: Mapping[str, Effect], causes: Mapping[str, str]) -> Effect:
    """The severest outcome written for any of the missing reasons."""
    effects = [if_missing.get(reason, if_missing["else"]) for reason in causes.values()]
    return max(effects, key=SEVERITY.__getitem__)


class _Run:
    """The state of one evaluation."""

    def __init__(self, policy: Policy, inputs: Inputs) -> None:
        self.policy = policy
        self.inputs = inputs
        self.values: dict[str, Value] = {name: exact_of(value) for name, value in inputs.values.items()}
        rank = {grade: i for i, grade in enumerate(policy.file.grades)}
        self.evaluator = Evaluator(self.values, rank)
        self.reasons: list[Reason] = []
        self.notes: list[Reason] = []
        self.trace: list[TraceStep] = []
        self.causes: dict[str, dict[str, str]] = {n: {n: why} for n, why in inputs.reasons.items()}

    def decide(self) -> Decision:
        for name in self.policy.file.inputs:
            self._input(name)
        for step in self.policy.steps:
            if isinstance(step, DeriveStep):
                self._derive(step)
            else:
                self._table(step)
        for rule in self.policy.rules:
            self._rule(rule)
        return self._outcome(self._limit(), self._price())

    # steps ------------------------------------------------------------------------------------

    def _input(self, name: str) -> None:
        item = self.policy.file.inputs[name]
        effect: Effect = "ignore"
        if self.values[name] is None:
            effect = _missing_effect(item.if_missing, self.causes[name])
            if effect != "ignore":  # an ignored gap is noted by each rule that meets it
                text = self._with_causes(WORDS["missing_input"], self.causes[name])
                self._say(f"MISSING_{item.source.split('.', 1)[1].upper()}", name, effect, text)
        why = self.inputs.reasons.get(name, "")
        self._step("input", name, item.name, (), self.values[name], effect, why)

    def _derive(self, step: DeriveStep) -> None:
        value = self.evaluator.value(step.tree)
        self.values[step.name] = value
        if value is None:
            self.causes[step.name] = self._expand(self.evaluator.blame(step.tree), step.name)
        self._step("derive", step.name, step.label, names(step.tree), value)

    def _rule(self, step: RuleStep) -> None:
        rule, tree = step.rule, step.tree
        value, used = self.evaluator.truth(tree), names(tree)
        effect: Effect = "ignore"
        if value:
            effect = rule.then
            words = {n: spoken(self.values[n], self.policy.items[n].type) for n in step.places}
            self._say(rule.code, rule.id, effect, fill(rule.reason, **words))
        elif value is None:
            causes = self._expand(self.evaluator.blame(tree), "")
            effect = _missing_effect(rule.if_missing, causes)
            self._unknown(rule.id, rule.name, effect, causes)
        self._step("rule", rule.id, rule.name, used, value, effect)

    def _table(self, step: TableStep) -> None:
        table = step.table
        hits, fault, blamed = find_rows(step, self.evaluator)
        outputs = [None] * len(table.outputs) if fault else row_values(step, hits, self.evaluator)
        self.values.update(zip(table.outputs, outputs, strict=True))
        effect: Effect = "ignore"
        if fault:
            causes = self._expand(blamed, "")
            for name in table.outputs:
                self.causes[name] = self._expand(blamed, name)
            effect = _missing_effect(table.if_missing, causes)
            self._say(
                fault.upper(),
                table.id,
                effect,
                self._with_causes(fill(WORDS[fault], name=table.name), causes),
            )
        shown = {name: show(value) for name, value in zip(table.outputs, outputs, strict=True)}
        detail = fault or "row " + ", ".join(str(i + 1) for i in hits)
        self._step("table", table.id, table.name, table.inputs, shown, effect, detail)

    def _limit(self) -> Decimal | None:
        item, used = self.policy.file.limit, names(self.policy.limit)
        raw = self.evaluator.number(self.policy.limit)
        if raw is None:
            self._no_end("limit", self.policy.limit, item.if_missing)
            return None
        value = round_to(max(min(raw, item.max), Decimal(0)), item.step, "down")
        effect: Effect = "ignore"
        if value < item.min:
            effect = item.below_min
            words = {"value": spoken(value, "money"), "least": spoken(item.min, "money")}
            if not any(reason.effect == "reject" for reason in self.reasons):
                self._say("LIMIT_BELOW_MIN", "limit", effect, fill(WORDS["limit_below"], **words))
        bound = f", capped at {show(item.max)}" if raw > item.max else ""
        self._step("limit", "limit", WORDS["limit"], used, value, effect, f"formula {show(raw)}{bound}")
        return value

    def _price(self) -> Decimal | None:
        item, used = self.policy.file.price, names(self.policy.price)
        raw = self.evaluator.number(self.policy.price)
        if raw is None:
            self._no_end("price", self.policy.price, item.if_missing)
            return None
        value = round_to(min(max(raw, item.min), item.max), item.step, item.rounding)
        effect: Effect = "ignore"
        if raw > item.max and item.above_max != "cap":
            effect = item.above_max
            words = {"value": spoken(raw, "ratio"), "most": spoken(item.max, "ratio")}
            self._say("PRICE_ABOVE_MAX", "price", effect, fill(WORDS["price_above"], **words))
        bound = f", capped at {show(item.max)}" if raw > item.max else ""
        bound = f", raised to {show(item.min)}" if raw < item.min else bound
        self._step("price", "price", WORDS["price"], used, value, effect, f"formula {show(raw)}{bound}")
        return value

    def _no_end(self, part: Literal["limit", "price"], tree: Node, effect: Adverse) -> None:
        self._unknown(part, WORDS[part], effect, self._expand(self.evaluator.blame(tree), ""))
        self._step(part, part, WORDS[part], names(tree), None, effect)

    def _outcome(self, limit: Decimal | None, rate: Decimal | None) -> Decision:
        ordered = sorted(self.reasons, key=lambda reason: -SEVERITY[reason.effect])
        outcome = OUTCOMES[SEVERITY[ordered[0].effect]] if ordered else "approve"
        approved = outcome == "approve"
        self._step("outcome", "outcome", WORDS["outcome"], (), outcome, outcome)
        return Decision(
            outcome=outcome,
            limit_cny=limit if approved else None,
            rate=rate if approved else None,
            term_months=self.policy.file.term_months if approved else None,
            reasons=tuple(ordered),
            notes=tuple(self.notes),
            trace=tuple(self.trace),
        )

    # missing values ---------------------------------------------------------------------------

    def _expand(self, blamed: Iterable[str], own: str) -> dict[str, str]:
        """The inputs behind blamed names, with their reasons; ``own`` stands for what has no value itself."""
        causes: dict[str, str] = {}
        for name in blamed:
            causes.update(self.causes[name] if name else {own: NOT_COMPUTABLE})
        return causes

    def _with_causes(self, text: Text, causes: Mapping[str, str]) -> Text:
        return with_causes(text, [(self.policy.items[n].name, code) for n, code in causes.items() if n])

    def _unknown(self, source: str, name: Text, effect: Effect, causes: Mapping[str, str]) -> None:
        text = self._with_causes(fill(WORDS["not_evaluated"], name=name), causes)
        self._say(f"UNKNOWN_{source.upper()}", source, effect, text)

    # output -----------------------------------------------------------------------------------

    def _say(self, code: str, source: str, effect: Effect, text: Text) -> None:
        """An adverse effect is a reason; an ignored gap is a note, never silence."""
        target = self.notes if effect == "ignore" else self.reasons
        target.append(Reason(code, source, effect, text))

    def _step(  # noqa: PLR0917 - the columns of the trace, in their order
        self,
        kind: str,
        step_id: str,
        name: Text,
        used: Iterable[str],
        result: Value | dict[str, Shown],
        effect: str = "ignore",
        detail: str = "",
    ) -> None:
        inputs = {n: show(self.values[n]) for n in used}
        shown = result if isinstance(result, dict) else show(result)
        self.trace.append(TraceStep(kind, step_id, name, inputs, shown, effect, detail))
