"""Groups by actual control (集团客户): whom a company's debts count with."""

from __future__ import annotations

import numpy as np

from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.relation.control import control
from xinqiao.relation.csr import from_edges


def controller_of(tx: Tx, company_id: str) -> str | None:
    """Who actually controls a company, by the holdings that its latest credit file shows.

    A company that only controls others is its own group; None where no majority is known.
    """
    return control_known(tx, company_id)[1]


def control_known(tx: Tx, company_id: str) -> tuple[bool, str | None]:
    """Whether a company's latest credit file shows holdings at all, and who controls it by them."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT e->>'source' AS holder, e->>'target' AS firm, (e->>'share')::float8 AS share FROM "
            "(SELECT body FROM credit_file WHERE company_id = %s ORDER BY as_of DESC, id DESC LIMIT 1) AS f, "
            "jsonb_array_elements(f.body->'edges') AS e "
            "WHERE e->>'kind' = 'holding' AND e->>'share' IS NOT NULL",
            [company_id],
        ).fetchall()
    return bool(rows), _controller(company_id, rows)


def _controller(company_id: str, rows: list[Row]) -> str | None:
    names: list[str] = sorted({company_id, *(r["holder"] for r in rows), *(r["firm"] for r in rows)})
    place = {name: number for number, name in enumerate(names)}
    source = np.array([place[r["firm"]] for r in rows], np.int32)
    holder = np.array([place[r["holder"]] for r in rows], np.int32)
    shares = np.array([r["share"] for r in rows], np.float64)
    found: list[int] = control(from_edges(len(names), source, holder, shares)).controller.tolist()
    top = found[place[company_id]]
    if top >= 0:
        return names[top]
    return company_id if place[company_id] in found else None
