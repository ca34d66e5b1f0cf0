"""Bulk measures: the list two people saw, resumed when killed, undone where nothing happened since."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.servicing.lent import START, Books, books
from tests.servicing.people import known
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.servicing import bulk_action, bulk_work
from xinqiao.servicing.bulk_choice import Choice, Measure, preview
from xinqiao.servicing.loan_row import events

DEFER = Measure(kind="defer", months=3)


@pytest.fixture
def bank(database: Database) -> Books:
    return known(books(database))


def _loans(bank: Books, count: int = 3) -> list[UUID]:
    of = bank.facility()
    return [bank.draw(of, 20_000) for _ in range(count)]


def _propose(bank: Books, choice: Choice, measure: Measure = DEFER) -> UUID:
    officer = bank.place.officer
    with bank.database.transaction(officer.scope) as tx:
        seen = preview(tx, bank.bank, choice, measure, START).digest
        return bulk_action.propose(tx, officer, "延期 deferral", choice, measure, seen=seen)


def _approve(bank: Books, action: UUID) -> None:
    approver = bank.place.approver
    with bank.database.transaction(approver.scope) as tx:
        bulk_action.decide(tx, approver, action, "approved")


def _seen(bank: Books, action: UUID) -> bulk_action.BulkAction:
    with bank.database.transaction(bank.place.officer.scope) as tx:
        return bulk_action.action(tx, action)


def test_the_choice_is_by_register_and_loan(bank: Books) -> None:
    loans = _loans(bank)
    with bank.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE company SET industry = 'H6210', division = '350203', size = 'small'")
        told = {
            Choice(): 3,
            Choice(industries=("H62",)): 3,
            Choice(industries=("I",)): 0,
            Choice(divisions=("3502",), sizes=("small", "micro")): 3,
            Choice(divisions=("%",)): 3,
            Choice(classes=("loss",)): 0,
            Choice(products=("test_loan",), due_by=START + timedelta(days=40)): 3,
            Choice(due_by=START): 0,
        }
        for choice, count in told.items():
            assert len(preview(tx, bank.bank, choice, DEFER, START).loans) == count, choice
        found = preview(tx, bank.bank, Choice(), DEFER, START)
    assert found.principal_cny == Decimal(60_000)
    assert found.cost_cny > 0
    assert [each.loan_id for each in found.loans] == sorted(loans)


def test_it_is_done_once_however_often_the_job_runs(bank: Books) -> None:
    loans = _loans(bank)
    action = _propose(bank, Choice())
    _approve(bank, action)
    with bank.database.transaction(SYSTEM) as tx:  # as if it had been killed after the first loan
        tx.execute("UPDATE bulk_action_loan SET state = 'waiting'")
    bulk_work.execute(bank.database, str(action))
    bulk_work.execute(bank.database, str(action))
    found = _seen(bank, action)
    assert (found.state, found.counts) == ("done", {"done": 3})
    assert found.extra_cny > 0
    with bank.database.transaction(SYSTEM) as tx:
        assert [len(events(tx, loan)) for loan in loans] == [2, 2, 2]
        told = tx.execute("SELECT count(*) AS n FROM evidence_opening WHERE subject = %s", [str(action)])
        row = told.fetchone()
    assert row is not None
    assert row["n"] == 2, "decided, and done"
    assert bank.faults() == []


def test_only_what_nothing_happened_to_is_undone(bank: Books) -> None:
    loans = _loans(bank)
    before = {loan: bank.see(loan).matures_on for loan in loans}
    action = _propose(bank, Choice())
    _approve(bank, action)
    bulk_work.execute(bank.database, str(action))
    bank.repay(loans[0], 1_000)
    place = bank.place
    with bank.database.transaction(place.officer.scope) as tx:
        bulk_action.propose_undo(tx, place.officer, action, "名单有误")
    with bank.database.transaction(place.officer.scope) as tx, pytest.raises(UserError, match="SRV-BULK"):
        bulk_action.propose_undo(tx, place.officer, action, "again")
    with bank.database.transaction(place.approver.scope) as tx:
        bulk_action.decide_undo(tx, place.approver, action, "approved")
    bulk_work.undo(bank.database, str(action))
    found = _seen(bank, action)
    assert (found.state, found.counts) == ("undone", {"kept": 1, "undone": 2})
    after = {loan: bank.see(loan).matures_on for loan in loans}
    assert after[loans[0]] > before[loans[0]]
    assert [after[loan] for loan in loans[1:]] == [before[loan] for loan in loans[1:]]
    assert bank.faults() == []


def test_a_loan_that_can_t_take_it_holds_nobody_up(bank: Books) -> None:
    loans = _loans(bank)
    action = _propose(bank, Choice())
    bank.repay(loans[1], str(bank.see(loans[1]).standing.totals.owed))
    assert bank.see(loans[1]).state == "closed"
    _approve(bank, action)
    bulk_work.execute(bank.database, str(action))
    assert _seen(bank, action).counts["done"] >= 2
    assert bank.faults() == []


def test_the_list_must_be_the_one_that_was_seen(bank: Books) -> None:
    loans = _loans(bank)
    officer = bank.place.officer
    with bank.database.transaction(officer.scope) as tx:
        seen = preview(tx, bank.bank, Choice(), DEFER, START).digest
    bank.repay(loans[0], str(bank.see(loans[0]).standing.totals.owed))
    with bank.database.transaction(officer.scope) as tx, pytest.raises(UserError, match="SRV-BULK-STATE"):
        bulk_action.propose(tx, officer, "t", Choice(), DEFER, seen=seen)


def test_the_proposer_can_not_decide(bank: Books) -> None:
    _loans(bank, 1)
    approver = bank.place.approver
    with bank.database.transaction(approver.scope) as tx:
        seen = preview(tx, bank.bank, Choice(), DEFER, START).digest
        action = bulk_action.propose(tx, approver, "t", Choice(), DEFER, seen=seen)
    with pytest.raises(UserError, match="ACC-SAME-FORBIDDEN"):
        _approve(bank, action)


@pytest.mark.parametrize(
    "measure",
    [Measure(kind="interest_free", months=2), Measure(kind="rate_change", rate=Decimal("0.03"))],
)
def test_other_measures(bank: Books, measure: Measure) -> None:
    _loans(bank, 1)
    action = _propose(bank, Choice(), measure)
    _approve(bank, action)
    bulk_work.execute(bank.database, str(action))
    found = _seen(bank, action)
    assert found.counts == {"done": 1}
    assert found.extra_cny < 0
    assert bank.faults() == []
