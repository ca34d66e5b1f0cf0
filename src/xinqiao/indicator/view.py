"""Views as Ibis tables: the as-of view of a contract, joins, groups, dense months."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from xinqiao.indicator.compiler import Scope, rewrite
from xinqiao.indicator.engine import Engine
from xinqiao.indicator.model import COMPANY, Catalog, Formula, Join, View
from xinqiao.kernel.errors import user_error
from xinqiao.kernel.expression import Call, Compare, Const, Logic, Name, Node, walk
from xinqiao.kernel.period import last_complete_month_end, month_index
from xinqiao.source.contract import Contract, contracts
from xinqiao.source.lake import Lake

# Ibis builds its classes at run time; to a type checker they are Any.
Table = Any
Value = Any


class Views:
    """The tables of one evaluation; each is built when first asked for, and only once."""

    def __init__(self, catalog: Catalog, lake: Lake, as_of: date, engine: Engine, wanted: set[str]) -> None:
        self.catalog = catalog
        self.lake = lake
        self.as_of = as_of
        self.engine = engine
        self._built: dict[str, Table] = {}
        self._uses = _uses(catalog, wanted)

    def table(self, source: str) -> Table:
        """The table of a contract (as of T) or view."""
        if source not in self._built:
            view = self.catalog.views.get(source)
            self._built[source] = self._view(view) if view else self._contract(contracts()[source])
        return self._built[source]

    def _contract(self, contract: Contract) -> Table:
        """What was known at T: versions known later and events later than T do not exist yet."""
        table = self.engine.read(contract, self.lake.files(contract.id))
        as_of = ibis.literal(self.as_of)
        table = table.filter(table[contract.known] <= as_of)
        if contract.keys:
            table = _latest(table, contract)
        event = table[contract.event]
        return table.filter(event.isnull() | (event <= as_of))

    def _view(self, view: View) -> Table:
        table = self.table(view.source)
        for join in view.joins:
            table = self._join(table, join)
        for name, formula in view.columns.items():
            table = table.mutate(**{name: self._compile(formula, table)})
        before = table
        if view.condition:
            table = table.filter(self._compile(view.condition, table))
        if view.select:
            table = table.select(*view.select)
        if view.measures:
            table = self._group(table, view)
        if view.dense:
            table = self._dense(before, table, view.dense)
        shared = self._uses.get(view.id, 0) > 1 and (view.joins or view.measures)
        return self.engine.keep(view.id, table) if shared or view.of_company else table

    def _join(self, left: Table, join: Join) -> Table:
        right = self.table(join.view)
        right = right.select(**{join.prefix + column: right[column] for column in right.columns})
        tests = [left[a] == right[join.prefix + b] for a, b in join.on]
        return left.join(right, tests, how="inner" if join.inner else "left")

    def _group(self, table: Table, view: View) -> Table:
        table, nodes = self._ranked(table, view)
        measures = {
            name: self._compile(Formula(nodes[name], formula.text, formula.where), table)
            for name, formula in view.measures.items()
        }
        return table.group_by(list(view.by)).aggregate(**measures)

    def _ranked(self, table: Table, view: View) -> tuple[Table, dict[str, Node]]:
        """Turn ``top_sum(x, n)`` into a rank column and ``sum_if(x, rank <= n and x > 0)``.

        Ties do not matter: tied values are equal, whichever of them is taken.
        """
        nodes = {name: formula.node for name, formula in view.measures.items()}
        ranks: dict[Node, str] = {}
        for name, formula in view.measures.items():
            for call in [n for n in walk(formula.node) if isinstance(n, Call) and n.function == "top_sum"]:
                amount, most = call.args
                if amount not in ranks:
                    ranks[amount] = f"_rank_{len(ranks)}"
                    value = Scope(table, self.as_of).compile(amount)
                    order = ibis.desc(value, nulls_first=False)
                    window = ibis.window(group_by=list(view.by), order_by=order)
                    table = table.mutate(**{ranks[amount]: ibis.row_number().over(window)})
                best = Compare(call.column, "<", Name(call.column, ranks[amount]), most)
                positive = Compare(call.column, ">", amount, Const(call.column, 0))
                test = Logic(call.column, "and", (best, positive))
                nodes[name] = rewrite(nodes[name], {call: Call(call.column, "sum_if", (amount, test))})
        return table, nodes

    def _dense(self, before: Table, grouped: Table, months: int) -> Table:
        """All of the last ``months`` complete months of every company, empty ones with 0."""
        last = month_index(last_complete_month_end(self.as_of))
        calendar = self.engine.constant(
            {"month": list(range(last - months + 1, last + 1))}, {"month": "int64"}
        )
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


def _latest(table: Table, contract: Contract) -> Table:
    """The latest known version of every key.

    Versions known on the same day are told apart by their content, never by the order of files,
    so the choice is the same however the data arrived.
    """
    rest = [name for name in sorted(contract.fields) if name not in {*contract.keys, contract.known}]
    order = [ibis.desc(table[name], nulls_first=False) for name in (contract.known, *rest)]
    window = ibis.window(group_by=list(contract.keys), order_by=order)
    ranked = table.mutate(_version=ibis.row_number().over(window))
    return ranked.filter(ranked["_version"] == 0).drop("_version")


def _uses(catalog: Catalog, wanted: set[str]) -> dict[str, int]:
    """How often each view is read when the views ``wanted`` are evaluated."""
    uses: dict[str, int] = {}
    open_views = sorted(wanted)
    seen = set(open_views)
    while open_views:
        view = catalog.views[open_views.pop()]
        for source in view.sources:
            uses[source] = uses.get(source, 0) + 1
            if source in catalog.views and source not in seen:
                seen.add(source)
                open_views.append(source)
    return uses
