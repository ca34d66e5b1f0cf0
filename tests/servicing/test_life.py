"""Any order of drawing, repaying and all else: the books stay in balance and are what the events say."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.servicing.lent import MACHINE, START, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.loan.event import Charge, Defer, RateChange, Waive, WriteOff
from xinqiao.servicing import facility, repayment
from xinqiao.servicing.line import lines, set_line
from xinqiao.servicing.loan_row import loans
from xinqiao.servicing.statement import check, trial

EXPECTED = ("SRV-", "LON-")
FIRMS = itertools.count()
CENTS = st.integers(1, 9_000_000)


class Lives(RuleBasedStateMachine):
    """One firm with one facility, at a bank that many others borrow from too."""

    book: Books
    drawn = Bundle("drawn")

    def __init__(self) -> None:
        super().__init__()
        self.company = f"91330100{next(FIRMS):09d}A"
        self.book.day(START)
        self.on = START
        self.facility = self.book.facility(200_000, self.company)
        self.beyond = False
        self.limit(15_000_000)

    def act(self, work: Any) -> Any:  # noqa: ANN401 - called without arguments
        """Only what a person can mend may go wrong."""
        try:
            return work()
        except UserError as error:
            if not error.code.startswith(EXPECTED):
                raise
            return None

    @initialize(target=drawn, cents=st.integers(100_000, 9_000_000))
    def first(self, cents: int) -> UUID:
        return self.book.draw(self.facility, str(Decimal(cents) / 100))

    @rule(target=drawn, cents=CENTS, months=st.integers(1, 12), key=st.integers(0, 3))
    def draw(self, cents: int, months: int, key: int) -> Any:  # noqa: ANN401 - an id, or multiple()
        key_ = f"{self.facility}-{key}-{cents}-{months}" if key else None
        made = self.act(
            lambda: self.book.draw(self.facility, str(Decimal(cents) / 100), months=months, key=key_)
        )
        return made or multiple()

    @rule(
        loan=drawn,
        cents=CENTS,
        early=st.sampled_from([None, "next", "shorter", "smaller"]),
        back=st.integers(0, 9),
    )
    def repay(self, loan: UUID, cents: int, early: str | None, back: int) -> None:
        on = max(self.on - timedelta(days=back), self.book.see(loan).drawn_on) if back > 6 else self.on
        self.act(lambda: self.book.repay(loan, str(Decimal(cents) / 100), early=early, on=on))

    @rule(loan=drawn)
    def settle(self, loan: UUID) -> None:
        def work() -> None:
            with self.book.database.transaction(SYSTEM) as tx:
                repayment.settle_whole(tx, MACHINE, loan)

        self.act(work)

    @rule(loan=drawn, seq=st.integers(1, 8))
    def reverse(self, loan: UUID, seq: int) -> None:
        def work() -> None:
            with self.book.database.transaction(SYSTEM) as tx:
                repayment.reverse(tx, MACHINE, loan, seq)
            self.beyond = True

        self.act(work)

    @rule(
        loan=drawn,
        what=st.sampled_from(["rate", "charge", "waive", "defer", "write_off"]),
        size=st.integers(1, 9),
    )
    def other(self, loan: UUID, what: str, size: int) -> None:
        events = {
            "rate": RateChange(on=self.on, rate=Decimal(size) / 100),
            "charge": Charge(on=self.on, amount=Decimal(size), fee="visit"),
            "waive": Waive(on=self.on, part="interest", amount=Decimal(size)),
            "defer": Defer(on=self.on, months=size % 3 + 1),
            "write_off": WriteOff(on=self.on),
        }
        if what != "write_off" or size == 1:
            self.act(lambda: self.book.post(loan, events[what]))

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.on += timedelta(days=days)
        self.book.day(self.on)

    @rule(cents=st.integers(3_000_000, 20_000_000))
    def limit(self, cents: int) -> None:
        with self.book.database.transaction(SYSTEM) as tx:
            set_line(
                tx, MACHINE, "company", self.company, Decimal(cents) / 100, institution_id=self.book.bank
            )
            used = next(each for each in lines(tx, kind="company") if each.key == self.company)
        self.beyond |= used.used_cny > used.limit_cny

    @rule(group=st.sampled_from(["P-1", "P-2", None]))
    def regroup(self, group: str | None) -> None:
        with self.book.database.transaction(SYSTEM) as tx:
            facility.regroup(tx, MACHINE, self.facility, group)
            set_line(tx, MACHINE, "group", "P-1", Decimal(300_000), institution_id=self.book.bank)
        self.beyond = True

    @invariant()
    def the_books_are_right(self) -> None:
        """Entries balance, accounts are the sum of loans, limits are used as loans say, replays are equal."""
        with self.book.database.transaction(SYSTEM) as tx:
            assert check(tx, replays=6) == []
            assert sum(each.balance for each in trial(tx, self.book.bank)) == 0
            for row in loans(tx, facility_id=self.facility):
                assert row.principal_cny >= 0
                assert row.days_past_due == 0 or row.unpaid_since is not None
            if not self.beyond:
                mine = {self.company, str(self.facility)}
                assert all(each.used_cny <= each.limit_cny for each in lines(tx) if each.key in mine)


@pytest.mark.slow
def test_whatever_is_booked_in_whatever_order(database: Database) -> None:
    class InThisBank(Lives):
        pass

    InThisBank.book = books(database)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    told = settings(max_examples=8, stateful_step_count=14, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(InThisBank, settings=told)  # type: ignore[no-untyped-call] # hypothesis' own
