"""What contract fields an indicator rests on, derived from its expressions.

A field is written ``contract.field``. ``coalesce(a, b)`` rests only on its last
argument that is not a constant: those before are used where delivered and not missed otherwise.
A table of the graph rests on all fields it reads, but only the contracts it needs can be missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xinqiao.indicator.compiler import AS_OF
from xinqiao.indicator.model import Catalog, Indicator, View
from xinqiao.kernel.expression import Call, Name, Node, children
from xinqiao.relation.measures import RELATION_TABLES, RelationTable
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

Fields = frozenset[str]


def needed_names(node: Node) -> Iterable[str]:
    """The names without which the value of ``node`` is unknown."""
    if isinstance(node, Name):
        if node.id != AS_OF:
            yield node.id
    elif isinstance(node, Call) and node.function == "coalesce":
        named = [names for arg in node.args if (names := list(needed_names(arg)))]
        yield from named[-1] if named else []
    else:
        for child in children(node):
            yield from needed_names(child)


class Lineage:
    """Fields behind the columns of every view, computed when first asked for.

    With ``missed`` only those whose absence leaves no value.
    """

    def __init__(self, catalog: Catalog, *, missed: bool = False) -> None:
        self.catalog = catalog
        self.missed = missed
        self._views: dict[str, dict[str, Fields]] = {}

    def of(self, source: str) -> dict[str, Fields]:
        """Column -> fields, of a contract, a table of the graph or a view."""
        if source in RELATION_TABLES:
            return dict.fromkeys(RELATION_TABLES[source].columns, self._graph(RELATION_TABLES[source]))
        if source not in self.catalog.views:
            contract = contracts()[source]
            always = frozenset({f"{source}.{contract.known}"})
            return {name: frozenset({f"{source}.{name}"}) | always for name in contract.fields}
        if source not in self._views:
            self._views[source] = self._view(self.catalog.views[source])
        return self._views[source]

    def _graph(self, table: RelationTable) -> Fields:
        if self.missed:
            return frozenset(f"{name}.{contracts()[name].company}" for name in table.needs)
        return frozenset(f"{name}.{field}" for name, fields in table.reads.items() for field in fields)

    def _view(self, view: View) -> dict[str, Fields]:
        out = dict(self.of(view.source))
        rows: Fields = frozenset()
        for join in view.joins:
            right = self.of(join.view)
            keys = _union([out[a] | right[b] for a, b in join.on])
            rows |= keys if join.inner else frozenset()
            out |= {join.prefix + name: fields | keys for name, fields in right.items()}
        for name, formula in view.columns.items():
            out[name] = _behind(formula.node, out)
        if view.condition:
            rows |= _behind(view.condition.node, out)
        if not view.measures:
            return {name: fields | rows for name, fields in out.items()}
        keys = rows | _union([out[key] for key in view.by])
        return dict.fromkeys(view.by, keys) | {
            name: _behind(formula.node, out) | keys for name, formula in view.measures.items()
        }

    def of_indicator(self, indicator: Indicator) -> Fields:
        """All fields ``indicator`` rests on, those that tell its coverage included."""
        contract = contracts()[indicator.covered_by]
        out = frozenset({f"{indicator.covered_by}.{contract.company}"})
        formulas = [need.formula for need in indicator.needs]
        for formula in [*formulas, *([indicator.expr] if indicator.expr else [])]:
            for name in needed_names(formula.node):
                view = self.catalog.measure_view(name)
                if view:
                    out |= self.of(view.id)[name]
        return out


def _union(sets: Iterable[Fields]) -> Fields:
    return frozenset().union(*sets)


def _behind(node: Node, columns: dict[str, Fields]) -> Fields:
    return _union(columns[name] for name in needed_names(node))


@dataclass(frozen=True, slots=True)
class Absence:
    """Why an indicator is null for all companies: a reason code and what is absent."""

    reason: str
    detail: str


def absence(lake: Lake, indicator: Indicator, lineage: Lineage) -> Absence | None:
    """What the lake lacks for ``indicator``: first a whole source, else a field, else nothing.

    ``lineage`` is one of what can be missed.
    """
    if indicator.awaits:
        return Absence("SOURCE_ABSENT", indicator.awaits)
    fields = sorted(lineage.of_indicator(indicator))
    for contract in sorted({field.split(".")[0] for field in fields}):
        if not lake.files(contract):
            return Absence("SOURCE_ABSENT", contract)
    for field in fields:
        contract, name = field.split(".")
        if name not in lake.fields(contract):
            return Absence("FIELD_ABSENT", field)
    return None
