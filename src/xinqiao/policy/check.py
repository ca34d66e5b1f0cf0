"""Checking a policy before its release: all faults of the file at once, each with its line.

Beyond what stops a policy from loading, it looks for what makes it decide otherwise than meant:
rows no case reaches, gaps and overlaps of tables, rules that never or always fire, limits and
rates beyond the bank's mandate, and parts that nothing uses. Errors mean that the policy is not
to be released; warnings are for a person to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.kernel.expression import Const, Node, names
from xinqiao.policy.axis import written
from xinqiao.policy.check_range import NOTHING, Reach, number, of_kind, one_of, reach
from xinqiao.policy.check_table import TableFaults
from xinqiao.policy.compiled import DeriveStep, Examination, RuleStep, TableStep, examine_policy, needs
from xinqiao.policy.format import Input
from xinqiao.policy.lookup import compile_lookup
from xinqiao.policy.mandate import Mandate
from xinqiao.policy.wording import show

Severity = Literal["error", "warning"]

MOST_ALIKE = 100
"""Most findings of one kind in one table; the rest is counted."""

_MOST_ROWS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a policy file."""

    severity: Severity
    fault: UserError

    @property
    def line(self) -> int:
        """The 1-based line of the fault, 1 when it concerns the whole file."""
        parts = self.fault.where.split(":")
        return next((int(part) for part in parts[1:] if part.isdigit()), 1)

    def as_json(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        what, fix = self.fault.what, self.fault.fix
        return {
            "severity": self.severity,
            "code": self.fault.code,
            "where": self.fault.where,
            "line": self.line,
            "what": {"zh": what.zh, "en": what.en},
            "fix": {"zh": fix.zh, "en": fix.en},
        }


def check_policy(
    text: str, origin: str, units: Mapping[str, str], mandate: Mandate | None
) -> tuple[Finding, ...]:
    """All findings of the policy ``text``, by line; ``origin`` (a file name) stands in their places.

    ``units`` gives the unit of every known indicator. Without ``mandate`` the bank's bounds are
    not looked at. An empty result says that nothing was found.
    """
    examined = examine_policy(text, origin, units)
    if isinstance(examined, tuple):
        return tuple(Finding("error", fault) for fault in examined)
    found = [Finding("error", fault) for fault in examined.faults]
    found += _Check(examined).run()
    if mandate is not None:
        found += _beyond(examined, mandate)
    return tuple(sorted(found, key=lambda each: (each.line, each.severity, each.fault.code)))


class _Check:
    """Follows the values through a policy, step by step in their order."""

    def __init__(self, examined: Examination) -> None:
        self.file = examined.file
        self.lines = examined.lines
        self.kinds = examined.kinds
        self.examined = examined
        self.grades = tuple(self.file.grades)
        self.env = {name: of_kind(kind, self.grades, missing=True) for name, kind in self.kinds.items()}
        self.env.update({name: self._input(name, item) for name, item in self.file.inputs.items()})

    def run(self) -> Iterator[Finding]:
        """All findings, in the order of the steps."""
        for step in self.examined.steps:
            if isinstance(step, DeriveStep):
                self.env[step.name] = self._reach(step.tree)
            else:
                yield from self._table(step)
        for rule in self.examined.rules:
            yield from self._rule(rule)
        yield from self._limit()
        yield from self._price()
        yield from self._unused()
        yield from self._same_code()
        yield from self._ignored()

    def _found(self, severity: Severity, code: str, /, *path: str | int, **values: object) -> Finding:
        return Finding(severity, user_error(code, self.lines.where(path), **values))

    def _reach(self, tree: Node, **other: Reach) -> Reach:
        return reach(tree, {**self.env, **other}, self.grades)

    def _input(self, name: str, item: Input) -> Reach:
        whole = of_kind(self.kinds[name], self.grades, missing=True)
        if self.kinds[name].base != "number":
            return whole
        low, high = item.range or (whole.low, whole.high)
        if low > high:  # a fault of its own
            low, high = whole.low, whole.high
        return replace(whole, low=low, high=high, whole=item.type == "integer")

    # tables -----------------------------------------------------------------------------------

    def _table(self, step: TableStep) -> Iterator[Finding]:
        table = step.table
        i = next(i for i, each in enumerate(self.file.tables) if each is table)
        faults = TableFaults(step, compile_lookup(step, self.grades, self.kinds), self.env)
        unreached, overlaps = faults.unreached(), faults.overlaps()
        yield from self._some(self._unreached(i, faults, unreached), len(unreached), i)
        yield from self._some(self._overlaps(i, faults, overlaps), len(overlaps), i)
        if gaps := faults.gaps():
            box = "; ".join(gaps)
            yield self._found("error", "POL-TABLE-GAP", "tables", i, "rows", table=table.id, box=box)
        if not faults.worked_out:
            yield self._found("warning", "POL-TABLE-TANGLED", "tables", i, table=table.id)
        for j, name in enumerate(table.inputs):
            if all(row[j] == "-" for row in table.rows):
                yield self._found("warning", "POL-COLUMN-UNUSED", "tables", i, "inputs", j, name=name)
        never = set(unreached)
        for k, name in enumerate(table.outputs):
            cells = (outs[k] for row, (_, outs) in enumerate(step.rows) if row not in never)
            self.env[name] = self._output(cells)

    def _output(self, cells: Iterable[Const]) -> Reach:
        """What a table's column can give; it can always give nothing."""
        whole = NOTHING
        for value in {written(cell) for cell in cells}:
            whole = whole.join(number(value) if isinstance(value, Decimal) else one_of(value))
        return whole

    def _some(self, found: Iterator[Finding], count: int, i: int) -> Iterator[Finding]:
        """The first ``MOST_ALIKE`` of ``count`` findings, and how many more there are."""
        yield from (finding for finding, _ in zip(found, range(MOST_ALIKE), strict=False))
        if count > MOST_ALIKE:
            yield self._found("error", "POL-TABLE-MORE", "tables", i, "rows", count=count - MOST_ALIKE)

    def _unreached(self, i: int, faults: TableFaults, rows: list[int]) -> Iterator[Finding]:
        table = self.file.tables[i]
        for row in rows:
            path = ("tables", i, "rows", row)
            if column := faults.impossible_column(row):
                cell = table.rows[row][table.inputs.index(column)]
                yield self._found("error", "POL-ROW-IMPOSSIBLE", *path, row=row + 1, name=column, cell=cell)
                continue
            covering = faults.covering(row)
            lines = [str(self.lines.at(("tables", i, "rows", each))) for each in covering[:_MOST_ROWS_NAMED]]
            more = " …" if len(covering) > _MOST_ROWS_NAMED else ""
            yield self._found(
                "error", "POL-ROW-UNREACHABLE", *path, row=row + 1, lines=", ".join(lines) + more
            )

    def _overlaps(self, i: int, faults: TableFaults, pairs: list[tuple[int, int]]) -> Iterator[Finding]:
        for first, second in pairs:
            line = self.lines.at(("tables", i, "rows", first))
            values = {"row": second + 1, "other": first + 1, "line": line}
            path = ("tables", i, "rows", second)
            box = faults.example(first, second)
            yield self._found("error", "POL-TABLE-OVERLAP", *path, **values, box=box)

    # rules and ends ---------------------------------------------------------------------------

    def _rule(self, step: RuleStep) -> Iterator[Finding]:
        i = next(i for i, each in enumerate(self.file.rules) if each is step.rule)
        truth = self._reach(step.tree)
        values = truth.values if truth.known and truth.values is not None else frozenset()
        if True not in values:
            yield self._found("error", "POL-RULE-NEVER", "rules", i, "if", rule=step.rule.id)
        elif False not in values:
            yield self._found("error", "POL-RULE-ALWAYS", "rules", i, "if", rule=step.rule.id)

    def _limit(self) -> Iterator[Finding]:
        item = self.file.limit
        if self.examined.limit is not None:
            found = self._reach(self.examined.limit)
            if not found.known or found.high < item.min:
                high = show(found.high) if found.known else "-"
                yield self._found("error", "POL-LIMIT-NEVER", "limit", "expr", high=high, least=item.min)

    def _price(self) -> Iterator[Finding]:
        item = self.file.price
        if self.examined.price is None:
            return
        found = self._reach(self.examined.price)
        if not found.known or (found.low > item.max and item.above_max != "cap"):
            low = show(found.low) if found.known else "-"
            yield self._found("error", "POL-PRICE-NEVER", "price", "expr", low=low, most=item.max)
        elif found.high > item.max and item.above_max == "cap":
            high = "∞" if found.high.is_infinite() else show(found.high)
            yield self._found("warning", "POL-PRICE-CAP", "price", "above_max", high=high, most=item.max)

    # the whole --------------------------------------------------------------------------------

    def _unused(self) -> Iterator[Finding]:
        """Names that no rule, limit or price needs, neither directly nor through others."""
        sources = {name: needs(step) for step in self.examined.steps for name in _gives(step)}
        ends = [tree for tree in (self.examined.limit, self.examined.price) if tree is not None]
        if self.examined.faults:  # what a faulty part would use is not known
            return
        used = {name for tree in ends for name in names(tree)}
        used |= {name for rule in self.examined.rules for name in (*names(rule.tree), *rule.places)}
        waiting = list(used)
        while waiting:
            more = set(sources.get(waiting.pop(), ())) - used
            used |= more
            waiting += more
        for part in ("inputs", "derive"):
            for name in getattr(self.file, part):
                if name not in used:
                    yield self._found("warning", "POL-UNUSED", part, name, name=name)
        for i, table in enumerate(self.file.tables):
            for name in table.outputs:
                if name not in used:
                    yield self._found("warning", "POL-UNUSED", "tables", i, "outputs", name, name=name)

    def _same_code(self) -> Iterator[Finding]:
        counts = Counter(rule.code for rule in self.file.rules)
        for i, rule in enumerate(self.file.rules):
            if counts[rule.code] > 1:
                yield self._found("warning", "POL-RULE-CODE", "rules", i, "code", detail=rule.code)

    def _ignored(self) -> Iterator[Finding]:
        """What may be missing as written, although the limit or the price cannot do without it."""
        tables = {name: i for i, table in enumerate(self.file.tables) for name in table.outputs}
        for name in self.env:
            path: tuple[str | int, ...]
            if name in self.file.inputs:
                path, if_missing = ("inputs", name), self.file.inputs[name].if_missing
            elif name in tables:
                path, if_missing = ("tables", tables[name]), self.file.tables[tables[name]].if_missing
            else:
                continue
            if "ignore" in if_missing.values():
                for end in self._stopped(name):
                    yield self._found("warning", "POL-IGNORED", *path, "if_missing", name=name, end=end)

    def _stopped(self, gone: str) -> Iterator[str]:
        """The ends without value when ``gone`` is missing and no table answers for it."""
        known = {name: replace(span, missing=False) for name, span in self.env.items()}
        known[gone] = NOTHING
        for step in self.examined.steps:
            if isinstance(step, DeriveStep):
                known[step.name] = reach(step.tree, known, self.grades)
        for end, tree in (("limit", self.examined.limit), ("price", self.examined.price)):
            if tree is not None and not reach(tree, known, self.grades).known:
                yield end


def _gives(step: DeriveStep | TableStep) -> tuple[str, ...]:
    return (step.name,) if isinstance(step, DeriveStep) else tuple(step.table.outputs)


def _beyond(examined: Examination, mandate: Mandate) -> Iterator[Finding]:
    """Bounds of the policy outside the mandate."""
    file = examined.file
    bounds: list[tuple[tuple[str, ...], Decimal | int, list[Decimal] | list[int]]] = [
        (("limit", "min"), file.limit.min, mandate.limit_cny),
        (("limit", "max"), file.limit.max, mandate.limit_cny),
        (("price", "min"), file.price.min, mandate.rate),
        (("price", "max"), file.price.max, mandate.rate),
        (("term_months",), file.term_months, mandate.term_months),
    ]
    for path, value, (low, high) in bounds:
        if not low <= value <= high:
            where = examined.lines.where(path)
            what = {"name": ".".join(path), "value": value, "low": low, "high": high, "mandate": mandate.id}
            yield Finding("error", user_error("POL-MANDATE", where, **what))
