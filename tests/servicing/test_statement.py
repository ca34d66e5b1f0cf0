"""A statement adds up: what stood at its beginning and every line make what stands at its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest

from tests.servicing.lent import START, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.loan.event import Waive
from xinqiao.servicing import day_end
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.statement import DAY_END, Statement, statement

ZERO = Decimal(0)
OF_LOAN = {
    "loan_principal": "principal",
    "interest_receivable": "interest",
    "penalty_receivable": "penalty",
    "fee_receivable": "fee",
}
"""Accounts of a borrower, and the balance that each is."""


def close(bank: Books, until: date) -> None:
    """Day-ends until ``until`` is over, other loans in the same batch."""
    with bank.database.transaction(SYSTEM) as tx:
        day = business_day(tx, bank.bank)
    while day <= until:
        day_end.run(bank.database, bank.bank, day, workers=1)
        day += timedelta(days=1)


def see(bank: Books, loan: UUID, since: date, until: date) -> Statement:
    with bank.database.transaction(SYSTEM) as tx:
        return statement(tx, loan, since, until)


def added(found: Statement, accounts: Iterable[str]) -> None:
    """Opening + lines = closing, line after line, for each account."""
    for account in accounts:
        sums = found.before.get(account, ZERO)
        for each in found.lines:
            sums += each.sums.get(account, ZERO)
            assert each.after.get(account, ZERO) == sums, (account, each)
        assert found.after.get(account, ZERO) == sums, account


@pytest.fixture
def bank(database: Database) -> Books:
    return books(database)


@pytest.fixture
def loan(bank: Books) -> UUID:
    """A loan of two months and a half: one instalment in time, one late, one in part; others beside it."""
    of = bank.facility()
    bank.draw(of, 20_000)
    made = bank.draw(of, 120_000, months=12)
    bank.draw(of, 30_000)
    close(bank, date(2026, 4, 1))
    bank.repay(made, "10300.00", key="first")
    close(bank, date(2026, 5, 9))
    bank.post(made, Waive(on=date(2026, 5, 10), part="penalty", amount=Decimal("0.50")))
    bank.repay(made, "4000.00", key="part")
    close(bank, date(2026, 5, 20))
    return made


def test_months_of_day_ends_and_repayments_add_up(bank: Books, loan: UUID) -> None:
    months = [(3, 31), (4, 30), (5, 31)]
    found = [see(bank, loan, date(2026, month, 1), date(2026, month, last)) for month, last in months]
    for each in found:
        added(each, OF_LOAN)
        assert any(line.kind == DAY_END for line in each.lines)
    for earlier, later in pairwise(found):
        assert later.before == earlier.after
    whole = see(bank, loan, START, date(2026, 5, 31))
    assert (whole.before, whole.after) == ({}, found[-1].after)
    totals = bank.see(loan).totals
    for account, name in OF_LOAN.items():
        assert whole.after.get(account, ZERO) == getattr(totals, name), account
    assert totals.interest > 0
    assert totals.penalty > 0
    assert bank.faults() == []


def test_any_day_is_a_place_to_end(bank: Books, loan: UUID) -> None:
    """A statement cut anywhere: its two parts are the whole."""
    whole = see(bank, loan, START, date(2026, 5, 20))
    for k in range(0, 80, 9):
        cut = START + timedelta(days=k)
        one, two = see(bank, loan, START, cut), see(bank, loan, cut + timedelta(days=1), date(2026, 5, 20))
        added(one, OF_LOAN)
        added(two, OF_LOAN)
        assert one.after == two.before
        assert two.after == whole.after


def test_day_ends_one_after_the_other_are_one_line(bank: Books, loan: UUID) -> None:
    found = see(bank, loan, START, date(2026, 5, 20))
    kinds = [line.kind for line in found.lines]
    assert kinds.count("repay") == 2
    assert all((one, other) != (DAY_END, DAY_END) for one, other in pairwise(kinds))
    interest = sum((line.sums.get("interest_receivable", ZERO) for line in found.lines), ZERO)
    assert interest == bank.see(loan).totals.interest
