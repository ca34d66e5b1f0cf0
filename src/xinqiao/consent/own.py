"""A firm's looks at its own file (自查), counted by calendar year; reads of one day count once."""

from __future__ import annotations

from decimal import Decimal

from xinqiao.consent.terms import SELF
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import today

FREE_A_YEAR = 2
FEE_CNY = Decimal("0.00")
"""What a look costs after the free ones: nothing. Collection is never charged to the subject."""


def looks(tx: Tx, company_id: str, year: int) -> int:
    """On how many days of ``year`` (in China) the firm looked at its own file."""
    row = tx.execute(
        "SELECT count(DISTINCT (at AT TIME ZONE 'Asia/Shanghai')::date) AS n FROM query_log "
        "WHERE company_id = %s AND purpose = %s AND side = 'enterprise' "
        "AND extract(year FROM at AT TIME ZONE 'Asia/Shanghai') = %s",
        [company_id, SELF, year],
    ).fetchone()
    return 0 if row is None else int(row["n"])


def may_charge(nth: int) -> bool:
    """Whether the law would let the ``nth`` look of a year cost anything: from the third on."""
    return nth > FREE_A_YEAR


def fee_cny(nth: int, fee: Decimal = FEE_CNY) -> Decimal:
    """What the ``nth`` look of a year costs."""
    return fee if may_charge(nth) else Decimal("0.00")


def this_year(tx: Tx, company_id: str) -> int:
    """Looks so far this year."""
    return looks(tx, company_id, today().year)
