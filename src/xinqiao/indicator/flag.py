"""Red flags: values that ask for a person's look. A flag is a lead to verify, never a verdict."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from xinqiao.indicator.definition import catalog as shipped
from xinqiao.indicator.engine import DuckDB
from xinqiao.indicator.model import COMPANY, Catalog
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.indicator.view import compile_formula
from xinqiao.kernel.expression import names


def red_flags(snapshot: Snapshot, catalog: Catalog | None = None) -> pa.Table:
    """The flags raised: rows (company_id, indicator), sorted by company, then in catalog order.

    A missing value raises no flag. An indicator whose flag looks at others that the snapshot does
    not hold is left out.
    """
    held = set(snapshot.values.column_names)
    known = [i for i in (catalog or shipped()).indicators.values() if i.id in held]
    tests: dict[str, Any] = {}
    with DuckDB() as engine:
        table = engine.table("snapshot", snapshot.values)
        for indicator in known:
            flag = indicator.red_flag
            if flag and set(names(flag.formula.node)) - {"value"} <= held:
                columns = {name: table[name] for name in held} | {"value": table[indicator.id]}
                tests[indicator.id] = compile_formula(flag.formula, columns, snapshot.as_of)
        rows = engine.fetch(table.select(COMPANY, **tests)).sort_by(COMPANY).to_pylist()
    raised = [(row[COMPANY], name) for row in rows for name in tests if row[name]]
    schema = pa.schema([(COMPANY, pa.string()), ("indicator", pa.string())])
    return pa.table([[company for company, _ in raised], [name for _, name in raised]], schema=schema)
