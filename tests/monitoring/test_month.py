"""Month ends of the book are kept once, and become labels."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.monitoring.watched import START, Desk, desk
from tests.servicing.lent import books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending.outcome import labels
from xinqiao.loan.event import WriteOff
from xinqiao.monitoring import loan_book, portfolio
from xinqiao.monitoring.labels import flow_all, flow_back
from xinqiao.monitoring.month import keep_all, keep_months


def kept(bank: Desk) -> list[tuple[object, ...]]:
    statement = (
        "SELECT on_date, principal_cny, days_past_due, class, state FROM loan_month ORDER BY loan_id, on_date"
    )
    return [tuple(row.values()) for row in bank.rows(statement)]


def keep(bank: Desk, day: date) -> int:
    bank.books.day(day)
    with bank.database.transaction(SYSTEM) as tx:
        return keep_months(tx, bank.bank, day)


def test_a_month_is_kept_when_it_is_over_and_once(database: Database) -> None:
    bank = desk(database)
    assert keep(bank, date(2026, 3, 31)) == 0
    assert keep(bank, date(2026, 4, 1)) == 1
    assert keep(bank, date(2026, 4, 1)) == 0
    assert kept(bank) == [(date(2026, 3, 31), Decimal("120000.00"), 0, "normal", "open")]


def test_months_missed_are_kept_later_as_they_had_been_booked(database: Database) -> None:
    bank = desk(database)
    with database.transaction(SYSTEM) as tx:
        first = tx.execute(
            "SELECT due, principal_cny + interest_cny + fee_cny AS sum FROM loan_instalment WHERE n = 1"
        )
        due = first.fetchone()
    assert due is not None
    bank.books.day(due["due"])
    bank.books.repay(bank.loan, due["sum"])
    assert keep(bank, date(2026, 6, 1)) == 3
    rows = kept(bank)
    assert [row[0] for row in rows] == [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    assert rows[0][1] == 120_000
    assert rows[1][1] < 120_000
    assert [row[2] for row in rows] == [0, 0, 29]


def test_a_loan_repaid_or_written_off_has_its_last_row(database: Database) -> None:
    found = books(database)
    of = found.facility()
    gone, paid = found.draw(of, 60_000), found.draw(of, 50_000)
    found.repay(paid, 50_000 + 500)
    found.day(START + timedelta(days=40))
    found.post(gone, WriteOff(on=START + timedelta(days=40)))
    with database.transaction(SYSTEM) as tx:
        keep_months(tx, found.bank, date(2026, 8, 1))
        rows = tx.execute(
            "SELECT loan_id, on_date, state FROM loan_month ORDER BY loan_id, on_date"
        ).fetchall()
    states = {gone: [], paid: []}  # type: dict[object, list[str]]
    for row in rows:
        states[row["loan_id"]].append(row["state"])
    assert states[gone] == ["open", "written_off"]
    assert states[paid][-1] == "closed"


def test_month_ends_become_outcomes_once_and_labels(database: Database) -> None:
    bank = desk(database)
    keep(bank, date(2026, 8, 1))
    with database.transaction(SYSTEM) as tx:
        assert flow_back(tx, bank.bank) == 5
        assert flow_back(tx, bank.bank) == 0
        kinds = [r["kind"] for r in tx.execute("SELECT kind FROM bank_outcome ORDER BY seen_on")]
        (label,) = labels(tx, bank.bank)
    assert kinds == ["performing", "overdue", "overdue", "overdue", "default"]
    assert (label.loan, label.bad) == (str(bank.loan), True)


def test_the_nightly_jobs_do_every_lender(database: Database) -> None:
    bank = desk(database)
    bank.books.day(date(2026, 5, 1))
    keep_all(database)
    flow_all(database)
    assert len(kept(bank)) == 2
    assert len(bank.rows("SELECT 1 FROM bank_outcome")) == 2


def test_the_book_as_frames(database: Database) -> None:
    bank = desk(database)
    keep(bank, date(2026, 8, 1))
    with database.transaction(bank.officer.scope) as tx:
        months, loans = loan_book.months(tx, bank.bank), loan_book.open_loans(tx, bank.bank)
    assert months["amount"].to_list() == [120_000.0] * 5
    (loan,) = loans.iter_rows(named=True)
    assert loan["exposure"] == 120_000.0
    assert loan["pd"] == 0.05
    assert loan["product_class"] == "credit"
    (vintage,) = portfolio.vintages(months, 90)
    assert vintage.shares == (0.0, 0.0, 0.0, 0.0, 1.0)
