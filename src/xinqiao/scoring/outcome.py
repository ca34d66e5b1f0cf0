"""Outcomes: which companies turned bad after a date, from the credit records in the lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb

from xinqiao.kernel.period import add_months
from xinqiao.source.lake import Lake

_LATEST = """
    SELECT * FROM read_parquet(?)
    WHERE $known
    QUALIFY row_number() OVER (PARTITION BY company_id, account_no ORDER BY known_on DESC, _file, _line) = 1
"""
_DATED = """
    SELECT company_id, max(CASE WHEN default_on > ? AND default_on <= ? THEN 1 ELSE 0 END) AS bad
    FROM latest
    GROUP BY company_id
    HAVING max(CASE WHEN default_on <= ? OR (defaulted AND default_on IS NULL) THEN 1 ELSE 0 END) = 0
       AND (bad = 1 OR max(observed_on) >= ?)
    ORDER BY company_id
"""
_STATIC = "SELECT company_id, max(defaulted::INT) AS bad FROM latest GROUP BY company_id ORDER BY company_id"


def outcomes(lake: Lake, snapshot: date, known_by: date, performance_months: int | None) -> Mapping[str, int]:
    """Company -> 1 (bad) or 0 (good), for those whose outcome is known.

    With ``performance_months`` a company is bad when an account defaulted in
    (snapshot, snapshot + months], good when none did and it was observed to the end of that span;
    one in default already at the snapshot has no outcome to predict and is left out. Only records
    known by ``known_by`` count. Without ``performance_months`` the records state the outcome but
    not its date (a back-test on history): every record counts and bad is simply ``defaulted``.
    """
    files = [str(path) for path in lake.files("credit")]
    if not files:
        return {}
    with duckdb.connect() as connection:
        if performance_months is None:
            query = f"WITH latest AS ({_LATEST.replace('$known', 'TRUE')}) {_STATIC}"
            rows = connection.execute(query, [files]).fetchall()
        else:
            end = add_months(snapshot, performance_months)
            query = f"WITH latest AS ({_LATEST.replace('$known', 'known_on <= ?')}) {_DATED}"
            rows = connection.execute(query, [files, known_by, snapshot, end, snapshot, end]).fetchall()
    return dict(rows)
