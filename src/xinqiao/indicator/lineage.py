"""What contract fields an indicator rests on, derived from its expressions.

A field is written ``contract.field``. Not all of them can be missed: ``if_delivered(x)`` is used
where delivered and does without otherwise, ``coalesce(a, b)`` misses only its last argument that is
not a constant, and a table of the graph only the contracts it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xinqiao.indicator.compiler import AS_OF
from xinqiao.indicator.model import Catalog, Indicator, View
from xinqiao.kernel.expression import Call, Name, Node, children, names
from xinqiao.relation.declared import RELATION_TABLES, RelationTable
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

Fields = frozenset[str]


def needed_names(node: Node) -> Iterable[str]:
    """The names without which the value of ``node`` is unknown."""
    if isinstance(node, Name):
        if node.id != AS_OF:
            yield node.id
    elif isinstance(node, Call) and node.function == "coalesce":
        named = [found for arg in node.args if (found := list(needed_names(arg)))]
        yield from named[-1] if named else []
    elif not (isinstance(node, Call) and node.function == "if_delivered"):
        for child in children(node):
            yield from needed_names(child)


def _all_names(node: Node) -> Iterable[str]:
    return (name for name in names(node) if name != AS_OF)


class Lineage:
    """Fields behind the columns of every view, computed when first asked for.

    With ``missed`` only those whose absence leaves no value.
    """

    def __init__(self, catalog: Catalog, *, missed: bool = False) -> None:
        self.catalog = catalog
        self.missed = missed
        self._names = needed_names if missed else _all_names
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
            out[name] = self._behind(formula.node, out)
        if view.condition:
            rows |= self._behind(view.condition.node, out)
        if not view.measures:
            return {name: fields | rows for name, fields in out.items()}
        keys = rows | _union([out[key] for key in view.by])
        return dict.fromkeys(view.by, keys) | {
            name: self._behind(formula.node, out) | keys for name, formula in view.measures.items()
        }

    def _behind(self, node: Node, columns: dict[str, Fields]) -> Fields:
        return _union(columns[name] for name in self._names(node))

    def of_indicator(self, indicator: Indicator) -> Fields:
        """All fields ``indicator`` rests on, those that tell its coverage included."""
        contract = contracts()[indicator.covered_by]
        out = frozenset({f"{indicator.covered_by}.{contract.company}"})
        for formula in (*(need.formula for need in indicator.needs), indicator.expr):
            for name in self._names(formula.node):
                view = self.catalog.measure_view(name)
                if view:
                    out |= self.of(view.id)[name]
        return out


def _union(sets: Iterable[Fields]) -> Fields:
    return frozenset().union(*sets)


@dataclass(frozen=True, slots=True)
class Absence:
    """Why an indicator is null for all companies: a reason code and what is absent."""

    reason: str
    detail: str


def absence(lake: Lake, indicator: Indicator, lineage: Lineage) -> Absence | None:
    """What the lake lacks for ``indicator``: first a whole source, else a field, else nothing.

    ``lineage`` is one of what can be missed.
    """
    fields = sorted(lineage.of_indicator(indicator))
    for contract in sorted({field.split(".")[0] for field in fields}):
        if not lake.files(contract):
            return Absence("SOURCE_ABSENT", contract)
    for field in fields:
        contract, name = field.split(".")
        if name not in lake.fields(contract):
            return Absence("FIELD_ABSENT", field)
    return None
