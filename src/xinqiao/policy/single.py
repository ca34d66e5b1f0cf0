"""A policy written out as one Python function: a case's inputs in, the decision's JSON out.

No tree is walked and no rule looked up when a case is decided: every expression stands as
statements, every part of the JSON that no case changes was rendered before. ``single(policy).source``
shows the function.

Nothing is approved by accident: an approval needs every rule definitely false (or ignored exactly
as written when unknown), no adverse missing input or table, and a known limit and price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Literal

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.expression import Const, Node, names
from xinqiao.kernel.text import Text
from xinqiao.policy.codegen import Written, per_policy
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep
from xinqiao.policy.decision import OUTCOMES, Effect
from xinqiao.policy.logic import Given
from xinqiao.policy.lookup import compile_lookup
from xinqiao.policy.straight.answers import Answers, find_answer
from xinqiao.policy.straight.pieces import Say, gap_of, head, head_after_detail, tail, value_json
from xinqiao.policy.straight.sheet import QUOTED, Sheet
from xinqiao.policy.straight.statements import Causes, Local, written
from xinqiao.policy.wording import NOT_COMPUTABLE, WORDS, fill, show_number

_FORMULA = b'},{"detail":"formula '


def _reason(causes: Causes, _fault: str) -> str:
    """The reason an input is missing."""
    return causes[0][1]


def _fault(_causes: Causes, fault: str) -> str:
    return fault


class Single:
    """The function of one policy.

    ``run(values, reasons)`` gives the decision's canonical JSON from the inputs' values and the
    reasons of the missing ones; ``source`` is how it is written, ``constants`` what its names mean.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        written = _Writer(policy, floats=True, otherwise=self._otherwise).write()
        self.run: Callable[[Mapping[str, Given], Mapping[str, str]], bytes] = written.run
        self.source = written.source
        self.constants = written.constants

    def _otherwise(self, values: Mapping[str, Given], reasons: Mapping[str, str]) -> bytes:
        """The same where a number is one that no float writes."""
        out: bytes = self._decimals.run(values, reasons)
        return out

    @cached_property
    def _decimals(self) -> Written:
        return _Writer(self.policy, floats=False).write()


@per_policy
def single(policy: Policy) -> Single:
    """The written function of ``policy``, made once."""
    return Single(policy)


class _Writer(Sheet):
    """Writes the function of a policy, step by step."""

    def write(self) -> Written:
        """The whole function; what inputs are needed as is known only after all else."""
        for step in self.policy.steps:
            self._derive(step) if isinstance(step, DeriveStep) else self._table(step)
        for rule in self.policy.rules:
            self._rule(rule)
        self._limit()
        self._price()
        steps, self.code.lines = self.code.lines, []
        parts, self.parts = self.parts, []
        self._start()
        for name in self.policy.file.inputs:
            self._input(name)
        self.code.lines += steps
        self.parts += parts
        self._end()
        return self.code.function("decide", "values, why")

    def _start(self) -> None:
        causes = " = ".join(local.causes for local in self.locals.values())
        self.code.add("notes = []", "refers = []", "rejects = []", "said = (notes, refers, rejects)")
        self.code.add(f"{causes} = ()")

    # steps ------------------------------------------------------------------------------------

    def _input(self, name: str) -> None:
        item, local = self.policy.file.inputs[name], self.locals[name]
        code = f"MISSING_{item.source.split('.', 1)[1].upper()}"
        lead, after = not self.parts, tail("input", item.name)
        gap = self.constant(
            gap_of(name, self.labels, item.if_missing, _missing(code), _reason, first=lead, more=after),
            "G",
        )
        key, part = self.constant(name, "N"), self.code.fresh("p")
        self.code.add(f"{local.raw} = values[{key}]")
        with self.code.block(f"if {local.raw} is None:"):
            self.code.add(f"{local.causes} = (({key}, why[{key}]),)", f"{local.shown} = b'null'")
            self.code.add(f"severity, text, {part} = {gap}({local.causes})")
            self.code.add(
                "if severity: said[severity].append(text)"
            )  # an ignored gap is noted by each rule that meets it
            if local.exact != local.raw:
                self.code.add(f"{local.exact} = None")
        if local.floating:
            with self.code.block(f"elif type({local.raw}) is not float:"):
                self.code.add("return otherwise(values, why)")
        with self.code.block("else:"):
            self._known_input(name, local)
            self.code.add(f"{part} = {self.constant(head(name, 'ignore', '', first=lead) + after)}")
        self.parts += [part, local.shown]

    def _known_input(self, name: str, local: Local) -> None:
        match self.policy.kinds[name].base:
            case "number" if local.floating:
                self.code.add(f"{local.shown} = float_json[{local.raw}]")
                if local.used_exactly:
                    self.code.add(f"{local.exact} = float_exact[{local.raw}]")
            case "number":
                self.code.add(f"{local.raw} = exact({local.raw})")
                self.shown(local, "number")
            case base:
                self.shown(local, base)

    def _derive(self, step: DeriveStep) -> None:
        local = self.locals[step.name]
        place = self.straight.value(step.tree)
        self.code.add(f"{local.raw} = {place.text}")
        if isinstance(step.tree, Const):
            self.code.add(f"{local.shown} = {self.constant(value_json(written(step.tree)))}")
        else:
            own = self.constant(((step.name, NOT_COMPUTABLE),))
            with self.code.block(f"if {local.raw} is None:"):
                self.code.add(f"{local.causes} = {self.straight.causes(step.tree, own)}")
                self.code.add(f"{local.shown} = b'null'")
            with self.code.block("else:"):
                self.shown(local, self.policy.kinds[step.name].base)
        self.trace("derive", step.label, names(step.tree), head(step.name, "ignore", ""), local.shown)

    def _rule(self, step: RuleStep) -> None:
        rule, tree = step.rule, step.tree
        place = self.straight.value(tree)
        part, result = self.code.fresh("p"), self.code.fresh("r")
        with self.code.block(f"if {place.text}:"):
            self.code.add(f"{part} = {self.constant(head(rule.id, rule.then, ''))}", f"{result} = b'true'")
            places = {name: (self.locals[name].raw, self.policy.items[name].type) for name in step.places}
            self.say(rule.code, rule.id, rule.then, rule.reason, places)
        if place.nullable:
            with self.code.block(f"elif {place.text} is None:"):
                gap = self.gap(rule.id, rule.if_missing, _unknown(rule.id, rule.name))
                own = self.constant((("", NOT_COMPUTABLE),))
                self.meet(gap, self.straight.causes(tree, own), part)
                self.code.add(f"{result} = b'null'")
        with self.code.block("else:"):
            self.code.add(f"{part} = {self.constant(head(rule.id, 'ignore', ''))}", f"{result} = b'false'")
        self.trace("rule", rule.name, names(tree), part, result)

    def _table(self, step: TableStep) -> None:
        table, outputs = step.table, [self.locals[name] for name in step.table.outputs]
        answers = Answers(step, compile_lookup(step, self.policy.file.grades, self.policy.kinds))
        part, result, row = self.code.fresh("p"), self.code.fresh("r"), self.code.fresh("a")
        found = find_answer(self.code, answers.lookup, [self.locals[name] for name in table.inputs])
        self.code.add(f"{row} = {self.constant(answers)}[{found}]")
        values, shown = (", ".join(getattr(local, word) for local in outputs) for word in ("raw", "shown"))
        with self.code.block(f"if {row}[0] is None:"):
            self._fault(step, row, part)
            self.code.add(f"{result} = {self.constant(canonical_json(dict.fromkeys(table.outputs)))}")
            for local in outputs:
                self.code.add(f"{local.raw} = None", f"{local.shown} = b'null'")
        with self.code.block("else:"):
            self.code.add(f"({values},), ({shown},), {part}, {result} = {row}")
        self.trace("table", table.name, table.inputs, part, result)

    def _fault(self, step: TableStep, row: str, part: str) -> None:
        table = step.table
        places = {self.constant(name, "N"): self.locals[name].causes for name in dict.fromkeys(table.inputs)}
        known = "{" + ", ".join(f"{name}: {causes}" for name, causes in places.items()) + "}"
        gap = self.gap(table.id, table.if_missing, _no_result(table.name), _fault)
        self.meet(gap, f"expand({row}[2], {known}, ''), {row}[1]", part)
        for name in table.outputs:
            own = self.constant(name, "N")
            self.code.add(f"{self.locals[name].causes} = expand({row}[2], {known}, {own})")

    def _limit(self) -> None:
        item, tree = self.policy.file.limit, self.policy.limit
        bounds = (item.min, item.max, item.step, Decimal(0))
        low, high, step, zero = (self.constant(value) for value in bounds)
        raw = self._ending("limit", tree, item.if_missing)
        with self.code.block("else:"):
            within = f"{zero} if {raw} < {zero} else {high} if {raw} > {high} else {raw}"
            self.code.add(f"limit = round_to({within}, {step}, 'down')")
            self.code.add("text = show_number(limit)", f"limit_json = {QUOTED}")
            with self.code.block(f"if limit < {low}:"):
                with self.code.block("if not rejects:"):  # why no limit is given is already said
                    self.say(
                        "LIMIT_BELOW_MIN",
                        "limit",
                        item.below_min,
                        WORDS["limit_below"],
                        {"value": ("limit", "money"), "least": (low, "money")},
                    )
                self.code.add(f"remark = {self._remark('limit', item.below_min)}")
            with self.code.block(f"elif {raw} > {high}:"):
                self.code.add(
                    f"remark = {self._remark('limit', 'ignore', f', capped at {show_number(item.max)}')}"
                )
            with self.code.block("else:"):
                self.code.add(f"remark = {self._remark('limit', 'ignore')}")
            self.code.add(f"limit_head = {self.constant(_FORMULA)} + show_number({raw}).encode() + remark")
        self.trace("limit", WORDS["limit"], names(tree), "limit_head", "limit_json")

    def _price(self) -> None:
        item, tree = self.policy.file.price, self.policy.price
        low, high, step = (self.constant(value) for value in (item.min, item.max, item.step))
        raw = self._ending("price", tree, item.if_missing)
        with self.code.block("else:"):
            rounding = self.constant(item.rounding)
            within = f"{low} if {raw} < {low} else {high} if {raw} > {high} else {raw}"
            self.code.add(
                f"text = show_number(round_to({within}, {step}, {rounding}))", f"price_json = {QUOTED}"
            )
            with self.code.block(f"if {raw} > {high}:"):
                effect: Effect = "ignore" if item.above_max == "cap" else item.above_max
                if effect != "ignore":
                    self.say(
                        "PRICE_ABOVE_MAX",
                        "price",
                        effect,
                        WORDS["price_above"],
                        {"value": (raw, "ratio"), "most": (high, "ratio")},
                    )
                self.code.add(
                    f"remark = {self._remark('price', effect, f', capped at {show_number(item.max)}')}"
                )
            with self.code.block(f"elif {raw} < {low}:"):
                self.code.add(
                    f"remark = {self._remark('price', 'ignore', f', raised to {show_number(item.min)}')}"
                )
            with self.code.block("else:"):
                self.code.add(f"remark = {self._remark('price', 'ignore')}")
            self.code.add(f"price_head = {self.constant(_FORMULA)} + show_number({raw}).encode() + remark")
        self.trace("price", WORDS["price"], names(tree), "price_head", "price_json")

    def _ending(self, part: Literal["limit", "price"], tree: Node, if_missing: Effect) -> str:
        """Write the formula of limit or price and what its lack leads to; an ``else`` follows."""
        raw = self.straight.value(tree).text
        with self.code.block(f"if {raw} is None:"):
            gap = self.gap(part, {"else": if_missing}, _unknown(part, WORDS[part]))
            self.meet(gap, self.straight.causes(tree, self.constant((("", NOT_COMPUTABLE),))), f"{part}_head")
            self.code.add(f"{part}_json = b'null'")
        return raw

    def _remark(self, part: str, effect: Effect, more: str = "") -> str:
        return self.constant(more.encode() + b'"' + head_after_detail(part, effect))

    def _end(self) -> None:
        """Put the outcome before the trace and all of it together."""
        file = self.policy.file
        ends = [head("outcome", outcome, "") + tail("outcome", WORDS["outcome"]) for outcome in OUTCOMES]
        ends = [end + canonical_json(outcome) + b"}]}" for end, outcome in zip(ends, OUTCOMES, strict=True)]
        terms = [canonical_json(file.term_months), b"null", b"null"]
        between = [b'],"outcome":%b,"rate":' % canonical_json(outcome) for outcome in OUTCOMES]
        before = [b'],"term_months":%b,"trace":[' % term for term in terms]
        self.code.add("outcome = 2 if rejects else 1 if refers else 0")
        self.code.add(
            "if outcome: limit_end = price_end = b'null'",
            "else: limit_end = limit_json; price_end = price_json",
        )
        self.code.add("noted = b','.join(notes)", "reasons = b','.join(rejects + refers)")
        for name, each in (("between", between), ("before", before), ("end", ends)):
            self.code.add(f"{name} = {self.constant(each)}[outcome]")
        lead: list[bytes | str] = [
            b'{"limit_cny":',
            "limit_end",
            b',"notes":[',
            "noted",
            "between",
            "price_end",
        ]
        self.parts = [*lead, b',"reasons":[', "reasons", "before", *self.parts, b"", "end"]
        self.code.add(f"return b''.join(({', '.join(self.joined())}))")


def _missing(code: str) -> Say:
    return lambda _: (code, WORDS["missing_input"])


def _unknown(source: str, name: Text) -> Say:
    return lambda _: (f"UNKNOWN_{source.upper()}", fill(WORDS["not_evaluated"], name=name))


def _no_result(name: Text) -> Say:
    return lambda fault: (fault.upper(), fill(WORDS[fault], name=name))
