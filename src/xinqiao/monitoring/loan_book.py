"""The loan book as frames (贷款台账): open loans with what is known of each borrower, and month ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import polars as pl

from xinqiao.db.database import Tx
from xinqiao.lending.product import institution_products
from xinqiao.monitoring.parameters import parameters

MONTHS = {
    "loan_id": pl.String,
    "company_id": pl.String,
    "on": pl.Date,
    "drawn_on": pl.Date,
    "amount": pl.Float64,
    "principal": pl.Float64,
    "days": pl.Int64,
    "class": pl.String,
    "state": pl.String,
}
LOANS = {
    "loan_id": pl.String,
    "company_id": pl.String,
    "name": pl.String,
    "product_id": pl.String,
    "product_class": pl.String,
    "section": pl.String,
    "division": pl.String,
    "size": pl.String,
    "kind": pl.String,
    "group": pl.String,
    "exposure": pl.Float64,
    "days": pl.Int64,
    "class": pl.String,
    "grade": pl.String,
    "pd": pl.Float64,
    "lgd": pl.Float64,
}
_MONTHS = """
    SELECT m.loan_id::text AS loan_id, m.company_id, m.on_date AS "on", l.drawn_on,
      (l.totals->>'disbursed')::float8 AS amount, m.principal_cny::float8 AS principal,
      m.days_past_due AS days, m.class, m.state
    FROM loan_month m JOIN loan l ON l.id = m.loan_id
    WHERE m.institution_id = %s ORDER BY m.loan_id, m.on_date
"""
_LOANS = """
    SELECT l.id::text AS loan_id, l.company_id, coalesce(c.name, l.company_id) AS name, l.product_id,
      left(c.industry, 1) AS section, c.division, c.size, c.kind,
      coalesce(g.key, l.company_id) AS "group",
      (l.principal_cny + l.interest_cny + l.penalty_cny + l.fee_cny)::float8 AS exposure,
      l.days_past_due AS days, l.class, w.grade, w.pd::float8 AS pd
    FROM loan l LEFT JOIN company c ON c.id = l.company_id
    LEFT JOIN warning_state w ON w.institution_id = l.institution_id AND w.company_id = l.company_id
    LEFT JOIN LATERAL (SELECT f.group_key AS key FROM facility f WHERE f.id = l.facility_id) g ON true
    WHERE l.institution_id = %s AND l.state = 'open' ORDER BY l.id
"""


def months(tx: Tx, institution_id: UUID) -> pl.DataFrame:
    """Every month end kept of every loan (columns ``MONTHS``; sums in CNY)."""
    return _frame(tx.execute(_MONTHS, [institution_id]).fetchall(), MONTHS)


def open_loans(tx: Tx, institution_id: UUID) -> pl.DataFrame:
    """Open loans (columns ``LOANS``): exposure in CNY is principal, interest, penalty and fees open.

    ``pd`` is that of the borrower's grade, of the parameters where its file can't be read, and 1 in default.
    """
    given = parameters()
    offers = institution_products(tx, institution_id)
    classes = {offered.product_id: offered.product.file.class_ for offered in offers}
    rows = tx.execute(_LOANS, [institution_id]).fetchall()
    for row in rows:
        row["product_class"] = classes.get(row["product_id"], "")
        row["lgd"] = given.lgd.get(row["product_class"], given.lgd_other)
        if row["days"] > given.default_days or row["class"] in ("substandard", "doubtful", "loss"):
            row["pd"] = 1.0
        elif row["pd"] is None:
            row["pd"] = given.pd_unknown
    return _frame(rows, LOANS)


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema, strict=False)
