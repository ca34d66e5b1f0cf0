"""The loan engine (贷款引擎): a loan is the fold of its events over its terms; pure and exact.

An event dated before others already told is worked in at its day: all is worked out anew, as a reversal does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from xinqiao.kernel.errors import fail
from xinqiao.loan import allocation, changing
from xinqiao.loan.balances import Balances
from xinqiao.loan.event import (
    Charge,
    Defer,
    Disburse,
    EndOfDay,
    Event,
    ExtendTerm,
    InterestFree,
    MoveDue,
    RateChange,
    Renew,
    Repay,
    Restructure,
    Reverse,
    Settle,
    Waive,
    WriteOff,
    kind_of,
)
from xinqiao.loan.event import Payoff as PayoffEvent
from xinqiao.loan.loan import Loan
from xinqiao.loan.planning import absorb, blank
from xinqiao.loan.schedule import State, money, solve
from xinqiao.loan.standing import Payoff, Row, balances_of, oldest_unpaid, payoff_of, rows_of
from xinqiao.loan.terms import Terms

__all__ = [
    "Loan",
    "Payoff",
    "Row",
    "apply",
    "balances",
    "begin",
    "days_past_due",
    "fold",
    "matures_on",
    "next_due",
    "payoff",
    "rows",
    "unpaid_since",
]


_WORK: dict[type[Event], Callable[[Loan, Any], Loan]] = {
    Disburse: changing.disburse,
    Repay: allocation.repay,
    PayoffEvent: allocation.settle_whole,
    Settle: allocation.settle,
    Waive: allocation.waive,
    RateChange: changing.change_rate,
    InterestFree: changing.free_of_interest,
    ExtendTerm: changing.extend,
    Defer: changing.defer,
    MoveDue: changing.move_due,
    Charge: changing.charge,
    Restructure: changing.restructure,
    Renew: changing.renew,
    WriteOff: changing.write_off,
    EndOfDay: changing.end_day,
}


def begin(terms: Terms) -> Loan:
    """A loan with nothing drawn yet."""
    instalments = list(blank(terms))
    for fee in terms.fees:
        if fee.when == "day" and fee.on is not None:
            amount = money(terms, terms.principal * fee.share) + fee.amount
            k = next((k for k, each in enumerate(instalments) if each.due >= fee.on), len(instalments) - 1)
            each = instalments[k]
            instalments[k] = replace(each, charges=(*each.charges, (fee.on, amount)))
    state = State(instalments=tuple(instalments))
    return Loan(terms=terms, agreed=terms, state=state, dues=solve(terms, state))


def apply(loan: Loan, event: Event) -> Loan:
    """The loan after one more event. Raises LON-* for what can't be.

    A payoff without a sum is kept with the sum it came to: what came in stays a fact when the past changes.
    """
    if isinstance(event, Reverse):
        _check_reversal(loan, event)
        return fold(_first_terms(loan), (*loan.events, event))
    if isinstance(event, PayoffEvent):
        _check(loan, event)
        event = allocation.told_whole(at(loan, event.on), event)
    last = max((each.on for each in effective(loan.events)), default=event.on)
    if event.on < last:
        return fold(_first_terms(loan), (*loan.events, event))
    return replace(_applied(loan, event), events=(*loan.events, event))


def fold(terms: Terms, events: Iterable[Event]) -> Loan:
    """The loan that terms and events come to: in the order of their days, told order within a day."""
    told = tuple(events)
    loan = begin(terms)
    for event in sorted(effective(told), key=lambda each: each.on):
        loan = _applied(loan, event)
    return replace(loan, events=told)


def effective(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events that count: without reversed ones and the reversals."""
    gone = {event.seq for event in events if isinstance(event, Reverse)}
    return tuple(
        event
        for seq, event in enumerate(events, start=1)
        if seq not in gone and not isinstance(event, Reverse)
    )


def _first_terms(loan: Loan) -> Terms:
    return loan.agreed


def _check_reversal(loan: Loan, event: Reverse) -> None:
    if not 1 <= event.seq <= len(loan.events):
        fail("LON-EVENT-ABSENT", "seq", seq=event.seq, count=len(loan.events))
    told = loan.events[event.seq - 1]
    twice = any(isinstance(each, Reverse) and each.seq == event.seq for each in loan.events)
    if twice or isinstance(told, Reverse | Disburse):
        fail("LON-REVERSE-STATE", "seq", seq=event.seq, kind=kind_of(told))


def _applied(loan: Loan, event: Event) -> Loan:
    """The event worked in, by its kind; the day of the business is at least the event's."""
    _check(loan, event)
    loan = _WORK[type(event)](loan, event)
    as_of = max(event.on, loan.state.as_of or event.on)
    state = replace(loan.state, as_of=as_of)
    if loan.terms.overdue_accrues == "never":
        return replace(loan, state=state)
    return loan.with_state(absorb(loan.terms, state))


def _check(loan: Loan, event: Event) -> None:
    """Whether anything can still happen to the loan."""
    if not isinstance(event, Disburse) and not loan.state.drawn:
        fail("LON-DRAWN-STATE", kind_of(event))
    if loan.written_off_on is not None and not isinstance(event, Repay | EndOfDay):
        fail("LON-WRITTEN-STATE", kind_of(event), on=loan.written_off_on)
    if loan.state.stopped_on is not None and not isinstance(event, Repay | EndOfDay):
        fail("LON-CLOSED-STATE", kind_of(event))


def at(loan: Loan, on: date) -> Loan:
    """The loan as it was at the end of ``on``: without the events after it."""
    known = effective(loan.events)
    if all(event.on <= on for event in known):
        return loan
    return fold(_first_terms(loan), (event for event in known if event.on <= on))


def balances(loan: Loan, on: date) -> Balances:
    """Totals as of the end of ``on``, interest and penalty to that day included; allowance is always 0."""
    return balances_of(at(loan, on), on)


def rows(loan: Loan, on: date) -> tuple[Row, ...]:
    """The schedule and what was paid of it, as of the end of ``on``."""
    return rows_of(at(loan, on), on)


def unpaid_since(loan: Loan, on: date) -> date | None:
    """Due date of the oldest instalment overdue at the end of ``on``; None: nothing is overdue."""
    return oldest_unpaid(at(loan, on), on)


def days_past_due(loan: Loan, on: date) -> int:
    """Days since the oldest unpaid due date (逾期天数); 0: nothing is overdue."""
    since = unpaid_since(loan, on)
    return (on - since).days if since else 0


def next_due(loan: Loan, on: date) -> date | None:
    """Due date of the first instalment after ``on`` with something to pay."""
    return next((row.due for row in rows(loan, on) if row.due > on and row.open > 0), None)


def payoff(loan: Loan, on: date) -> Payoff:
    """What settles the loan on ``on`` (提前结清试算)."""
    return payoff_of(at(loan, on), on)


def matures_on(loan: Loan) -> date:
    """The last due date (到期日)."""
    return loan.instalments[-1].due
