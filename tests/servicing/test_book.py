"""Events reach the books once, in balance, and can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.lending.bank import person
from tests.servicing.lent import MACHINE, START, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access
from xinqiao.kernel.errors import UserError
from xinqiao.loan.event import Charge, RateChange, Repay, Waive, WriteOff
from xinqiao.servicing import book, repayment
from xinqiao.servicing.statement import check, statement, trial

FEE = 1_200
"""1 % of the drawing, kept back from it."""


@pytest.fixture
def bank(database: Database) -> Books:
    return books(database)


@pytest.fixture
def loan(bank: Books) -> UUID:
    return bank.draw(bank.facility(), 120_000)


def _sums(bank: Books) -> dict[str, Decimal]:
    with bank.database.transaction(SYSTEM) as tx:
        return {each.account: each.balance for each in trial(tx, bank.bank)}


def test_a_drawing_is_booked_with_its_fee_and_schedule(bank: Books, loan: UUID) -> None:
    assert _sums(bank)["loan_principal"] == 120_000
    row = bank.see(loan)
    assert (row.state, row.version, row.drawn_on, row.principal_cny) == ("open", 1, START, 120_000)
    with bank.database.transaction(SYSTEM) as tx:
        found = book.instalments(tx, loan)
    assert len(found) == 12
    assert sum(each.principal_cny for each in found) == 120_000
    assert row.next_due == found[0].due == date(2026, 4, 2)
    assert bank.faults() == []


def test_a_loan_repaid_on_time_is_closed_and_earned_its_interest(bank: Books, loan: UUID) -> None:
    with bank.database.transaction(SYSTEM) as tx:
        dues = [
            (each.due, each.principal_cny + each.interest_cny + each.fee_cny)
            for each in book.instalments(tx, loan)
        ]
    fee = bank.see(loan).fee_cny
    if fee:
        bank.repay(loan, str(fee))
    for due, amount in dues:
        bank.day(due)
        bank.repay(loan, str(amount))
        assert bank.see(loan).unpaid_since is None
    row = bank.see(loan)
    assert (row.state, row.principal_cny, row.interest_cny, row.credit_cny) == ("closed", 0, 0, 0)
    sums = _sums(bank)
    assert sums.get("loan_principal", 0) == 0
    assert sums["cash"] == -sums["interest_income"] - sums.get("fee_income", Decimal(0))
    assert bank.used("facility") == 0
    assert bank.faults() == []


def test_a_key_is_booked_once_by_many_who_send_it(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 3, 20))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: bank.repay(loan, 5_000, key="same"), range(8)))
    assert len({each.events for each in found}) == 1
    assert bank.see(loan).version == 2
    bank.day(date(2026, 3, 21))  # sent again the day after
    bank.repay(loan, 5_000, key="same")
    assert bank.see(loan).version == 2
    with pytest.raises(UserError, match="SRV-KEY-STATE"):
        bank.repay(loan, 5_001, key="same")
    assert bank.faults() == []


def test_many_repay_at_once_and_every_one_counts(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 3, 20))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bank.repay(loan, 1_000 + n), range(16)))
    row = bank.see(loan)
    paid = row.totals.principal_paid + row.totals.interest_paid + row.totals.fee_paid + row.totals.credit
    assert paid == FEE + sum(1_000 + n for n in range(16))
    assert row.version == 17
    assert bank.faults() == []


def test_a_reversal_leaves_the_journal_and_counters_it(bank: Books, loan: UUID, access: Access) -> None:
    bank.day(date(2026, 4, 2))
    bank.repay(loan, 30_000)
    before, used = bank.see(loan), bank.used("facility")
    bank.post(loan, Charge(on=date(2026, 4, 2), amount=Decimal(100), fee="visit"))
    with psycopg.connect(access.owner) as connection:
        entries = connection.execute("SELECT * FROM journal_line ORDER BY entry_id, account").fetchall()
    with bank.database.transaction(SYSTEM) as tx:
        repayment.reverse(tx, MACHINE, loan, 2)
    after = bank.see(loan)
    assert after.totals.principal_paid == 0
    assert after.principal_cny == 120_000
    assert bank.used("facility") == 120_000 > used
    assert after.unpaid_since == date(2026, 4, 2) or after.days_past_due == 0
    assert before.version + 2 == after.version
    with psycopg.connect(access.owner) as connection:
        now = connection.execute("SELECT * FROM journal_line ORDER BY entry_id, account").fetchall()
        counters = connection.execute(
            "SELECT count(*) FROM journal_entry WHERE kind = 'counter' AND counters IS NOT NULL"
        ).fetchone()
    assert [line for line in now if line in entries] == entries
    assert counters == (1,)
    assert bank.faults() == []
    for seq, code in ((2, "SRV-REVERSE-STATE"), (1, "SRV-REVERSE-STATE"), (9, "SRV-EVENT-ABSENT")):
        with pytest.raises(UserError, match=code), bank.database.transaction(SYSTEM) as tx:
            repayment.reverse(tx, MACHINE, loan, seq)


def test_a_repayment_taken_back_counts_even_beyond_the_limit(bank: Books, loan: UUID) -> None:
    bank.repay(loan, 100_000)
    with bank.database.transaction(SYSTEM) as tx:
        facility = book.loan(tx, loan).facility_id
    bank.draw(facility, 150_000)
    with bank.database.transaction(SYSTEM) as tx:
        repayment.reverse(tx, MACHINE, loan, 2)
    assert bank.used("facility") > 200_000
    with pytest.raises(UserError, match="SRV-LIMIT-STATE"):
        bank.draw(facility, 1_000)
    assert bank.faults() == []


def test_a_payoff_closes_the_loan_and_leaves_nothing(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 5, 20))
    with bank.database.transaction(SYSTEM) as tx:
        due = repayment.quote(tx, loan)
        repayment.settle_whole(tx, MACHINE, loan, key="all")
    with bank.database.transaction(SYSTEM) as tx:
        repayment.settle_whole(tx, MACHINE, loan, key="all")
    row = bank.see(loan)
    assert (row.state, row.version) == ("closed", 2)
    paid = (
        row.totals.principal_paid + row.totals.interest_paid + row.totals.penalty_paid + row.totals.fee_paid
    )
    assert paid == FEE + due.total
    assert bank.faults() == []


def test_what_is_written_off_is_carried_by_the_allowance_and_recovered(bank: Books, loan: UUID) -> None:
    bank.day(date(2027, 3, 20))
    bank.post(loan, WriteOff(on=date(2027, 3, 20)))
    row = bank.see(loan)
    assert (row.state, row.principal_cny, row.allowance_cny) == ("written_off", 0, 0)
    assert _sums(bank)["provision_expense"] == row.totals.allowance > 120_000
    assert bank.used("facility") == 120_000, "what was lost is not lent again"
    bank.day(date(2027, 4, 20))
    bank.repay(loan, 7_000)
    assert _sums(bank)["recovery_income"] == -7_000
    assert bank.faults() == []


def test_other_events_change_the_row_with_them(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 4, 20))
    bank.post(loan, RateChange(on=date(2026, 4, 20), rate=Decimal("0.05")))
    bank.post(loan, Charge(on=date(2026, 4, 20), amount=Decimal("88.50"), fee="copy"))
    fee = bank.see(loan).fee_cny
    bank.post(loan, Waive(on=date(2026, 4, 20), part="fee", amount=Decimal("8.50")))
    row = bank.see(loan)
    assert row.rate == Decimal("0.05")
    assert row.fee_cny == fee - Decimal("8.50")
    assert _sums(bank)["waived"] == Decimal("8.50")
    assert (row.unpaid_since, row.days_past_due) == (date(2026, 4, 2), 18)
    assert bank.faults() == []


def test_nothing_is_booked_for_a_day_to_come(bank: Books, loan: UUID) -> None:
    with pytest.raises(UserError, match="SRV-DAY"):
        bank.post(loan, Repay(on=date(2026, 3, 3), amount=Decimal(10)))
    for amount in ("0", "-1", "0.001"):
        with pytest.raises(UserError, match="SRV-SUM"):
            bank.repay(loan, amount)


def test_what_is_booked_late_counts_from_its_day(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 4, 30))
    bank.post(loan, Charge(on=date(2026, 4, 30), amount=Decimal(10), fee="copy"))
    bank.repay(loan, 60_000, on=date(2026, 4, 2))
    row = bank.see(loan)
    assert row.posted_on == date(2026, 4, 30)
    assert row.unpaid_since is None
    assert bank.faults() == []


def test_a_company_repays_no_more_than_it_owes_and_only_its_own(bank: Books, loan: UUID) -> None:
    agent, stranger = bank.place.agent, person("officer")
    with pytest.raises(UserError, match="SRV-AMOUNT-OWED"), bank.database.transaction(agent.scope) as tx:
        repayment.repay(tx, agent, loan, Decimal(500_000))
    with bank.database.transaction(agent.scope) as tx:
        repayment.repay(tx, agent, loan, Decimal(500), key="a")
    with bank.database.transaction(agent.scope) as tx:
        repayment.repay(tx, agent, loan, Decimal(500), key="a")
        assert book.loan(tx, loan).version == 2
    with pytest.raises(UserError, match="SRV-LOAN-ABSENT"), bank.database.transaction(stranger.scope) as tx:
        repayment.repay(tx, stranger, loan, Decimal(500))


def test_the_journal_is_never_changed_and_always_balances(bank: Books, loan: UUID, access: Access) -> None:
    for statement_ in ("UPDATE journal_line SET amount_cny = 1", "UPDATE loan_event SET key = 'x'"):
        with pytest.raises(psycopg.Error) as said, psycopg.connect(access.owner) as connection:
            connection.execute(statement_.encode())
        assert said.value.sqlstate == "XQ001"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), bank.database.transaction(SYSTEM) as tx:
        tx.execute("DELETE FROM journal_line")
    with pytest.raises(psycopg.Error) as unbalanced, bank.database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO journal_line SELECT entry_id, institution_id, 'waived', 1 FROM journal_line LIMIT 1"
        )
    assert unbalanced.value.sqlstate == "XQ004"
    assert bank.see(loan).version == 1


def test_the_check_finds_what_is_wrong(bank: Books, loan: UUID) -> None:
    assert bank.see(loan).standing.drawn_cny == 120_000
    assert bank.faults() == []
    with bank.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE loan SET totals = jsonb_set(totals, '{interest_earned}', '\"9.99\"')")
        tx.execute("UPDATE credit_line SET used_cny = used_cny + 1")
        found = check(tx)
    assert any("interest_income" in each for each in found)
    assert any("by its events" in each for each in found)
    assert any("loans say" in each and each.startswith("line") for each in found)


def test_a_statement_shows_every_booking_and_where_it_left_the_loan(bank: Books, loan: UUID) -> None:
    bank.day(date(2026, 4, 2))
    bank.repay(loan, 20_000)
    bank.day(date(2026, 5, 2))
    bank.repay(loan, 10_000)
    with bank.database.transaction(bank.place.agent.scope) as tx:
        told = statement(tx, loan, date(2026, 4, 1), date(2026, 4, 30))
        whole = statement(tx, loan, START, date(2026, 12, 31))
        row = book.loan(tx, loan)
    assert told.before["loan_principal"] == 120_000
    assert [line.kind for line in told.lines] == ["accrual", "repay"]
    assert told.lines[-1].sums["cash"] == 20_000
    assert told.after == told.lines[-1].after
    assert whole.after["loan_principal"] == row.principal_cny
    assert whole.after.get("interest_receivable", 0) == row.interest_cny
