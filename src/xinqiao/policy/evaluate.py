"""The interpreter of a checked policy: one case in, one traced decision out.

Nothing is approved by accident: an approval needs every rule definitely false (or ignored exactly
as written when unknown), no adverse missing input or table, and a known limit and price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from xinqiao.kernel.expression import Node, names
from xinqiao.kernel.text import Text
from xinqiao.policy.case import Inputs, read_inputs
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep
from xinqiao.policy.decision import Decision, Effect, Reason, TraceStep
from xinqiao.policy.format import Adverse, Outcome
from xinqiao.policy.logic import Evaluator, Value, round_to
from xinqiao.policy.tables import find_rows, row_values
from xinqiao.policy.wording import WORDS, Shown, fill, show, spoken, with_causes

NOT_COMPUTABLE = "NOT_COMPUTABLE"
_SEVERITY: dict[Effect, int] = {"ignore": 0, "refer": 1, "reject": 2}
_OUTCOMES: tuple[Outcome, ...] = ("approve", "refer", "reject")


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
    return max(effects, key=_SEVERITY.__getitem__)


class _Run:
    """The state of one evaluation."""

    def __init__(self, policy: Policy, inputs: Inputs) -> None:
        self.policy = policy
        self.inputs = inputs
        self.values: dict[str, Value] = dict(inputs.values)
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
            self._say("LIMIT_BELOW_MIN", "limit", effect, fill(WORDS["limit_below"], **words))
        self._step("limit", "limit", WORDS["limit"], used, value, effect, f"formula {show(raw)}")
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
        self._step("price", "price", WORDS["price"], used, value, effect, f"formula {show(raw)}")
        return value

    def _no_end(self, part: Literal["limit", "price"], tree: Node, effect: Adverse) -> None:
        self._unknown(part, WORDS[part], effect, self._expand(self.evaluator.blame(tree), ""))
        self._step(part, part, WORDS[part], names(tree), None, effect)

    def _outcome(self, limit: Decimal | None, rate: Decimal | None) -> Decision:
        ordered = sorted(self.reasons, key=lambda reason: -_SEVERITY[reason.effect])
        outcome = _OUTCOMES[_SEVERITY[ordered[0].effect]] if ordered else "approve"
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
