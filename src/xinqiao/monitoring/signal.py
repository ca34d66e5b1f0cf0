"""Early-warning signals (预警信号): short definitions over indicators, the own book and fraud leads.

A signal speaks, is silent, or is unknown where something it rests on is missing: unknown is never taken
for silent. Definitions stand in ``catalog/monitoring/signals.yaml``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.model import COMPANY, Formula
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import names, parse_expression
from xinqiao.kernel.text import Text
from xinqiao.portrait.tag import truths
from xinqiao.relation.leads.rule import rules

Level = Literal["yellow", "orange", "red"]
LEVELS: tuple[Level, ...] = get_args(Level)
LEVEL_NAMES: dict[str, Text] = {
    "red": Text(zh="红色", en="red"),
    "orange": Text(zh="橙色", en="orange"),
    "yellow": Text(zh="黄色", en="yellow"),
}
BEFORE = "_3m"
"""Ends the name of an indicator as it was three months before."""
MONTHS_BEFORE = 3
OWN = ("own_days_past_due", "own_late_months_6m", "own_utilisation", "months_on_book")
"""What a lender's own book tells of a borrower."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _SignalShape(_Shape):
    name: Text
    group: str
    level: Level
    expr: str | None = None
    lead: str | None = None
    about: Text


class _File(_Shape):
    weights: dict[Level, int]
    levels: dict[Level, int]
    groups: dict[str, Text]
    signals: dict[str, _SignalShape]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: an expression (``formula``) or a fraud rule (``lead``) that speaks about the firm."""

    id: str
    name: Text
    group: str
    level: Level
    about: Text
    formula: Formula | None
    lead: str | None

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The indicators it looks at, now or before, each once."""
        found = () if self.formula is None else names(self.formula.node)
        return tuple(dict.fromkeys(n.removesuffix(BEFORE) for n in found if n not in OWN))


@dataclass(frozen=True, slots=True)
class Signals:
    """All signals by id, in the order written; what each level weighs and from which sum it is reached."""

    weights: dict[Level, int]
    levels: dict[Level, int]
    groups: dict[str, Text]
    signals: dict[str, Signal]

    def weight(self, spoken: Iterable[str]) -> int:
        """The sum of the weights of the signals ``spoken``."""
        return sum(self.weights[self.signals[key].level] for key in spoken)

    def level(self, spoken: Iterable[str]) -> Level | None:
        """The level of a firm about which ``spoken`` speak; None when none does."""
        total = self.weight(spoken)
        reached = [level for level in LEVELS if total >= self.levels[level]]
        return reached[-1] if reached else None


def load(text: str, origin: str) -> Signals:
    """Parse and check a file of signals. Raises UserError DOC-*, EXPR-*, MON-SIGNAL with file and line."""
    file, lines = parse(text, _File, origin)
    if set(file.weights) != set(LEVELS) or set(file.levels) != set(LEVELS):
        fail("MON-SIGNAL", lines.where(("levels",)), detail=", ".join(LEVELS))
    found = {key: _signal(key, shape, file, lines) for key, shape in file.signals.items()}
    return Signals(file.weights, file.levels, file.groups, found)


def _signal(key: str, shape: _SignalShape, file: _File, lines: Lines) -> Signal:
    where = lines.where(("signals", key))
    if shape.group not in file.groups:
        fail("MON-SIGNAL", where, detail=f"group {shape.group}: {', '.join(file.groups)}")
    if (shape.expr is None) == (shape.lead is None):
        fail("MON-SIGNAL", where, detail="expr | lead")
    if shape.lead is not None and shape.lead not in rules():
        fail("MON-SIGNAL", where, detail=f"lead {shape.lead}")
    formula = None
    if shape.expr is not None:
        place = lines.where(("signals", key, "expr"))
        formula = Formula(parse_expression(shape.expr, place), shape.expr, place)
        _check_names(formula)
    return Signal(key, shape.name, shape.group, shape.level, shape.about, formula, shape.lead)


def _check_names(formula: Formula) -> None:
    for name in names(formula.node):
        if name not in OWN and name.removesuffix(BEFORE) not in indicators():
            fail("MON-SIGNAL", formula.where, detail=f"{name}: {', '.join(OWN)}")


@cache
def signals() -> Signals:
    """The signals of the catalog."""
    file = files("xinqiao").joinpath("catalog", "monitoring", "signals.yaml")
    return load(file.read_text("utf-8"), "catalog/monitoring/signals.yaml")


@dataclass(frozen=True, slots=True)
class Said:
    """What the signals say of one firm: those that speak, and those nobody can tell."""

    spoken: tuple[str, ...]
    unknown: tuple[str, ...]


def spoken(
    values: pa.Table, as_of: date, leads: Mapping[str, Collection[str] | None], known: Signals | None = None
) -> dict[str, Said]:
    """What the signals (the catalog's when None) say of every company of ``values``.

    ``values``: company_id and float64 columns named as in expressions; a column that is absent is unknown
    for everyone. ``leads``: company -> fraud rules that speak about it, None where nobody may tell; a company
    that is absent has none.
    """
    held = known or signals()
    formulas = {s.id: s.formula for s in held.signals.values() if s.formula is not None}
    snapshot = Snapshot(values, MISSING_SCHEMA.empty_table(), as_of)
    return {row[COMPANY]: _said(row, leads, held) for row in truths(snapshot, formulas)}


def _said(row: Mapping[str, Any], leads: Mapping[str, Collection[str] | None], held: Signals) -> Said:
    own = leads.get(row[COMPANY], ())
    speaks: list[str] = []
    unknown: list[str] = []
    for signal in held.signals.values():
        told = row[signal.id] if signal.lead is None else None if own is None else signal.lead in own
        if told is None:
            unknown.append(signal.id)
        elif told:
            speaks.append(signal.id)
    return Said(tuple(speaks), tuple(unknown))


def wanted(known: Signals | None = None) -> list[str]:
    """The indicators the signals rest on, in the catalog's order."""
    used = {name for s in (known or signals()).signals.values() for name in s.rests_on}
    return [name for name in indicators() if name in used]


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows (company_id and figures by name, None where missing) as ``spoken`` reads them."""
    columns = dict.fromkeys(name for row in rows for name in row if name != COMPANY)
    parts: dict[str, pa.Array] = {COMPANY: pa.array([row[COMPANY] for row in rows], pa.string())}
    for name in columns:
        parts[name] = pa.array([row.get(name) for row in rows], pa.float64(), from_pandas=True)
    return pa.table(parts)
