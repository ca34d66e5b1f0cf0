"""Records kept at least ten years (客户资料和交易记录保存): who borrowed, on what ground, and every booking.

Kept is not shown: what may be read of a firm ends by its grants and by ``consent.retention``. The product's
role of the database may not delete these rows at all; taking out what is older is an administrator's act.
"""

from __future__ import annotations

from datetime import date

from xinqiao.consent.retention import years_before
from xinqiao.db.database import Tx

KEEP_YEARS = 10
RECORDS = (
    "lending_case",
    "case_event",
    "case_document",
    "offer",
    "contract",
    "contract_signature",
    "facility",
    "loan",
    "loan_event",
    "journal_entry",
    "journal_line",
)
"""Tables of customers' identity, contracts and transactions."""


def unprotected(tx: Tx) -> list[str]:
    """Tables of ``RECORDS`` whose rows the product could delete: none may be."""
    rows = tx.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE has_table_privilege(name, 'DELETE') "
        "OR has_table_privilege(name, 'TRUNCATE') ORDER BY 1",
        [list(RECORDS)],
    )
    return [str(row["name"]) for row in rows]


def may_go(ended_on: date | None, on: date) -> bool:
    """Whether records of a relation that ended on a day need no longer be kept; not while it lasts."""
    return ended_on is not None and ended_on <= years_before(on, KEEP_YEARS)
