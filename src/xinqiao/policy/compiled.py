"""A policy ready to run: every expression parsed and typed, every step in an order that works.

Loading does all that can be done without a case: unknown names, type and unit errors, unknown
grades, bad table rows, circles and impossible limits stop here with file and line, never later.
"""

from __future__ import annotations

import keyword
import string
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import Const, Logic, Node, names, parse_expression
from xinqiao.kernel.text import Text
from xinqiao.policy.conditions import ANY, Cells
from xinqiao.policy.format import Derive, Input, Limit, Output, PolicyFile, Price, Rule, Table
from xinqiao.policy.kinds import CNY, FUNCTIONS, Checker, Kind, declared

_SCORE_TYPES = {"points": ("number", "integer"), "pd": ("ratio",), "grade": ("grade",)}
_UNITS = {"money": ("CNY",), "ratio": ("ratio", "index"), "bool": ("flag",)}


@dataclass(frozen=True, slots=True)
class DeriveStep:
    """A derived value and its tree."""

    name: str
    label: Text
    tree: Node


@dataclass(frozen=True, slots=True)
class TableStep:
    """A table; ``rows`` pairs each row's condition with its output values."""

    table: Table
    rows: tuple[tuple[Node, tuple[Const, ...]], ...]


@dataclass(frozen=True, slots=True)
class RuleStep:
    """A rule, its condition, and the names its reason speaks of."""

    rule: Rule
    tree: Node
    places: tuple[str, ...]


Step = DeriveStep | TableStep


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy. ``steps`` run in order, then ``rules``, limit and price.

    ``items`` are all declared names with how they were declared.
    """

    file: PolicyFile
    kinds: Mapping[str, Kind]
    items: Mapping[str, Input | Derive | Output]
    steps: tuple[Step, ...]
    rules: tuple[RuleStep, ...]
    limit: Node
    price: Node
    text: str

    def in_force(self, day: date) -> bool:
        """Whether the policy may decide on ``day``."""
        span = self.file.effective
        return span.from_ <= day and (span.to is None or day <= span.to)

    def require_in_force(self, day: date, where: str) -> None:
        """Raise UserError POL-NOT-EFFECTIVE, naming ``where``, unless the policy may decide on ``day``."""
        if not self.in_force(day):
            span, policy = self.file.effective, f"{self.file.id} {self.file.version}"
            fail(
                "POL-NOT-EFFECTIVE",
                where,
                policy=policy,
                as_of=day,
                period=f"{span.from_} – {span.to or '…'}",
            )


def compile_policy(text: str, origin: str, units: Mapping[str, str] | None = None) -> Policy:
    """Read and check a policy; ``origin`` (a file name) goes into errors.

    ``units`` gives the unit of every known indicator; with it, references to them are checked.
    Raises UserError DOC-*, EXPR-* or POL-*, each with file and line.
    """
    file, lines = parse(text, PolicyFile, origin)
    if units is not None:
        _check_indicators(file, lines, units)
    return _Compiler(file, lines, text).run()


def _check_indicators(file: PolicyFile, lines: Lines, units: Mapping[str, str]) -> None:
    for name, item in file.inputs.items():
        family, field = item.source.split(".", 1)
        if family != "indicator":
            continue
        where = lines.where(("inputs", name, "source"))
        if field not in units:
            fail("POL-INDICATOR", where, detail=field)
        fits = (item.unit or "count",) if item.type in ("number", "integer") else _UNITS.get(item.type, ())
        if units[field] not in fits:
            fail("POL-INDICATOR", where, detail=f"{field} [{units[field]}] / {item.type} [{item.unit or ''}]")


class _Compiler:
    def __init__(self, file: PolicyFile, lines: Lines, text: str) -> None:
        self.file = file
        self.lines = lines
        self.text = text
        self.kinds: dict[str, Kind] = {}
        self.checker = Checker(self.kinds, tuple(file.grades))
        self.cells = Cells(tuple(file.grades))

    def run(self) -> Policy:
        self._scalars()
        self._declare()
        trees = {
            name: self._tree(item.expr, "derive", name, "expr") for name, item in self.file.derive.items()
        }
        self._check_derived(trees)
        return Policy(
            file=self.file,
            kinds=self.kinds,
            items=self._items(),
            steps=self._ordered(trees),
            rules=tuple(self._rules()),
            limit=self._end("limit", self.file.limit, Kind("number", CNY)),
            price=self._end("price", self.file.price, Kind("number")),
            text=self.text,
        )

    def _where(self, *path: str | int) -> str:
        return self.lines.where(path)

    def _tree(self, text: str, *path: str | int) -> Node:
        return parse_expression(text, self._where(*path))

    # names ------------------------------------------------------------------------------------

    def _declare(self) -> None:
        for name, item in self.file.inputs.items():
            self._name(name, declared(item.type, item.unit, item.values), "inputs", name)
            self._input(name, item)
        for name, derived in self.file.derive.items():
            self._name(name, declared(derived.type, derived.unit), "derive", name)
        for i, table in enumerate(self.file.tables):
            for name, out in table.outputs.items():
                self._name(name, declared(out.type, out.unit), "tables", i, "outputs", name)
        self._unique("tables", [table.id for table in self.file.tables])
        self._unique("rules", [rule.id for rule in self.file.rules])

    def _items(self) -> dict[str, Input | Derive | Output]:
        outputs = {name: out for table in self.file.tables for name, out in table.outputs.items()}
        return {**self.file.inputs, **self.file.derive, **outputs}

    def _name(self, name: str, kind: Kind, *path: str | int) -> None:
        plain = unicodedata.normalize("NFKC", name)
        if plain != name or not name.isidentifier() or keyword.iskeyword(name) or name in FUNCTIONS:
            fail("POL-NAME", self._where(*path), detail=name)
        if name in self.kinds:
            fail("POL-DUPLICATE", self._where(*path), detail=name)
        self.kinds[name] = kind

    def _unique(self, part: str, ids: list[str]) -> None:
        for i, item in enumerate(ids):
            if item in ids[:i]:
                fail("POL-DUPLICATE", self._where(part, i, "id"), detail=item)

    def _input(self, name: str, item: Input) -> None:
        family, field = item.source.split(".", 1)
        where = self._where("inputs", name, "source")
        if family == "score" and item.type not in _SCORE_TYPES.get(field, ()):
            fail("POL-TYPE", where, detail=f"{item.source} as {item.type}")
        if item.unit is not None and item.type not in ("number", "integer"):
            fail(
                "POL-UNIT", self._where("inputs", name, "unit"), detail=f"{item.type} has no unit of its own"
            )
        if item.range is not None and self.kinds[name].base != "number":
            fail("POL-VALUE", self._where("inputs", name, "range"), detail=f"{item.type} has no range")
        if item.range is not None and item.range[0] > item.range[1]:
            fail("POL-VALUE", self._where("inputs", name, "range"), detail="the range is empty")

    # single values ----------------------------------------------------------------------------

    def _scalars(self) -> None:
        self._unique("grades", self.file.grades)
        span = self.file.effective
        if span.to is not None and span.to < span.from_:
            fail("POL-VALUE", self._where("effective", "to"), detail="ends before it begins")
        self._bounds("limit", self.file.limit)
        self._bounds("price", self.file.price)

    def _bounds(self, part: str, item: Limit | Price) -> None:
        if not Decimal(0) < item.step <= item.max:
            fail("POL-VALUE", self._where(part, "step"), detail="step is more than 0 and at most max")
        if not Decimal(0) < item.min <= item.max:
            fail("POL-VALUE", self._where(part, "min"), detail="min is more than 0 and at most max")
        for bound in ("min", "max"):
            if getattr(item, bound) % item.step:
                fail("POL-VALUE", self._where(part, bound), detail=f"{bound} is a whole multiple of step")

    # meaning ----------------------------------------------------------------------------------

    def _check_derived(self, trees: Mapping[str, Node]) -> None:
        for name, tree in trees.items():
            self.checker.expect(tree, self.kinds[name], self._where("derive", name, "expr"))

    def _rules(self) -> Iterator[RuleStep]:
        for i, rule in enumerate(self.file.rules):
            tree = self._tree(rule.if_, "rules", i, "if")
            self.checker.expect(tree, Kind("bool"), self._where("rules", i, "if"))
            places = self._places(rule.reason, self._where("rules", i, "reason"))
            yield RuleStep(rule, tree, places)

    def _end(self, part: str, item: Limit | Price, kind: Kind) -> Node:
        tree = self._tree(item.expr, part, "expr")
        self.checker.expect(tree, kind, self._where(part, "expr"))
        return tree

    def _places(self, reason: Text, where: str) -> tuple[str, ...]:
        found = [self._fields(text, where) for text in (reason.zh, reason.en)]
        if found[0] != found[1]:
            detail = f"zh {sorted(found[0])}, en {sorted(found[1])}"
            fail("POL-PLACEHOLDER", where, detail=detail)
        return tuple(sorted(found[0]))

    def _fields(self, text: str, where: str) -> set[str]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            fail("POL-PLACEHOLDER", where, detail=str(error))
        found = set()
        for _, field, form, conversion in parts:
            if field is None:
                continue
            if field not in self.kinds or form or conversion:
                fail("POL-PLACEHOLDER", where, detail=f"{{{field}}}")
            found.add(field)
        return found

    # tables -----------------------------------------------------------------------------------

    def _table(self, i: int, table: Table) -> TableStep:
        kinds = [self.kinds[name] for name in table.inputs if self._known(name, i)]
        for j, name in enumerate(table.inputs):
            if name in table.inputs[:j]:
                fail("POL-DUPLICATE", self._where("tables", i, "inputs"), detail=name)
        outputs = [self.kinds[name] for name in table.outputs]
        if table.hit == "collect-max" and any(kind.base != "number" for kind in outputs):
            fail("POL-TYPE", self._where("tables", i, "outputs"), detail="collect-max needs numbers")
        rows = []
        for j, cells in enumerate(table.rows):
            where = self._where("tables", i, "rows", j)
            if len(cells) != len(kinds) + len(outputs):
                fail("POL-ROW", where, detail=f"{len(cells)} cells, {len(kinds) + len(outputs)} columns")
            columns = zip(table.inputs, kinds, cells, strict=False)
            parts = [self.cells.condition(name, kind, cell, where) for name, kind, cell in columns]
            for part in parts:
                self.checker.expect(part, Kind("bool"), where)
            tests = tuple(part for part in parts if part is not ANY)
            values = zip(outputs, cells[len(kinds) :], strict=True)
            outs = tuple(self.cells.output(kind, cell, where) for kind, cell in values)
            rows.append((Logic(1, "and", tests) if tests else ANY, outs))
        return TableStep(table, tuple(rows))

    def _known(self, name: str, i: int) -> bool:
        if name not in self.kinds:
            fail("POL-NAME", self._where("tables", i, "inputs"), detail=name)
        return True

    # order ------------------------------------------------------------------------------------

    def _ordered(self, trees: Mapping[str, Node]) -> tuple[Step, ...]:
        """Derived values and tables, each after what it needs; file order otherwise."""
        steps: dict[str, Step] = {n: DeriveStep(n, d.name, trees[n]) for n, d in self.file.derive.items()}
        for i, table in enumerate(self.file.tables):
            step = self._table(i, table)
            steps.update(dict.fromkeys(table.outputs, step))
        done: dict[str, Step] = {}
        for name in steps:
            self._visit(name, steps, done, ())
        return tuple({id(step): step for step in done.values()}.values())

    def _visit(
        self, name: str, steps: Mapping[str, Step], done: dict[str, Step], path: tuple[str, ...]
    ) -> None:
        if name in done or name not in steps:
            return
        if name in path:
            fail("POL-CYCLE", self._defined(path[-1]), detail=" -> ".join((*path, name)))
        for need in needs(steps[name]):
            self._visit(need, steps, done, (*path, name))
        done[name] = steps[name]

    def _defined(self, name: str) -> str:
        if name in self.file.derive:
            return self._where("derive", name)
        i = next(i for i, table in enumerate(self.file.tables) if name in table.outputs)
        return self._where("tables", i, "outputs", name)


def needs(step: Step) -> tuple[str, ...]:
    """The names a step reads."""
    return tuple(step.table.inputs) if isinstance(step, TableStep) else names(step.tree)
