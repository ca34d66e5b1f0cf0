"""What operator and regulator may know of all loan books: sums by the release rule, no lender, no firm."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.lending.release_rule import Member, Table, group, release

CONDITIONS = ("normal", "special_mention", "bad")
_OPEN = """
    SELECT l.company_id, l.principal_cny, l.rate, l.class, l.institution_id, c.industry, c.division, c.size
    FROM loan l LEFT JOIN company c ON c.id = l.company_id WHERE l.state = 'open'
"""


def open_loans(tx: Tx) -> list[Row]:
    """Every open loan of every lender, for the tables below only."""
    with acting(tx, SYSTEM):
        return tx.execute(_OPEN).fetchall()


def condition(row: Row) -> str:
    """How a loan stands: normal, special mention, or bad (substandard, doubtful, loss)."""
    return str(row["class"]) if row["class"] in CONDITIONS else "bad"


def divided(loans: list[Row], key: Callable[[Row], str]) -> Table[str]:
    """Open loans divided by ``key``: sums and average rate of parts that may be shown."""
    members = ((key(row), _member(row)) for row in loans)
    return release(group(members))


def _member(row: Row) -> Member:
    return Member(row["company_id"], Decimal(row["principal_cny"]), Decimal(row["rate"]))
