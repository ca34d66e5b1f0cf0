"""What a repayment would do, before it is made: what it covers, and what it saves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from xinqiao.loan import event as events
from xinqiao.loan.engine import Loan, Payoff, Row, apply, balances, matures_on, payoff, rows

Early = events.Repay.__annotations__["early"]
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Effect:
    """Of a repayment made on a day, in CNY. ``saved``: interest that need not be paid any more.

    ``credit``: what is held for the borrower. ``rows``: the schedule afterwards.
    """

    amount: Decimal
    principal: Decimal
    interest: Decimal
    fee: Decimal
    penalty: Decimal
    credit: Decimal
    saved: Decimal
    matured_on: date
    matures_on: date
    rows: tuple[Row, ...]


def repaying(loan: Loan, amount: Decimal, early: str | None, on: date) -> Effect:
    """The effect of repaying ``amount`` on a day. Raises UserError as ``apply`` does."""
    event = events.Repay(on=on, amount=amount.quantize(CENT), early=early)  # type: ignore[arg-type] # checked by who asks
    return _effect(loan, apply(loan, event), amount, on)


def settling(loan: Loan, on: date) -> tuple[Payoff, Effect]:
    """What settles the loan on a day, and the effect. Raises UserError as ``apply`` does."""
    due = payoff(loan, on)
    return due, _effect(loan, apply(loan, events.Payoff(on=on)), due.total, on)


def _effect(before: Loan, after: Loan, amount: Decimal, on: date) -> Effect:
    change = balances(after, on) - balances(before, on)
    was, now = rows(before, on), rows(after, on)
    saved = sum((row.interest for row in was), Decimal(0)) - sum((row.interest for row in now), Decimal(0))
    return Effect(
        amount,
        change.principal_paid,
        change.interest_paid,
        change.fee_paid,
        change.penalty_paid,
        change.credit,
        saved,
        matures_on(before),
        matures_on(after),
        now,
    )


def due_by(rows_: tuple[Row, ...], on: date) -> Decimal:
    """What has fallen due by a day and is not paid, in CNY."""
    return sum((left(row) for row in rows_ if row.due <= on), Decimal(0))


def left(row: Row) -> Decimal:
    """What of an instalment is not paid, in CNY."""
    return row.principal + row.interest + row.fee + row.penalty - row.paid
