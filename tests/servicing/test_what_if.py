"""What a repayment would do is what it does."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from xinqiao.loan.calendar import periods
from xinqiao.loan.engine import Loan, apply, balances, begin, payoff, rows
from xinqiao.loan.event import Disburse, Payoff, Repay
from xinqiao.loan.terms import Terms
from xinqiao.servicing.what_if import due_by, repaying, settling

START = date(2026, 1, 5)
SUM = Decimal(120_000)


def loan() -> Loan:
    """Twelve level instalments at 6 %."""
    terms = Terms(principal=SUM, rate=Decimal("0.06"), periods=periods(START, 12))
    return apply(begin(terms), Disburse(on=START, amount=SUM))


@given(
    st.integers(1, 300), st.integers(100, 9_000_000), st.sampled_from([None, "next", "shorter", "smaller"])
)
def test_an_effect_is_what_the_repayment_does(days: int, cents: int, early: str | None) -> None:
    on, amount = START + timedelta(days=days), Decimal(cents) / 100
    found = repaying(loan(), amount, early, on)
    done = apply(loan(), Repay(on=on, amount=amount, early=early))  # type: ignore[arg-type] # one of the ways
    change = balances(done, on) - balances(loan(), on)
    assert found.rows == rows(done, on)
    assert found.principal + found.interest + found.penalty + found.fee + found.credit == amount
    assert found.principal == change.principal_paid


@given(st.integers(1, 400))
def test_what_is_quoted_settles_the_loan(days: int) -> None:
    on = START + timedelta(days=days)
    quote, effect = settling(loan(), on)
    assert quote == payoff(loan(), on)
    after = balances(apply(loan(), Payoff(on=on, amount=quote.total)), on)
    assert after.principal == after.interest == after.penalty == after.fee == 0
    assert effect.saved >= 0


def test_only_what_has_fallen_due_is_due() -> None:
    plan = rows(loan(), START)
    assert due_by(plan, START) == 0
    assert due_by(plan, plan[1].due) == sum(row.principal + row.interest for row in plan[:2])
