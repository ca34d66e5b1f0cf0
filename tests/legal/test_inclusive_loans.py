"""Which loans to small firms are reported as inclusive ones."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

from decimal import Decimal

from tests.lending.applying import COMPANY
from tests.servicing.lent import books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.servicing.inclusive import Booked, booked, inclusive, is_inclusive


def test_L10_ten_million_counts_and_a_cent_more_does_not() -> None:
    for total, counts in (("10000000.00", True), ("10000000.01", False)):
        assert is_inclusive(size="small", total_limit_cny=Decimal(total)) is counts
        assert is_inclusive(size=None, individual=True, total_limit_cny=Decimal(total)) is counts
        assert not is_inclusive(size="medium", total_limit_cny=Decimal(total))
        assert not is_inclusive(size="micro", total_limit_cny=Decimal(total), bill=True)


def test_L10_all_that_one_institution_grants_decides_over_its_booked_loans(database: Database) -> None:
    book = books(database)
    first = book.facility()
    book.draw(first, 60_000)
    other = book.facility(company="91330100000000009A")
    book.draw(other, 30_000)
    with database.transaction(SYSTEM) as tx:
        assert inclusive(tx, book.bank, COMPANY)
        assert booked(tx, book.bank) == Booked(loans=2, firms=2, cny=Decimal(90_000))
        tx.execute("UPDATE facility SET amount_cny = 10000000.01 WHERE id = %s", [first])
        assert booked(tx, book.bank) == Booked(loans=1, firms=1, cny=Decimal(30_000))
        tx.execute("UPDATE company SET size = 'medium' WHERE id = '91330100000000009A'")
        assert booked(tx, book.bank).loans == 0
        tx.execute("UPDATE company SET kind = 'self_employed' WHERE id = '91330100000000009A'")
        assert booked(tx, book.bank).loans == 1
