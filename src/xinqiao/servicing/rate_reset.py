"""Rates that follow the LPR (重定价): on each anniversary of its drawing a loan takes on the LPR's change.

Only loans of products that say ``pricing.reset: anniversary``. What the rate differs from the LPR by, a
concession given since too, is kept.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.kernel.period import add_months
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.lending.lpr import lpr
from xinqiao.loan.event import RateChange
from xinqiao.servicing import book
from xinqiao.servicing.loan_row import LoanRow

MACHINE = Actor("system", frozenset(), "重定价")
YEAR_MONTHS = 12
_DUE = (
    "SELECT id FROM loan WHERE institution_id = %s AND state = 'open' AND product_id = %s "
    "AND product_version = %s AND drawn_on < %s AND to_char(drawn_on, 'MMDD') = ANY(%s) ORDER BY id"
)


def reset(database: Database, institution_id: UUID, day: date) -> int:
    """Give the loans of an institution whose anniversary is ``day`` their new rate; how many changed.

    Each loan in a transaction of its own; run again, those done are left.
    """
    with database.transaction(SYSTEM) as tx:
        loans = [loan for group in _resetting(tx, institution_id) for loan in _due(tx, group, day)]
    changed = 0
    for loan_id in loans:
        with database.transaction(SYSTEM) as tx:
            changed += _change(tx, book.loan(tx, loan_id), day)
    return changed


def _resetting(tx: Tx, institution_id: UUID) -> list[tuple[UUID, str, str]]:
    """Products lent under, by version, whose rates reset."""
    rows = tx.execute(
        "SELECT p.product_id, p.version AS product_version FROM institution_product p "
        "WHERE p.institution_id = %s AND EXISTS (SELECT FROM facility f WHERE f.institution_id = "
        "p.institution_id AND f.product_id = p.product_id AND f.product_version = p.version)",
        [institution_id],
    ).fetchall()
    groups = [(institution_id, row["product_id"], row["product_version"]) for row in rows]
    return [group for group in groups if product_of(tx, *group).file.pricing.reset == "anniversary"]


def _due(tx: Tx, group: tuple[UUID, str, str], day: date) -> list[UUID]:
    """Loans drawn on the day of an earlier year; those of 29 February on the 28th where there is none."""
    days = [f"{day:%m%d}"]
    if f"{day:%m%d}" == "0228" and add_months(day.replace(month=3, day=29), -1) == day:
        days.append("0229")
    return [row["id"] for row in tx.execute(_DUE, [*group, day, days])]


def _change(tx: Tx, row: LoanRow, day: date) -> int:
    key = f"reset:{day}"
    months = (
        (row.matures_on.year - row.drawn_on.year) * YEAR_MONTHS + row.matures_on.month - row.drawn_on.month
    )
    before = add_months(row.drawn_on, (day.year - row.drawn_on.year - 1) * YEAR_MONTHS)
    change = lpr(day, months) - lpr(before, months)
    if not change or book.booked(tx, row, key) is not None:
        return 0
    rate = max(row.rate + change, Decimal(0))
    book.post(tx, MACHINE, row.id, RateChange(on=day, rate=rate), key=key)
    text = Text(
        zh=f"利率自 {day} 起由 {row.rate:.2%} 调整为 {rate:.2%}（随 LPR 重定价）",
        en=f"your rate follows the LPR: {rate:.2%} instead of {row.rate:.2%} from {day}",
    )
    notify(tx, to_company=row.company_id, text=text, link=f"/enterprise/loans/{row.id}")
    return 1
