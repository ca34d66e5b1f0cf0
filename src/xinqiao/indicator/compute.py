"""Evaluating indicators of all companies as of a date.

The universe is every company in the register or in the invoices as known at T. Each company view
is one aggregation, computed once; the indicators are one last query over the universe joined with
those views. Rounding and the reasons that hold for all companies are settled here, after the
engine, so that they are the same for every engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.indicator.compiler import zero_over_nothing
from xinqiao.indicator.definition import catalog as shipped
from xinqiao.indicator.engine import Engine, engine_of
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
    lineage = Lineage(catalog)
    absent = {i.id: found for i in chosen if (found := absence(lake, i, lineage))}
    live = [indicator for indicator in chosen if indicator.id not in absent]
    with engine_of(engine) if isinstance(engine, str) else engine as running:
        views = Views(catalog, lake, as_of, running, _measures_of(catalog, live))
        rows = running.fetch(_frame(views, live))
    rows = rows.sort_by(COMPANY)
    if rows.num_rows == 0:
        fail("IND-EMPTY", "--as-of", as_of=as_of.isoformat())
    return _snapshot(rows, chosen, absent, as_of)


def monthly(lake: Lake, as_of: date, months: int = 24, engine: str | Engine = "duckdb") -> pa.Table:
    """Invoices by company and month, as known at ``as_of``, for the last complete ``months``.

    Columns: company_id, month (first day, date32), sales_cents, purchases_cents (int64 cents of
    valid invoices), invoices and void (numbers of rows). Months without invoices have no row.
    """
    with engine_of(engine) if isinstance(engine, str) else engine as running:
        table = Views(shipped(), lake, as_of, running, {"invoice_month": SERIES}).table("invoice_month")
        last = month_index(last_complete_month_end(as_of))
        table = table.filter(table["month"].between(last - months + 1, last))
        rows = running.fetch(table.select(COMPANY, "month", *SERIES))
    rows = rows.sort_by([(COMPANY, "ascending"), ("month", "ascending")])
    firsts = [add_months(date(1, 1, 1), index - 12) for index in rows["month"].to_pylist()]
    columns = [
        rows[COMPANY],
        pa.array(firsts, pa.date32()),
        *(rows[name].cast(pa.int64()) for name in SERIES),
    ]
    return pa.table(columns, names=[COMPANY, "month", *SERIES[:3], "void"])


def _chosen(catalog: Catalog, ids: Iterable[str] | None) -> list[Indicator]:
    if ids is None:
        return list(catalog.indicators.values())
    wanted = set(ids)
    for name in sorted(wanted - set(catalog.indicators)):
        fail("IND-UNKNOWN", "--ids", name=name)
    return [indicator for indicator in catalog.indicators.values() if indicator.id in wanted]


def _names(indicator: Indicator) -> list[str]:
    formulas = [need.formula for need in indicator.needs] + ([indicator.expr] if indicator.expr else [])
    return [name for formula in formulas for name in names(formula.node)]


def _measures_of(catalog: Catalog, live: list[Indicator]) -> dict[str, set[str]]:
    """The company views the indicators rest on -> the measures they use."""
    used: dict[str, set[str]] = {}
    for name in sorted({name for indicator in live for name in _names(indicator)}):
        if view := catalog.measure_view(name):
            used.setdefault(view.id, set()).add(name)
    return used


def _companies(views: Views, contract: str) -> Table:
    return views.table(contract).select(COMPANY).distinct()


def _frame(views: Views, live: list[Indicator]) -> Table:
    """One row a company: its id, and value and reason of every live indicator."""
    kept = {c: views.engine.keep(f"in_{c}", _companies(views, c)) for c in UNIVERSE if views.lake.files(c)}
    none = views.engine.constant({COMPANY: []}, {COMPANY: "string"})
    table = ibis.union(none, *kept.values(), distinct=True) if kept else none
    for contract in sorted({indicator.covered_by for indicator in live}):
        source = kept.get(contract)
        covered = source if source is not None else _companies(views, contract)
        covered = covered.select(_company=COMPANY, **{f"_in_{contract}": ibis.literal(value=True)})
        table = table.left_join(covered, table[COMPANY] == covered["_company"]).drop("_company")
    for view, wanted in sorted(_measures_of(views.catalog, live).items()):
        table = _with_measures(table, views, view, wanted)
    # kept, because Spark would otherwise write every measure out in every expression that uses it
    table = views.engine.keep("frame", table)
    columns: dict[str, Any] = {}
    for indicator in live:
        columns |= _evaluate(indicator, table, views.as_of)
    return table.select(COMPANY, **columns)


def _with_measures(table: Table, views: Views, view_id: str, wanted: set[str]) -> Table:
    """Join the measures ``wanted`` of a company view; sums and counts over no rows are 0."""
    right = views.table(view_id)
    right = right.select(_company=COMPANY, **{n: right[n] for n in right.columns if n in wanted})
    joined = table.left_join(right, table[COMPANY] == right["_company"]).drop("_company")
    measures = views.catalog.views[view_id].measures
    zeros = [n for n in joined.columns if n in measures and zero_over_nothing(measures[n].node)]
    return joined.mutate(**{name: joined[name].fill_null(0) for name in zeros})


def _evaluate(indicator: Indicator, table: Table, as_of: date) -> dict[str, Any]:
    if indicator.expr is None:
        return {}
    tests = [(table[f"_in_{indicator.covered_by}"].isnull(), "NO_RECORDS")]
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
    company = rows[COMPANY].combine_chunks().cast(pa.string())
    columns: dict[str, pa.Array] = {COMPANY: company}
    parts: list[pa.Table] = []
    for place, indicator in enumerate(chosen):
        if indicator.id in absent:
            found = absent[indicator.id]
            columns[indicator.id] = pa.nulls(len(company), pa.float64())
            reason = pa.repeat(pa.scalar(found.reason), len(company))
            detail = pa.repeat(pa.scalar(found.detail), len(company))
        else:
            columns[indicator.id] = _values(rows[f"v_{indicator.id}"], indicator)
            reason = pc.fill_null(rows[f"r_{indicator.id}"].combine_chunks().cast(pa.string()), "NO_VALUE")
            detail = pa.nulls(len(company), pa.string())
        table = pa.table(
            [company, pa.repeat(pa.scalar(indicator.id), len(company)), reason, detail], schema=MISSING_SCHEMA
        )
        table = table.append_column("place", pa.repeat(pa.scalar(place), len(company)))
        parts.append(table.filter(pc.is_null(columns[indicator.id])))
    missing = pa.concat_tables(parts).sort_by([(COMPANY, "ascending"), ("place", "ascending")])
    return Snapshot(pa.table(columns), missing.drop_columns("place").combine_chunks(), as_of)


def _values(column: pa.ChunkedArray, indicator: Indicator) -> pa.Array:
    """The column in the precision of its unit; what is not a finite number is null."""
    raw: np.ndarray[Any, Any] = column.combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)
    raw = np.where(np.isfinite(raw), raw, np.nan)
    return pa.array(state(raw, indicator.unit), from_pandas=True)
