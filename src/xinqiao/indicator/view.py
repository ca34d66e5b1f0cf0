"""Views as Ibis tables: the as-of view of a contract, joins, groups, dense months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import ibis
import pyarrow as pa

from xinqiao.indicator.compiler import Scope
from xinqiao.indicator.engine import Engine
from xinqiao.indicator.model import COMPANY, Catalog, Formula, Join, View
from xinqiao.kernel.errors import user_error
from xinqiao.kernel.expression import names
from xinqiao.kernel.period import last_complete_month_end, month_index
from xinqiao.relation.declared import RELATION_TABLES
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

# Ibis builds its classes at run time; to a type checker they are Any.
Table = Any
Value = Any


class Views:
    """The tables of one evaluation; each is built when first asked for, and only once."""

    def __init__(
        self, catalog: Catalog, lake: Lake, as_of: date, engine: Engine, wanted: Mapping[str, Collection[str]]
    ) -> None:
        """``wanted``: the columns to be asked of company views."""
        self.catalog = catalog
        self.lake = lake
        self.as_of = as_of
        self.engine = engine
        self._built: dict[str, Table] = {}
        self._needed = _needed(catalog, wanted)
        self._uses = _uses(catalog, self._needed)
        self._graph: dict[str, pa.Table] | None = None

    def table(self, source: str) -> Table:
        """The table of a contract (as of T), a table of the graph, or a view."""
        if source not in self._built:
            if source in self.catalog.views:
                self._built[source] = self._view(self.catalog.views[source])
            elif source in RELATION_TABLES:
                self._built[source] = self.engine.table(source, self._relation(source))
            else:
                files = self.lake.files(source)
                self._built[source] = self.engine.read(contracts()[source], files, self.as_of)
        return self._built[source]

    def _relation(self, name: str) -> pa.Table:
        """A table of the graph; all that are needed are computed together, the first time one is."""
        from xinqiao.relation.measures import relation_tables  # noqa: PLC0415 - loads compiled kernels

        if self._graph is None:
            wanted = {source for source in self._uses if source in RELATION_TABLES}
            self._graph = relation_tables(self.lake, self.as_of, sorted(wanted | {name}))
        return self._graph[name]

    def _view(self, view: View) -> Table:
        table = self.table(view.source)
        for join in view.joins:
            table = self._join(table, join)
        table = self._with_columns(table, view)
        before = table
        if view.condition:
            table = table.filter(self._compile(view.condition, table))
        if view.select:
            table = table.select(*view.select)
        if view.measures:
            table = self._group(table, view)
        if view.dense:
            table = self._dense(before, table, view.id, view.dense)
        shared = self._uses[view.id] > 1 and (view.joins or view.measures)
        return self.engine.keep(view.id, table) if shared else table

    def _with_columns(self, table: Table, view: View) -> Table:
        """Add the columns of ``view``, in as few steps as their uses of one another allow."""
        step: dict[str, Value] = {}
        for name, formula in view.columns.items():
            if step.keys() & set(names(formula.node)):
                table, step = table.mutate(**step), {}
            step[name] = self._compile(formula, table)
        return table.mutate(**step) if step else table

    def _join(self, left: Table, join: Join) -> Table:
        right = self.table(join.view)
        right = right.select(**{join.prefix + column: right[column] for column in right.columns})
        tests = [left[a] == right[join.prefix + b] for a, b in join.on]
        return left.join(right, tests, how="inner" if join.inner else "left")

    def _group(self, table: Table, view: View) -> Table:
        wanted = self._needed[view.id]
        formulas = {name: formula for name, formula in view.measures.items() if name in wanted}
        measures = {name: self._compile(formula, table) for name, formula in formulas.items()}
        if not measures:
            return table.select(*view.by).distinct()
        return table.group_by(list(view.by)).aggregate(**measures)

    def _dense(self, before: Table, grouped: Table, view_id: str, months: int) -> Table:
        """All of the last ``months`` complete months of every company, empty ones with 0."""
        last = month_index(last_complete_month_end(self.as_of))
        numbers = pa.table({"month": pa.array(range(last - months + 1, last + 1), pa.int64())})
        calendar = self.engine.table(f"months_{view_id}", numbers)
        frame = before.select(COMPANY).distinct().cross_join(calendar)
        right = grouped.rename(_company=COMPANY, _month="month")
        joined = frame.left_join(
            right, [frame[COMPANY] == right["_company"], frame["month"] == right["_month"]]
        )
        measures = [name for name in grouped.columns if name not in {COMPANY, "month"}]
        return joined.select(COMPANY, "month", **{name: joined[name].fill_null(0) for name in measures})

    def _compile(self, formula: Formula, table: Table) -> Value:
        return compile_formula(formula, table, self.as_of)


def compile_formula(formula: Formula, table: Table, as_of: date) -> Value:
    """The Ibis value of ``formula`` on ``table`` (or on named columns).

    Raises UserError IND-TYPE when the types do not fit, with the place it was written.
    """
    try:
        return Scope(table, as_of).compile(formula.node)
    except (ibis.common.exceptions.IbisError, TypeError, AttributeError, ValueError) as error:
        detail = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise user_error("IND-TYPE", formula.where, detail=f"{formula.text}: {detail}") from error


def _needed(catalog: Catalog, wanted: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Views read when the columns ``wanted`` of some views are asked for -> columns used of each.

    May name columns a view does not have, but never leaves out one that is used.
    """
    needed = {view: set(columns) for view, columns in wanted.items()}
    open_views = sorted(needed)
    while open_views:
        view = catalog.views[open_views.pop()]
        for source, columns in _reads(view, needed[view.id]):
            known = needed.get(source)
            if source in catalog.views and (known is None or not columns <= known):
                needed[source] = columns | (known or set())
                open_views.append(source)
    return needed


def _reads(view: View, needed: set[str]) -> Iterator[tuple[str, set[str]]]:
    """What ``view`` reads of its sources to make the columns ``needed``."""
    formulas = [*view.columns.values(), *([view.condition] if view.condition else [])]
    formulas += [formula for name, formula in view.measures.items() if name in needed]
    used = {name for formula in formulas for name in names(formula.node)} | {*view.by, *view.select}
    used |= set() if view.measures else needed
    yield view.source, used | {left for join in view.joins for left, _ in join.on}
    for join in view.joins:
        prefixed = {name.removeprefix(join.prefix) for name in used if name.startswith(join.prefix)}
        yield join.view, prefixed | {right for _, right in join.on}


def _uses(catalog: Catalog, needed: Collection[str]) -> Counter[str]:
    """How often each source is read by the views ``needed``."""
    return Counter(source for view in needed for source in catalog.views[view].sources)
