"""Evaluating indicators of all companies as of a date.

The universe is every company in the register or in the invoices as known at T. Each company view
is one aggregation, computed once and fetched; put side by side they are a frame, one row a company,
on which all indicators are one last query. That query, rounding, and the reasons that hold for all
companies are settled here, after the engine, so that they are the same for every engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.indicator.compiler import zero_over_nothing
from xinqiao.indicator.definition import catalog as shipped
from xinqiao.indicator.engine import DuckDB, Engine, engine_of
from xinqiao.indicator.lineage import Absence, Lineage, absence
from xinqiao.indicator.model import COMPANY, Catalog, Indicator
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.indicator.unit import state
from xinqiao.indicator.view import Views, compile_formula
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import names
from xinqiao.kernel.period import add_months, last_complete_month_end, month_index
from xinqiao.source.lake import Lake

# Ibis builds its table class at run time; to a type checker it is Any.
Table = Any

UNIVERSE = ("registry", "invoice")
"""The contracts whose companies make up the universe."""
SERIES = ("sales_cents", "purchases_cents", "invoices", "void_invoices")
"""Measures of the view invoice_month that `monthly` returns."""


def compute(
    lake: Lake,
    as_of: date,
    engine: str | Engine = "duckdb",
    ids: Iterable[str] | None = None,
    catalog: Catalog | None = None,
) -> Snapshot:
    """Evaluate the indicators ``ids`` (all when None) as of ``as_of``.

    Raises UserError IND-UNKNOWN, IND-ENGINE, IND-SPARK, IND-EMPTY (no company known at T).
    """
    catalog = catalog or shipped()
    chosen = _chosen(catalog, ids)
    lineage = Lineage(catalog, missed=True)
    absent = {i.id: found for i in chosen if (found := absence(lake, i, lineage))}
    live = [indicator for indicator in chosen if indicator.id not in absent]
    with engine_of(engine) if isinstance(engine, str) else engine as running:
        views = Views(catalog, lake, as_of, running, _measures_of(catalog, live))
        frame = _frame(views, live)
    if frame.num_rows == 0:
        fail("IND-EMPTY", "--as-of", as_of=as_of.isoformat())
    return _snapshot(_evaluate(frame, live, as_of), chosen, absent, as_of)


def monthly(
    lake: Lake,
    as_of: date,
    months: int = 24,
    engine: str | Engine = "duckdb",
    *,
    view: str = "invoice_month",
    series: Sequence[str] = SERIES,
) -> pa.Table:
    """Measures ``series`` of a view by company and month, for the last complete ``months`` at ``as_of``.

    Columns: company_id, month (first day, date32), then ``series`` as int64. Months without records have
    no row. The default: valid sales and purchases in cents, and numbers of invoices and of void ones.
    """
    with engine_of(engine) if isinstance(engine, str) else engine as running:
        table = Views(shipped(), lake, as_of, running, {view: series}).table(view)
        last = month_index(last_complete_month_end(as_of))
        table = table.filter(table["month"].between(last - months + 1, last))
        rows = running.fetch(table.select(COMPANY, "month", *series))
    rows = rows.sort_by([(COMPANY, "ascending"), ("month", "ascending")])
    firsts = [add_months(date(1, 1, 1), index - 12) for index in rows["month"].to_pylist()]
    columns = [
        rows[COMPANY],
        pa.array(firsts, pa.date32()),
        *(rows[name].cast(pa.int64()) for name in series),
    ]
    return pa.table(columns, names=[COMPANY, "month", *series])


def _chosen(catalog: Catalog, ids: Iterable[str] | None) -> list[Indicator]:
    if ids is None:
        return list(catalog.indicators.values())
    wanted = set(ids)
    for name in sorted(wanted - set(catalog.indicators)):
        fail("IND-UNKNOWN", "--ids", name=name)
    return [indicator for indicator in catalog.indicators.values() if indicator.id in wanted]


def _names(indicator: Indicator) -> list[str]:
    formulas = (*(need.formula for need in indicator.needs), indicator.expr)
    return [name for formula in formulas for name in names(formula.node)]


def _measures_of(catalog: Catalog, live: list[Indicator]) -> dict[str, set[str]]:
    """The company views the indicators rest on -> the measures they use."""
    used: dict[str, set[str]] = {}
    for name in sorted({name for indicator in live for name in _names(indicator)}):
        if view := catalog.measure_view(name):
            used.setdefault(view.id, set()).add(name)
    return used


def _frame(views: Views, live: list[Indicator]) -> pa.Table:
    """One row a company, sorted: its id, which contracts know it, and the measures of ``live``."""
    engine, contracts = views.engine, {indicator.covered_by for indicator in live}
    seen = {
        name: engine.fetch(views.table(name).select(COMPANY).distinct())[COMPANY].cast(pa.string())
        for name in sorted({*contracts, *(c for c in UNIVERSE if views.lake.files(c))})
    }
    known = [seen[name].combine_chunks() for name in UNIVERSE if name in seen]
    universe = pc.unique(pa.concat_arrays([pa.array([], pa.string()), *known]))
    universe = universe.take(pc.sort_indices(universe))
    columns = {COMPANY: universe}
    columns |= {f"_in_{name}": pc.is_in(universe, value_set=seen[name]) for name in sorted(contracts)}
    for view, wanted in sorted(_measures_of(views.catalog, live).items()):
        columns |= _measures(views, view, wanted, universe)
    return pa.table(columns)


def _measures(views: Views, view_id: str, wanted: set[str], universe: pa.Array) -> dict[str, Any]:
    """The measures ``wanted`` of a company view, by company; sums and counts over no rows are 0."""
    rows = views.engine.fetch(views.table(view_id))
    places = pc.index_in(universe, value_set=rows[COMPANY].cast(pa.string()))
    formulas = views.catalog.views[view_id].measures
    columns = {name: rows[name].take(places) for name in rows.column_names if name in wanted}
    zeros = {name for name in columns if zero_over_nothing(formulas[name].node)}
    return {name: pc.fill_null(c, 0) if name in zeros else c for name, c in columns.items()}


def _evaluate(frame: pa.Table, live: list[Indicator], as_of: date) -> pa.Table:
    """Value and reason of every indicator of ``live``, one row a company as in ``frame``.

    Done in this process whatever the engine: the rows are as many as those of the result.
    """
    with DuckDB() as engine:
        table = engine.table("frame", frame)
        columns: dict[str, Any] = {}
        for indicator in live:
            columns |= _expressions(indicator, table, as_of)
        rows = engine.fetch(table.select(COMPANY, **columns))
    return rows.take(pc.index_in(frame[COMPANY], value_set=rows[COMPANY]))


def _expressions(indicator: Indicator, table: Table, as_of: date) -> dict[str, Any]:
    tests = [(~table[f"_in_{indicator.covered_by}"], "NO_RECORDS")]
    for need in indicator.needs:
        holds = compile_formula(need.formula, table, as_of)
        tests.append((~ibis.coalesce(holds, ibis.literal(value=False)), need.reason))
    reason = ibis.cases(*tests, else_=ibis.null("string"))
    value = compile_formula(indicator.expr, table, as_of).cast("float64")
    return {
        f"v_{indicator.id}": ibis.ifelse(reason.isnull(), value, ibis.null("float64")),
        f"r_{indicator.id}": reason,
    }


def _snapshot(rows: pa.Table, chosen: list[Indicator], absent: dict[str, Absence], as_of: date) -> Snapshot:
    company = rows[COMPANY].combine_chunks()
    columns: dict[str, pa.Array] = {COMPANY: company}
    reasons: list[pa.Array] = []
    for indicator in chosen:
        if found := absent.get(indicator.id):
            columns[indicator.id] = pa.nulls(len(company), pa.float64())
            reasons.append(pa.repeat(pa.scalar(found.reason), len(company)))
        else:
            columns[indicator.id] = _values(rows[f"v_{indicator.id}"], indicator)
            reason = rows[f"r_{indicator.id}"].combine_chunks().cast(pa.string())
            reasons.append(pc.fill_null(reason, "NO_VALUE"))
    values = pa.table(columns)
    return Snapshot(values, _missing(values, reasons, absent), as_of)


def _missing(values: pa.Table, reasons: list[pa.Array], absent: dict[str, Absence]) -> pa.Table:
    """A row for every null of ``values``, by company, then in the order of the columns."""
    ids = values.column_names[1:]
    if not ids:
        return MISSING_SCHEMA.empty_table()
    gaps = np.column_stack([pc.is_null(values[name]).to_numpy() for name in ids])
    companies, places = np.nonzero(gaps)
    known = sorted({text for column in reasons for text in pc.unique(column).to_pylist()})
    codes = np.column_stack([pc.index_in(c, value_set=pa.array(known)).to_numpy() for c in reasons])
    details = pa.array([absent[name].detail if name in absent else None for name in ids], pa.string())
    return pa.table(
        [
            values[COMPANY].take(companies),
            pa.array(ids).take(places),
            pa.array(known, pa.string()).take(codes[companies, places]),
            details.take(places),
        ],
        schema=MISSING_SCHEMA,
    ).combine_chunks()


def _values(column: pa.ChunkedArray, indicator: Indicator) -> pa.Array:
    """The column in the precision of its unit; what is not a finite number is null."""
    raw: np.ndarray[Any, Any] = column.combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)
    raw = np.where(np.isfinite(raw), raw, np.nan)
    return pa.array(state(raw, indicator.unit), from_pandas=True)
