"""A loan as its events left it (借据): frozen; the engine makes the next one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from xinqiao.loan.balances import Balances
from xinqiao.loan.event import Event
from xinqiao.loan.schedule import ZERO, Due, Instalment, State, solve
from xinqiao.loan.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """What terms and events come to. ``events`` are all of them, as they were told, reversed ones too.

    ``agreed`` are the terms it began with, ``terms`` those of now; ``dues`` is the schedule worked out.
    Amounts in CNY: ``credit`` is held for the borrower, ``drawing_fees`` were taken when money was drawn,
    ``recovered`` came in after the write-off, ``lost`` was written off.
    """

    terms: Terms
    agreed: Terms
    state: State
    events: tuple[Event, ...] = ()
    dues: tuple[Due, ...] = ()
    credit: Decimal = ZERO
    drawing_fees: Decimal = ZERO
    recovered: Decimal = ZERO
    lost: Balances = field(default_factory=Balances)
    written_off_on: date | None = None
    restructured_on: date | None = None
    renewed_on: date | None = None

    @property
    def instalments(self) -> tuple[Instalment, ...]:
        """The instalments as agreed, with what was paid."""
        return self.state.instalments

    def with_state(self, state: State) -> Loan:
        """The loan with another state, worked out."""
        return replace(self, state=state, dues=solve(self.terms, state))

    def with_instalment(self, k: int, each: Instalment) -> Loan:
        """The loan with instalment ``k`` (from 0) replaced; the schedule is not worked out anew."""
        kept = self.state.instalments
        return replace(self, state=replace(self.state, instalments=(*kept[:k], each, *kept[k + 1 :])))

    def running(self, on: date) -> int | None:
        """Number (from 0) of the first instalment due after ``on``; None: all are due."""
        return next((k for k, each in enumerate(self.state.instalments) if each.due > on), None)
