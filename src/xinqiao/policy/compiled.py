"""A policy ready to run: every expression parsed and typed, every step in an order that works.

Loading does all that can be done without a case: unknown names, type and unit errors, unknown
grades, bad table rows, circles and impossible limits stop here with file and line, never later.
"""

from __future__ import annotations

import keyword
import string
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from xinqiao.kernel.document import Lines, parse, read_yaml, shape_faults
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.expression import Const, Logic, Name, Node, names, parse_expression, walk
from xinqiao.kernel.text import Text
from xinqiao.policy.conditions import ANY, Cells
from xinqiao.policy.format import Cell, Derive, Input, Limit, Output, PolicyFile, Price, Rule, Table
from xinqiao.policy.kinds import CNY, FUNCTIONS, Checker, Kind, declared

_SCORE_TYPES = {
    "points": ("number", "integer"),
    "pd": ("ratio",),
    "grade": ("grade",),
    "segment": ("text",),
    "overlay": ("text",),
}
ROUTED = ("score.segment", "score.overlay")
"""What only a model with segments says of a company; absent in the cases of any other."""
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


@dataclass(frozen=True, slots=True)
class Examination:
    """What could be read of a policy, and its ``faults``; faulty steps and rules are left out."""

    file: PolicyFile
    lines: Lines
    kinds: Mapping[str, Kind]
    steps: tuple[Step, ...]
    rules: tuple[RuleStep, ...]
    limit: Node | None
    price: Node | None
    faults: tuple[UserError, ...]


def compile_policy(text: str, origin: str, units: Mapping[str, str] | None = None) -> Policy:
    """Read and check a policy; ``origin`` (a file name) goes into errors.

    ``units`` gives the unit of every known indicator; with it, references to them are checked.
    Raises UserError DOC-*, EXPR-* or POL-*, each with file and line.
    """
    file, lines = parse(text, PolicyFile, origin)
    return compile_file(file, lines, text, units)


def compile_file(file: PolicyFile, lines: Lines, text: str, units: Mapping[str, str] | None = None) -> Policy:
    """The same of a file already read; ``text`` is how it is written, and gives it again.

    Raises UserError EXPR-* or POL-*.
    """
    found = _Compiler(file, lines, units).run()
    if found.faults:
        raise found.faults[0]
    if found.limit is None or found.price is None:
        raise AssertionError(found)  # they are left out for a fault only
    return Policy(
        file=file,
        kinds=found.kinds,
        items=_items(file),
        steps=found.steps,
        rules=found.rules,
        limit=found.limit,
        price=found.price,
        text=text,
    )


def examine_policy(
    text: str, origin: str, units: Mapping[str, str] | None = None
) -> Examination | tuple[UserError, ...]:
    """Read a policy and collect all its faults; only the faults where its shape cannot be read."""
    try:
        data, lines = read_yaml(text, origin)
        file = PolicyFile.model_validate(data)
    except UserError as error:
        return (error,)
    except ValidationError as error:
        faults = shape_faults(error, lines)
        return tuple(user_error("DOC-SHAPE", f"{origin}:{line}", detail=what) for line, what in faults)
    return _Compiler(file, lines, units).run()


def _items(file: PolicyFile) -> dict[str, Input | Derive | Output]:
    outputs = {name: out for table in file.tables for name, out in table.outputs.items()}
    return {**file.inputs, **file.derive, **outputs}


class _Compiler:
    """Goes through a policy once; a fault ends the part it is in, not the whole."""

    def __init__(self, file: PolicyFile, lines: Lines, units: Mapping[str, str] | None) -> None:
        self.file = file
        self.lines = lines
        self.units = units
        self.faults: list[UserError] = []
        self.kinds: dict[str, Kind] = {}
        self.checker = Checker(self.kinds, tuple(file.grades))
        self.cells = Cells(tuple(file.grades))

    def run(self) -> Examination:
        self._scalars()
        self._declare()
        trees = {
            name: tree
            for name, item in self.file.derive.items()
            if (tree := self._tree(item.expr, self.kinds.get(name), "derive", name, "expr"))
        }
        return Examination(
            file=self.file,
            lines=self.lines,
            kinds=self.kinds,
            steps=self._ordered(trees),
            rules=tuple(self._rules()),
            limit=self._tree(self.file.limit.expr, Kind("number", CNY), "limit", "expr"),
            price=self._tree(self.file.price.expr, Kind("number"), "price", "expr"),
            faults=tuple(self.faults),
        )

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        try:
            yield
        except UserError as error:
            self.faults.append(error)

    def _fault(self, code: str, where: str, **values: object) -> None:
        self.faults.append(user_error(code, where, **values))

    def _where(self, *path: str | int) -> str:
        return self.lines.where(path)

    def _tree(self, text: str, kind: Kind | None, *path: str | int) -> Node | None:
        """The tree of an expression that can stand where ``kind`` is needed; None when it is faulty."""
        where = self._where(*path)
        before = len(self.faults)
        with self._collecting():
            tree = parse_expression(text, where)
            for node in walk(tree):
                if isinstance(node, Name) and node.id not in self.kinds:
                    self._fault("POL-NAME", f"{where}:{node.column}", detail=node.id)
            if len(self.faults) == before and kind is not None:
                self.checker.expect(tree, kind, where)
        return tree if len(self.faults) == before and kind is not None else None

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

    def _name(self, name: str, kind: Kind, *path: str | int) -> None:
        plain = unicodedata.normalize("NFKC", name)
        if plain != name or not name.isidentifier() or keyword.iskeyword(name) or name in FUNCTIONS:
            self._fault("POL-NAME", self._where(*path), detail=name)
        if name in self.kinds:
            self._fault("POL-DUPLICATE", self._where(*path), detail=name)
        self.kinds.setdefault(name, kind)

    def _unique(self, part: str, ids: list[str]) -> None:
        for i, item in enumerate(ids):
            if item in ids[:i]:
                self._fault("POL-DUPLICATE", self._where(part, i, "id"), detail=item)

    def _input(self, name: str, item: Input) -> None:
        family, field = item.source.split(".", 1)
        where = self._where("inputs", name, "source")
        if family == "indicator" and self.units is not None:
            self._indicator(name, item, field, self.units)
        if family == "score" and item.type not in _SCORE_TYPES.get(field, ()):
            self._fault("POL-TYPE", where, detail=f"{item.source} as {item.type}")
        if item.unit is not None and item.type not in ("number", "integer"):
            detail = f"{item.type} has no unit of its own"
            self._fault("POL-UNIT", self._where("inputs", name, "unit"), detail=detail)
        where = self._where("inputs", name, "range")
        if item.range is not None and self.kinds[name].base != "number":
            self._fault("POL-VALUE", where, detail=f"{item.type} has no range")
        if item.range is not None and item.range[0] > item.range[1]:
            self._fault("POL-VALUE", where, detail="the range is empty")

    def _indicator(self, name: str, item: Input, field: str, units: Mapping[str, str]) -> None:
        fits = (item.unit or "count",) if item.type in ("number", "integer") else _UNITS.get(item.type, ())
        if field not in units:
            self._fault("POL-INDICATOR", self._where("inputs", name, "source"), detail=field)
        elif units[field] not in fits:
            where = self._where("inputs", name, "unit" if item.unit else "type")
            detail = f"{field} [{units[field]}] / {item.type} [{item.unit or ''}]"
            self._fault("POL-INDICATOR-UNIT", where, detail=detail)

    # single values ----------------------------------------------------------------------------

    def _scalars(self) -> None:
        self._unique("grades", self.file.grades)
        span = self.file.effective
        if span.to is not None and span.to < span.from_:
            self._fault("POL-VALUE", self._where("effective", "to"), detail="ends before it begins")
        self._bounds("limit", self.file.limit)
        self._bounds("price", self.file.price)

    def _bounds(self, part: str, item: Limit | Price) -> None:
        if not Decimal(0) < item.step <= item.max:
            self._fault("POL-VALUE", self._where(part, "step"), detail="step is more than 0 and at most max")
            return
        if not Decimal(0) < item.min <= item.max:
            self._fault("POL-VALUE", self._where(part, "min"), detail="min is more than 0 and at most max")
        for bound in ("min", "max"):
            if getattr(item, bound) % item.step:
                detail = f"{bound} is a whole multiple of step"
                self._fault("POL-VALUE", self._where(part, bound), detail=detail)

    # meaning ----------------------------------------------------------------------------------

    def _rules(self) -> Iterator[RuleStep]:
        for i, rule in enumerate(self.file.rules):
            tree = self._tree(rule.if_, Kind("bool"), "rules", i, "if")
            places = self._places(rule.reason, self._where("rules", i, "reason"))
            if tree is not None:
                yield RuleStep(rule, tree, places)

    def _places(self, reason: Text, where: str) -> tuple[str, ...]:
        """The names a reason speaks of; a fault leaves none."""
        try:
            found = [self._fields(text, where) for text in (reason.zh, reason.en)]
            if found[0] != found[1]:
                detail = f"zh {sorted(found[0])}, en {sorted(found[1])}"
                fail("POL-PLACEHOLDER", where, detail=detail)
        except UserError as error:
            self.faults.append(error)
            return ()
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

    def _table(self, i: int, table: Table) -> TableStep | None:
        """The table with its rows read; None when it or any row of it is faulty."""
        before = len(self.faults)
        for j, name in enumerate(table.inputs):
            if name not in self.kinds:
                self._fault("POL-NAME", self._where("tables", i, "inputs", j), detail=name)
            if name in table.inputs[:j]:
                self._fault("POL-DUPLICATE", self._where("tables", i, "inputs", j), detail=name)
        if len(self.faults) > before:
            return None
        outputs = [self.kinds[name] for name in table.outputs]
        if table.hit == "collect-max" and any(kind.base != "number" for kind in outputs):
            self._fault("POL-TYPE", self._where("tables", i, "outputs"), detail="collect-max needs numbers")
        rows = []
        for j, cells in enumerate(table.rows):
            with self._collecting():
                rows.append(self._row(table, cells, outputs, self._where("tables", i, "rows", j)))
        return TableStep(table, tuple(rows)) if len(self.faults) == before else None

    def _row(
        self, table: Table, cells: list[Cell], outputs: list[Kind], where: str
    ) -> tuple[Node, tuple[Const, ...]]:
        width = len(table.inputs)
        if len(cells) != width + len(outputs):
            fail("POL-ROW", where, detail=f"{len(cells)} cells, {width + len(outputs)} columns")
        columns = zip(table.inputs, cells, strict=False)
        parts = [self.cells.condition(name, self.kinds[name], cell, where) for name, cell in columns]
        for part in parts:
            self.checker.expect(part, Kind("bool"), where)
        tests = tuple(part for part in parts if part is not ANY)
        values = zip(outputs, cells[width:], strict=True)
        outs = tuple(self.cells.output(kind, cell, where) for kind, cell in values)
        return Logic(1, "and", tests) if tests else ANY, outs

    # order ------------------------------------------------------------------------------------

    def _ordered(self, trees: Mapping[str, Node]) -> tuple[Step, ...]:
        """Derived values and tables, each after what it needs; file order otherwise."""
        derive = self.file.derive
        steps: dict[str, Step] = {n: DeriveStep(n, derive[n].name, tree) for n, tree in trees.items()}
        for i, table in enumerate(self.file.tables):
            if step := self._table(i, table):
                steps.update(dict.fromkeys(table.outputs, step))
        done: dict[str, Step] = {}
        with self._collecting():
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
