"""A policy as one tape: inputs, steps, rules, limit and price in the order of a single decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.policy.case import MAX_NUMBER
from xinqiao.policy.codegen import per_policy
from xinqiao.policy.compiled import DeriveStep, Policy, RuleStep, TableStep
from xinqiao.policy.decision import Effect
from xinqiao.policy.format import Input, Limit, Price, Rule, Table
from xinqiao.policy.logic import exact
from xinqiao.policy.lookup import compile_lookup
from xinqiao.policy.vector.exact import LEVELS, End, Flags, Origin, Steps, codes, near_edges, settle
from xinqiao.policy.vector.numbers import Num
from xinqiao.policy.vector.tables import FAULTS, TableColumns
from xinqiao.policy.vector.tape import ALL, NONE, Chunk, Ref, Tape
from xinqiao.policy.vector.trees import Blame, Cond, Trees, Vocabulary, Word, merged
from xinqiao.policy.wording import INVALID_VALUE, NOT_COMPUTABLE, NOT_GIVEN

OTHER = ""
"""Any reason that the policy does not name."""
_DECIMALS = {"money": 2, "integer": 0}
_NUMPY = (
    "abs", "add", "bitwise_and", "bitwise_or", "copyto", "divide", "equal", "greater", "greater_equal",
    "less", "less_equal", "logical_not", "maximum", "minimum", "multiply", "negative", "not_equal", "rint",
    "subtract", "take",
)  # fmt: skip
_BASIS = {name: getattr(np, name) for name in _NUMPY}
_BASIS |= {"uint8": np.uint8, "Origin": Origin, "settle": settle, "near_edges": near_edges, "codes": codes}


@dataclass(frozen=True, slots=True)
class Check:
    """Something that can speak against an approval; ``kind`` and ``id`` as in the trace."""

    kind: str
    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Program:
    """A policy's tape, ready to run.

    ``columns`` are its inputs: ``value:<name>`` and ``reason:<name>``; ``reasons`` the number of each
    reason code it tells apart (``OTHER`` for the rest).
    """

    chunk: Chunk
    checks: tuple[Check, ...]
    columns: tuple[str, ...]
    vocabulary: Vocabulary
    reasons: Mapping[str, int]


@per_policy
def program(policy: Policy) -> Program:
    """The program of ``policy``."""
    return _Builder(policy).run()


class _Builder:
    """Puts a policy on a tape."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.file = policy.file
        self.tape = Tape()
        bases = {name: kind.base for name, kind in policy.kinds.items()}
        vocabulary = Vocabulary({grade: i for i, grade in enumerate(self.file.grades)}, {})
        self.trees = Trees(self.tape, vocabulary, bases)
        self.reasons = _reasons(policy)
        self.absent: dict[str, Ref] = {}
        self.tables: dict[str, TableColumns] = {}
        self.derived: dict[str, DeriveStep] = {}
        self.checks: list[Check] = []
        self.refer: list[Ref] = []
        self.reject: list[Ref] = []

    def run(self) -> Program:
        infinite: list[Ref] = []
        for name, item in self.file.inputs.items():
            self._input(name, item, infinite)
        self._refuse(infinite)
        for step in self.policy.steps:
            if isinstance(step, DeriveStep):
                self.derived[step.name] = step
                kind = self.trees.bases[step.name]
                self.trees.names[step.name] = self.trees.column(step.tree, kind)
            else:
                self._table(step)
        for rule in self.policy.rules:
            self._rule(rule)
        limit, price = self._limit(), self._price()
        self._outcome()
        self._end(self.file.limit, Steps(self.file.limit.step, "down"), limit, "limit")
        self._end(self.file.price, Steps(self.file.price.step, self.file.price.rounding), price, "rate")
        chunk = self.tape.finish(_BASIS)
        columns = tuple(self.tape.columns)
        return Program(chunk, tuple(self.checks), columns, self.trees.vocabulary, self.reasons)

    # inputs -----------------------------------------------------------------------------------

    def _input(self, name: str, item: Input, infinite: list[Ref]) -> None:
        tape = self.tape
        value = tape.column(f"value:{name}")
        match item.type:
            case "text" | "grade" | "date":
                here = tape.op("b", "greater_equal({0}, 0, out={out})", value)
                self.absent[name] = tape.op("b", "equal({0}, -1, out={out})", value)
                self.trees.names[name] = Word(value, tape.no(here))
            case "bool":
                no, yes = (tape.op("b", f"equal({{0}}, {end}, out={{out}})", value) for end in ("0.0", "1.0"))
                self.trees.names[name] = Cond(yes, tape.either(no, yes))
                self.absent[name] = tape.op("b", "not_equal({0}, {0}, out={out})", value)
            case _:
                self.absent[name] = tape.op("b", "not_equal({0}, {0}, out={out})", value)
                column = self._number(item, value)
                self.trees.names[name] = column
                infinite.append(tape.but(column.gone, self.absent[name]))
        gone = self.trees.unknown(self.trees.names[name])
        effect = self._missing(item.if_missing, {name: gone}, gone)
        code = f"MISSING_{item.source.split('.', 1)[1].upper()}"
        self._check(Check("input", name, code), *effect, speaks=_speaks(item.if_missing))

    def _number(self, item: Input, value: Ref) -> Num:
        """A number; what is outside its range, or no whole number where one is due, is missing."""
        low, high = item.range or (-MAX_NUMBER, MAX_NUMBER)
        tests = [
            f"greater_equal({{0}}, {_above(low)!r}, out={{out}})",
            f"less_equal({{0}}, {_below(high)!r}, out={{out}})",
        ]
        if low <= -MAX_NUMBER or high >= MAX_NUMBER:
            tests += [
                f"greater({{0}}, {-float(MAX_NUMBER)!r}, out={{out}})",
                f"less({{0}}, {float(MAX_NUMBER)!r}, out={{out}})",
            ]
            tests = tests[2:] if item.range is None else tests
        masks = [self.tape.op("b", words, value) for words in tests]
        if item.type == "integer":
            whole = self.tape.op("f", "rint({0}, out={out})", value)
            masks.append(self.tape.op("b", "equal({0}, {1}, out={out})", value, whole))
        gone = self.tape.no(self.tape.both(*masks))
        decimals = tuple(min(level, _DECIMALS.get(item.type, level)) for level in LEVELS)
        return Num(value, gone, decimals=decimals, leaves=((value, decimals),))

    def _refuse(self, infinite: list[Ref]) -> None:
        """Stop at an infinity: it is no value a case can have."""
        names = [name for name, item in self.file.inputs.items() if isinstance(self.trees.names[name], Num)]
        columns = [(name, self.tape.columns.index(f"value:{name}")) for name in names]

        def refuse(chunk: list[Any], suspects: Flags) -> None:
            rows = np.flatnonzero(suspects)
            for name, place in columns if rows.size else ():
                values = chunk[place][rows]
                found = values[np.isinf(values)]
                if found.size:
                    where = f"{self.file.id}: {name}"
                    fail("POL-CASE", where, detail=f"{float(found[0])!r} is not a finite number")

        suspects = self.tape.either(*infinite)
        if suspects != NONE:
            self.tape.do(f"{self.tape.constant(refuse)}(C, {{0}})", suspects)

    # steps ------------------------------------------------------------------------------------

    def _table(self, step: TableStep) -> None:
        table = step.table
        columns = TableColumns(self.trees, step, compile_lookup(step, self.file.grades, self.policy.kinds))
        for place, name in enumerate(table.outputs):
            self.tables[name] = columns
            self.trees.names[name] = columns.output(place, name)
        for fault in FAULTS:
            rows = columns.fault(fault)
            effect = self._missing(table.if_missing, self._table_causes(columns, rows), rows)
            self._check(Check("table", table.id, fault.upper()), *effect, speaks=_speaks(table.if_missing))

    def _rule(self, step: RuleStep) -> None:
        rule = step.rule
        found = self.trees.condition(step.tree)
        self._check(Check("rule", rule.id, rule.code), *_levels(rule.then, found.true))
        unknown = self.trees.unknown(found)
        written = rule.if_missing
        causes = self._causes(self.trees.blame(step.tree, ALL)) if len(set(written.values())) > 1 else {}
        effect = self._missing(written, causes, unknown)
        self._check(Check("rule", rule.id, f"UNKNOWN_{rule.id.upper()}"), *effect, speaks=_speaks(written))

    def _limit(self) -> Num:
        item = self.file.limit
        value = self.trees.number(self.policy.limit)
        self._check(Check("limit", "limit", "UNKNOWN_LIMIT"), *_levels(item.if_missing, value.gone))
        below = self.trees.numbers.compare("<", value, self.trees.numbers.const(float(item.min)))
        below = self.tape.but(below, self.tape.either(*self.reject))  # why no limit is given is already said
        self._check(Check("limit", "limit", "LIMIT_BELOW_MIN"), *_levels(item.below_min, below))
        return value

    def _price(self) -> Num:
        item = self.file.price
        value = self.trees.number(self.policy.price)
        self._check(Check("price", "price", "UNKNOWN_PRICE"), *_levels(item.if_missing, value.gone))
        if item.above_max != "cap":
            above = self.trees.numbers.compare(">", value, self.trees.numbers.const(float(item.max)))
            self._check(Check("price", "price", "PRICE_ABOVE_MAX"), *_levels(item.above_max, above))
        return value

    def _outcome(self) -> None:
        refer, reject = (self.tape.either(*masks) for masks in (self.refer, self.reject))
        self.tape.do("add({0}.view(uint8), {0}.view(uint8), out=outcome)", reject)
        self.tape.do("maximum(outcome, {0}.view(uint8), out=outcome)", refer)

    def _end(self, item: Limit | Price, steps: Steps, value: Num, out: str) -> None:
        end = self.tape.constant(End(steps, item.min, item.max))
        numbers = self.trees.numbers
        origin, more = numbers.origin(value, 2)
        words = f"{end}.give({{0}}, {{1}}, D, {origin}, outcome=outcome, out={out})"
        self.tape.do(words, numbers.column(value), numbers.error(value), *more)

    # effects ----------------------------------------------------------------------------------

    def _check(self, check: Check, refer: Ref, reject: Ref, *, speaks: bool = True) -> None:
        """Note where a check speaks, unless it is written never to.

        One that no row of a chunk can show stays listed: a row decided alone may.
        """
        if not speaks:
            return
        place = f"E[{len(self.checks)}]"
        self.checks.append(check)
        if refer == NONE and reject == NONE:
            self.tape.do(f"copyto({place}, 0)")
            return
        self.refer.append(refer)
        self.reject.append(reject)
        if reject == NONE:
            self.tape.do(f"copyto({place}, {{0}}.view(uint8))", refer)
            return
        self.tape.do(f"add({{0}}.view(uint8), {{0}}.view(uint8), out={place})", reject)
        if refer != NONE:
            self.tape.do(f"maximum({place}, {{0}}.view(uint8), out={place})", refer)

    def _missing(self, written: Mapping[str, Effect], causes: Blame, rows: Ref) -> tuple[Ref, Ref]:
        """Where a missing value refers and where it rejects; the severest of all causes counts."""
        if len(set(written.values())) == 1:
            return _levels(written["else"], rows)
        refer: list[Ref] = []
        reject: list[Ref] = []
        for name, where in causes.items():
            for effect, masks in (("refer", refer), ("reject", reject)):
                masks.append(self.tape.both(where, self._leads_to(effect, written, name)))
        return self.tape.either(*refer), self.tape.either(*reject)

    def _leads_to(self, effect: str, written: Mapping[str, Effect], name: str) -> Ref:
        """The rows in which the reason for which input ``name`` is missing leads to ``effect``."""
        if not name:
            return ALL if written.get(NOT_COMPUTABLE, written["else"]) == effect else NONE
        named = [reason for reason in written if reason != "else"]
        rest = written["else"] == effect
        chosen = [reason for reason in named if (written[reason] == effect) != rest]
        found = self.tape.either(*(self._because(name, reason) for reason in chosen))
        return self.tape.no(found) if rest else found

    def _because(self, name: str, reason: str) -> Ref:
        """The rows in which ``reason`` is why input ``name`` is missing."""
        number = self.reasons[reason]
        given = self.tape.column(f"reason:{name}")
        found = self.tape.op("b", f"equal({{0}}, {number}, out={{out}})", given)
        absent = self.absent[name]
        if reason == INVALID_VALUE:
            return self.tape.either(self.tape.both(found, absent), self.tape.no(absent))
        return self.tape.both(found, absent)

    # causes -----------------------------------------------------------------------------------

    def _causes(self, blame: Blame) -> Blame:
        """The inputs behind blamed names; the empty name stays: a value known and yet not computable."""
        parts: list[Blame] = []
        for name, rows in blame.items():
            if name in self.tables:
                parts.append(self._table_causes(self.tables[name], rows))
            elif name in self.derived:
                parts.append(self._causes(self.trees.blame(self.derived[name].tree, rows)))
            else:
                parts.append({name: rows})
        return merged(self.tape, parts)

    def _table_causes(self, table: TableColumns, rows: Ref) -> Blame:
        """The inputs behind a table without answer."""
        names = dict.fromkeys((*table.step.table.inputs, ""))
        return self._causes({name: self.tape.both(rows, table.blamed(name)) for name in names})


def _speaks(written: Mapping[str, Effect]) -> bool:
    """Whether a missing value ever leads to more than a note."""
    return any(effect != "ignore" for effect in written.values())


def _levels(effect: Effect, rows: Ref) -> tuple[Ref, Ref]:
    """``rows`` as where it refers and where it rejects."""
    return (rows if effect == "refer" else NONE), (rows if effect == "reject" else NONE)


def _reasons(policy: Policy) -> dict[str, int]:
    """Every reason the policy names, by number; 0 for the rest, 1 for no reason given."""
    file = policy.file
    parts: list[Input | Table | Rule] = [*file.inputs.values(), *file.tables, *file.rules]
    named = dict.fromkeys(reason for part in parts for reason in part.if_missing if reason != "else")
    return {reason: i for i, reason in enumerate(dict.fromkeys((OTHER, NOT_GIVEN, *named)))}


def _below(bound: Decimal) -> float:
    """The greatest double that is written as at most ``bound``."""
    value = float(bound)
    return value if exact(value) <= bound else math.nextafter(value, -math.inf)


def _above(bound: Decimal) -> float:
    """The least double that is written as at least ``bound``."""
    return -_below(-bound)
