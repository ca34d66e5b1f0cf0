"""Day-end: lines in the database and the engine say the same, to the cent, day after day."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.servicing.lent import MACHINE, START, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.loan.calendar import periods
from xinqiao.loan.event import (
    Charge,
    Defer,
    Disburse,
    Event,
    InterestFree,
    RateChange,
    Repay,
    Restructure,
    WriteOff,
)
from xinqiao.loan.terms import Grace, LoanFee, Penalty, Prepayment, Terms
from xinqiao.servicing import book, day_end
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.facility import facility


@pytest.fixture
def bank(database: Database) -> Books:
    return books(database)


def close(bank: Books, until: date, *, batch: int = day_end.BATCH, workers: int = 1) -> None:
    """Day-ends until ``until`` is over."""
    with bank.database.transaction(SYSTEM) as tx:
        day = business_day(tx, bank.bank)
    while day <= until:
        day_end.run(bank.database, bank.bank, day, batch=batch, workers=workers)
        day += timedelta(days=1)


def same(bank: Books, loan: UUID) -> None:
    """The row is what the events say on its day."""
    with bank.database.transaction(SYSTEM) as tx:
        assert book.loan(tx, loan).standing == book.replayed(tx, loan)


def lend(bank: Books, of: UUID, terms: Terms) -> UUID:
    """A loan of any terms."""
    with bank.database.transaction(SYSTEM) as tx:
        event = Disburse(on=terms.periods[0][0], amount=terms.principal)
        return book.begin(tx, facility(tx, of), terms, event, by=MACHINE, key=None)


def engine_worked(bank: Books, day: date) -> int:
    """Loans that the engine works out on a day."""
    return day_end.run(bank.database, bank.bank, day).by_engine


def test_a_quiet_loan_is_carried_by_its_line(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    worked = 0
    for k in range(40):
        worked += engine_worked(bank, START + timedelta(days=k))
        same(bank, loan)
    row = bank.see(loan)
    assert worked == 0
    assert row.days_past_due == 8
    assert row.penalty_cny > 0
    assert row.class_ == "special_mention"
    assert row.allowance_cny == (row.principal_cny * Decimal("0.02")).quantize(Decimal("0.01"))
    assert bank.faults() == []


WAYS = ["equal_instalment", "equal_principal", "interest_only_then_bullet", "bullet", "flat"]
PENALTIES = [
    Penalty(),
    Penalty(compound=True),
    Penalty(grace_days=5),
    Penalty(kind="none"),
    Penalty(rate=Decimal("0.18"), days="ACT/365F"),
    Penalty(kind="once", share=Decimal("0.05")),
]


def _terms(draw: random.Random) -> Terms:
    days = draw.choice(["ACT/360", "ACT/360", "ACT/365F", "30/360", "ACT/ACT"])
    unit, every = draw.choice([("month", 1), ("month", 1), ("week", 2)])
    return Terms(
        principal=Decimal(draw.randrange(1_000, 14_000, 500)),
        rate=Decimal(draw.randrange(200, 1_800)) / 10_000,
        periods=periods(START, draw.randint(2, 7), every, unit),  # type: ignore[arg-type] # both are units
        way=draw.choice(WAYS),  # type: ignore[arg-type] # all are ways
        day_count=days,  # type: ignore[arg-type] # all are day counts
        penalty=draw.choice(PENALTIES),
        grace=draw.choice([Grace(), Grace(), Grace(principal=1), Grace(interest=1)]),
        fees=draw.choice([(), (), (LoanFee(name="service", share=Decimal("0.001")),)]),
        prepayment=Prepayment(effect=draw.choice(["next", "shorter", "smaller", "last"])),
    )


def _event(draw: random.Random, day: date, terms: Terms) -> Event:
    amount = Decimal(draw.randrange(100, 200_000)) / 100
    kinds: list[Event] = [Repay(on=day, amount=amount)] * 6
    kinds += [
        RateChange(on=day, rate=terms.rate + Decimal("0.01")),
        InterestFree(on=day, until=day + timedelta(days=9)),
        Defer(on=day, months=1, interest=draw.choice(["accrues", "free"])),
        Charge(on=day, amount=amount, fee="visit"),
        Restructure(on=day, rate=Decimal("0.04"), count=4, way="equal_instalment"),
    ]
    return draw.choice(kinds)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_loans_stand_every_day_as_the_engine_says(bank: Books, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - a test's own
    of = bank.facility()
    known = {}
    for _ in range(14):
        terms = _terms(draw)
        known[lend(bank, of, terms)] = terms
    for k in range(75):
        day = START + timedelta(days=k)
        for loan, terms in known.items():
            if draw.random() < 0.02:
                try:
                    bank.post(loan, _event(draw, day, terms))
                except UserError as error:
                    assert error.code.startswith("LON-")  # noqa: PT017 - either way is right
        close(bank, day, batch=5)
        if k % 7 == 0 or k in (31, 32, 62):
            for loan in known:
                same(bank, loan)
    assert bank.faults() == []


def test_a_written_off_loan_is_left_alone(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    close(bank, START + timedelta(days=3))
    bank.post(loan, WriteOff(on=START + timedelta(days=4)))
    before = bank.see(loan)
    close(bank, START + timedelta(days=6))
    assert bank.see(loan) == before
    assert bank.faults() == []


class KilledError(Exception):
    """Stands for kill -9 between two batches; ``test_kill`` does it for real."""


def test_a_day_end_stopped_half_way_goes_on(bank: Books) -> None:
    of = bank.facility()
    loans = [bank.draw(of, 10_000) for _ in range(5)]

    def stop(done: int, total: int) -> None:
        assert total == len(loans)
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        day_end.run(bank.database, bank.bank, START, batch=1, workers=1, progress=stop)
    with bank.database.transaction(SYSTEM) as tx:
        found = day_end.state(tx, bank.bank)
    assert (found.half_done, found.day, found.closed) == (START, START + timedelta(days=1), None)
    bank.repay(loans[4], 500)  # the next day is open already
    done = day_end.run(bank.database, bank.bank, START, batch=1, workers=1)
    assert done.loans < len(loans)
    assert day_end.run(bank.database, bank.bank, START).again
    done_until = day_end.run_until(bank.database, bank.bank, START + timedelta(days=2))
    assert [each.day - START for each in done_until] == [timedelta(days=1), timedelta(days=2)]
    for loan in loans:
        same(bank, loan)
    assert bank.faults() == []


def test_days_are_closed_in_order(bank: Books) -> None:
    bank.draw(bank.facility())
    with pytest.raises(UserError, match="SRV-DAY-END-STATE"):
        day_end.run(bank.database, bank.bank, START + timedelta(days=1))


def test_the_company_is_reminded_once(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    due = date(2026, 4, 2)
    bank.day(due - timedelta(days=4))
    close(bank, due)
    close(bank, due + timedelta(days=2))
    with bank.database.transaction(SYSTEM) as tx:
        kinds = tx.execute("SELECT kind FROM loan_reminder WHERE loan_id = %s ORDER BY at", [loan])
        assert [row["kind"] for row in kinds] == ["ahead", "today", "late"]
        link = f"/enterprise/loans/{loan}"
        told = tx.execute("SELECT zh FROM notice WHERE link = %s", [link]).fetchall()
    words = [row["zh"] for row in told if row["zh"].startswith(("还款提醒", "今天应还", "已逾期"))]
    assert len(words) == 3
