"""Classes, allowance, judgements of people, write-off and recovery, over a real book (L09, L11)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.servicing.lent import START, Books, books
from tests.servicing.people import known
from xinqiao.db.database import Database
from xinqiao.kernel.errors import UserError
from xinqiao.loan.event import Renew, Restructure
from xinqiao.servicing import day_end, risk

FIRST_DUE = date(2026, 4, 2)


@pytest.fixture
def bank(database: Database) -> Books:
    return known(books(database))


def close(bank: Books, *days: date) -> None:
    """Only these days: lines and engine go from any day to any later one."""
    for day in days:
        bank.day(day)
        day_end.run(bank.database, bank.bank, day, workers=1)


def judged(bank: Books, loan: UUID, **told: object) -> None:
    """Two people judge a loan."""
    place = bank.place
    with bank.database.transaction(place.officer.scope) as tx:
        asked = risk.propose_class(tx, place.officer, loan, words="核查 checked", **told)  # type: ignore[arg-type] # of propose_class
    with bank.database.transaction(place.approver.scope) as tx:
        risk.decide_class(tx, place.approver, asked, "approved")


@pytest.mark.parametrize("company", ["91330100900000011A"])
def test_days_past_due_give_class_and_allowance(bank: Books, company: str) -> None:
    loan = bank.draw(bank.facility(company=company))
    shares = {1: "0.02", 90: "0.02", 91: "0.25", 271: "0.5", 361: "1"}
    classes = ["special_mention", "special_mention", "substandard", "doubtful", "loss"]
    for (late, share), cls in zip(shares.items(), classes, strict=True):
        close(bank, FIRST_DUE + timedelta(days=late))
        row = bank.see(loan)
        assert (row.days_past_due, row.class_) == (late, cls)
        assert row.allowance_cny == Decimal(100_000) * Decimal(share)
    with bank.database.transaction(bank.place.officer.scope) as tx:
        told = risk.history(tx, loan)
    assert [each.class_ for each in reversed(told)] == [
        "special_mention",
        "substandard",
        "doubtful",
        "loss",
    ]
    assert bank.faults() == []


def test_a_debtors_loans_are_judged_together(bank: Books) -> None:
    of = bank.facility()
    late = bank.draw(of, 50_000)
    bank.day(FIRST_DUE + timedelta(days=80))
    fresh = bank.draw(of, 60_000)
    close(bank, FIRST_DUE + timedelta(days=91))
    assert bank.see(late).class_ == "substandard"
    assert bank.see(fresh).class_ == "substandard", "more than 10 % of the debts here are"
    bank.repay(late, str(bank.see(late).standing.totals.owed), key="paid")
    close(bank, FIRST_DUE + timedelta(days=92))
    assert bank.see(fresh).class_ == "substandard", "not cured yet"


def test_what_is_known_of_other_banks_counts(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    place = bank.place
    with bank.database.transaction(place.officer.scope) as tx:
        risk.note_debtor(
            tx, place.officer, bank.see(loan).company_id, source="信用报告", overdue_share=Decimal("0.21")
        )
    close(bank, START)
    assert bank.see(loan).class_ == "substandard"


def test_a_renewal_lowers_nothing_and_a_restructuring_is_watched(bank: Books) -> None:
    of = bank.facility()
    renewed, restructured = bank.draw(of, 50_000), bank.draw(of, 50_000)
    on = START + timedelta(days=10)
    bank.day(on)
    bank.post(renewed, Renew(on=on, rate=Decimal("0.04"), count=12, way="equal_instalment"))
    bank.repay(renewed, str(bank.see(renewed).interest_cny))  # what accrued falls due with the renewal
    close(bank, on)
    assert bank.see(renewed).class_ == "normal"
    bank.day(on + timedelta(days=1))
    again = Restructure(on=on + timedelta(days=1), rate=Decimal("0.04"), count=12, way="equal_instalment")
    bank.post(restructured, again)
    close(bank, on + timedelta(days=2))
    assert bank.see(restructured).class_ == "special_mention"
    assert bank.see(renewed).class_ == "normal"


def test_people_judge_by_two_and_rules_stay_the_floor(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    judged(bank, loan, class_="doubtful")
    assert bank.see(loan).class_ == "doubtful"
    judged(bank, loan, class_=None)
    assert bank.see(loan).class_ == "substandard", "a bad class is left only by a cure"
    judged(bank, loan, class_=None, marks={"impaired": True, "loss_share": "0.95"})
    assert bank.see(loan).class_ == "loss"
    place = bank.place
    with bank.database.transaction(place.officer.scope) as tx, pytest.raises(UserError, match="SRV-CLASS"):
        risk.propose_class(tx, place.officer, loan, words="x", class_="fine")
    assert bank.faults() == []


def test_a_cured_loan_goes_up(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    judged(bank, loan, class_="substandard")
    close(bank, START)
    judged(bank, loan, class_=None, able=True)
    for k in range(1, 8):
        due = date(2026, 3 + k, 2)
        bank.day(due)
        row = bank.see(loan)
        assert row.next_due == due
        bank.repay(loan, 9_500, key=str(due))
        close(bank, due)
    assert bank.see(loan).class_ == "normal"
    assert bank.faults() == []


def test_a_write_off_takes_two_people_and_a_bad_loan_and_may_be_recovered(bank: Books) -> None:
    loan, place = bank.draw(bank.facility()), bank.place
    with bank.database.transaction(place.officer.scope) as tx, pytest.raises(UserError, match="SRV-WRITE"):
        risk.propose_write_off(tx, place.officer, loan, words="无法收回")
    judged(bank, loan, class_="loss")
    with bank.database.transaction(place.officer.scope) as tx:
        asked = risk.propose_write_off(tx, place.officer, loan, words="无法收回")
    with bank.database.transaction(place.approver.scope) as tx:
        risk.decide_write_off(tx, place.approver, asked, "approved")
    assert bank.see(loan).state == "written_off"
    bank.repay(loan, 3_000)
    assert bank.see(loan).totals.recovered == Decimal(3_000)
    assert bank.faults() == []
