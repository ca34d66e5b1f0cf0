from __future__ import annotations

from decimal import Decimal

import pytest

from tests.lending.applying import COMPANY
from tests.servicing.lent import books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.servicing.inclusive import inclusive, is_inclusive, total_limit


@pytest.mark.parametrize(
    ("size", "total", "changes", "counts"),
    [
        ("small", "10000000.00", {}, True),
        ("small", "10000000.01", {}, False),
        ("micro", "1.00", {}, True),
        ("medium", "10000.00", {}, False),
        (None, "10000.00", {}, False),
        (None, "10000000.00", {"individual": True}, True),
        ("medium", "10000.00", {"owner": True}, True),
        ("small", "10000.00", {"bill": True}, False),
    ],
)
def test_which_loans_are_inclusive(
    size: str | None,
    total: str,
    changes: dict[str, bool],
    counts: bool,  # noqa: FBT001 - a table
) -> None:
    assert is_inclusive(size=size, total_limit_cny=Decimal(total), **changes) is counts


def test_all_that_the_institution_grants_counts(database: Database) -> None:
    book = books(database)
    first = book.facility(200_000)
    book.facility(100_000)
    with database.transaction(SYSTEM) as tx:
        assert total_limit(tx, book.bank, COMPANY) == 300_000
        assert inclusive(tx, book.bank, COMPANY)
        tx.execute("UPDATE facility SET amount_cny = 9900000.01 WHERE id = %s", [first])
        assert not inclusive(tx, book.bank, COMPANY)
        tx.execute("UPDATE facility SET state = 'closed' WHERE id = %s", [first])
        assert inclusive(tx, book.bank, COMPANY)
        assert not inclusive(tx, book.bank, COMPANY, bill=True)
        assert not inclusive(tx, book.bank, "UNKNOWN")
