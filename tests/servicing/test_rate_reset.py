"""Rates follow the LPR on the anniversary of the drawing, where the product says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.lending.applying import town
from tests.servicing.lent import Books, written
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending import lpr
from xinqiao.lending.product_format import LprRow
from xinqiao.loan.event import RateChange
from xinqiao.servicing import book, rate_reset

TEXT = (
    written()
    .replace("pricing:\n", "pricing:\n  reset: anniversary\n")
    .replace("months: [6, 12]", "months: [6, 12, 24]")
)
LATER = LprRow(
    published=date(2027, 1, 20), one_year=Decimal("0.028"), five_years=Decimal("0.033"), source="测试"
)


@pytest.mark.parametrize(("text", "count"), [(TEXT, 1), (TEXT.replace("  reset: anniversary\n", ""), 0)])
def test_a_rate_takes_on_the_change_of_the_lpr_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, count: int
) -> None:
    rows = (*lpr.lpr_table(), LATER)
    monkeypatch.setattr(lpr, "lpr_table", lambda: rows)
    books = Books(database, town(database, text))
    of = books.facility()
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE facility SET term_months = 24, valid_until = '2028-03-02'")
    loan = books.draw(of)
    before = books.see(loan).rate
    books.day(date(2027, 3, 2))
    assert rate_reset.reset(database, books.bank, date(2027, 3, 1)) == 0
    assert rate_reset.reset(database, books.bank, date(2027, 3, 2)) == count
    assert rate_reset.reset(database, books.bank, date(2027, 3, 2)) == 0
    assert before - books.see(loan).rate == Decimal("0.002") * count
    with database.transaction(SYSTEM) as tx:
        events = [each.event for each in book.events(tx, loan)]
    assert sum(isinstance(each, RateChange) for each in events) == count
    assert books.faults() == []
