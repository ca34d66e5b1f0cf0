"""A loan through its life, in figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loan.lives import terms as any_terms
from xinqiao.kernel.errors import UserError
from xinqiao.loan import event as ev
from xinqiao.loan.balances import Balances, postings
from xinqiao.loan.engine import (
    apply,
    balances,
    begin,
    days_past_due,
    fold,
    matures_on,
    next_due,
    payoff,
    rows,
    unpaid_since,
)
from xinqiao.loan.loan import Loan
from xinqiao.loan.terms import Penalty, Prepayment, Terms, from_json, periods, to_json

START = date(2026, 1, 15)
DAY = date(2026, 2, 16)
"""A day after the first instalment."""


def D(text: str) -> Decimal:  # noqa: N802 - reads like the literal it stands for
    return Decimal(text)


def lent(amount: str = "120000", rate: str = "0.06", count: int = 12, **more: Any) -> Loan:  # noqa: ANN401
    agreed = Terms(principal=D(amount), rate=D(rate), periods=periods(START, count), **more)
    return apply(begin(agreed), ev.Disburse(on=START, amount=D(amount)))


def test_interest_counts_the_days_over_360() -> None:
    loan = lent(way="interest_only_then_bullet", count=3)
    assert [row.interest for row in rows(loan, START)] == [D("620.00"), D("560.00"), D("620.00")]
    assert [row.principal for row in rows(loan, START)] == [0, 0, D("120000")]
    assert balances(loan, date(2026, 1, 20)).interest == D("100.00")
    assert balances(loan, START).interest == 0


def test_what_is_late_bears_half_more_and_not_the_rate() -> None:
    loan = lent(way="equal_principal", count=2)
    late = date(2026, 2, 25)
    now = balances(loan, late)
    assert (unpaid_since(loan, late), days_past_due(loan, late)) == (date(2026, 2, 15), 10)
    assert now.penalty == D("150.00")  # 60,000 x 0.09 x 10 / 360
    assert now.interest == D("620.00") + D("100.00")  # January's, and ten days on what is not overdue
    assert days_past_due(loan, date(2026, 2, 15)) == 0
    assert next_due(loan, late) == date(2026, 3, 15) == matures_on(loan)


def test_overdue_interest_bears_penalty_where_agreed() -> None:
    loan = lent(way="equal_principal", count=2, penalty=Penalty(compound=True))
    assert balances(loan, date(2026, 2, 25)).penalty == D("151.55")  # 60,620 x 0.09 x 10 / 360


def test_within_the_days_of_grace_nothing_is_added() -> None:
    loan = lent(way="equal_principal", count=2, penalty=Penalty(grace_days=3))
    assert balances(loan, date(2026, 2, 18)).penalty == 0
    assert balances(loan, date(2026, 2, 19)).penalty == D("15.00")


def test_a_payment_covers_fee_penalty_interest_then_principal() -> None:
    loan = apply(lent(way="equal_principal", count=2), ev.Charge(on=START, amount=D("20"), fee="letter"))
    loan = apply(loan, ev.Repay(on=date(2026, 2, 25), amount=D("1000")))
    now = balances(loan, date(2026, 2, 25))
    assert (now.fee_paid, now.penalty_paid, now.interest_paid) == (20, D("150.00"), D("620.00"))
    assert now.principal_paid == D("210.00")


def test_more_than_is_due_makes_the_loan_shorter_or_its_instalments_smaller() -> None:
    plain = lent()
    first = rows(plain, START)[0]
    paid = first.total + 50_000
    day = first.due
    shorter = apply(plain, ev.Repay(on=day, amount=paid, early="shorter"))
    smaller = apply(plain, ev.Repay(on=day, amount=paid, early="smaller"))
    assert rows(shorter, day)[1].total == rows(plain, day)[1].total
    assert rows(shorter, day)[-1].total == 0
    assert rows(smaller, day)[1].total < rows(plain, day)[1].total * D("0.6")
    assert rows(smaller, day)[-1].total > 0
    saved = sum(row.interest for row in rows(plain, day)) - sum(row.interest for row in rows(shorter, day))
    assert (
        saved
        > sum(row.interest for row in rows(plain, day)) - sum(row.interest for row in rows(smaller, day))
        > 0
    )


def test_the_payoff_quote_settles_to_the_cent() -> None:
    loan = lent(prepayment=Prepayment(fee=D("0.01")))
    day = date(2026, 3, 1)
    quote = payoff(loan, day)
    assert quote.prepayment_fee == ((quote.principal - rows(loan, day)[0].principal) * D("0.01")).quantize(
        D("0.01")
    )
    done = apply(loan, ev.Payoff(on=day))
    assert done.events[-1] == ev.Payoff(on=day, amount=quote.total)
    assert balances(done, date(2027, 3, 1)).owed == 0
    with pytest.raises(UserError, match="LON-PAYOFF"):
        apply(loan, ev.Payoff(on=day, amount=quote.total - D("0.01")))
    with pytest.raises(UserError, match="LON-CLOSED-STATE"):
        apply(done, ev.RateChange(on=day, rate=D("0.01")))


def test_a_deferral_moves_dues_and_bears_no_interest_on_interest() -> None:
    loan = lent(count=6)
    deferred = apply(loan, ev.Defer(on=date(2026, 2, 1), months=3))
    before, after = rows(loan, DAY), rows(deferred, DAY)
    assert [row.due for row in after] == [date(2026, month, 15) for month in range(5, 11)]
    gap = D("120000") * D("0.06") * 89 / 360
    assert after[0].interest == before[0].interest + gap.quantize(D("0.01"))
    assert after[0].principal == before[0].principal
    free = apply(loan, ev.Defer(on=date(2026, 2, 1), months=3, interest="free"))
    assert rows(free, DAY)[0].interest == before[0].interest


def test_a_deferral_keeps_dues_at_the_end_of_the_month() -> None:
    agreed = Terms(principal=D("1000"), rate=D("0.06"), periods=periods(date(2026, 1, 31), 3))
    loan = apply(begin(agreed), ev.Disburse(on=date(2026, 1, 31), amount=D("1000")))
    moved = apply(loan, ev.Defer(on=date(2026, 2, 10), months=3))
    assert [row.due for row in rows(moved, DAY)] == [date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)]


def test_a_term_extension_spreads_what_is_open() -> None:
    loan = apply(
        lent(way="equal_principal", count=3), ev.ExtendTerm(on=START, from_due=date(2026, 3, 15), extra=2)
    )
    assert [row.principal for row in rows(loan, DAY)] == [D("40000.00"), *[D("20000.00")] * 4]


def test_a_reset_rate_counts_from_its_day_and_works_the_rest_out_anew() -> None:
    loan = apply(lent(count=3), ev.RateChange(on=date(2026, 2, 16), rate=D("0.03")))
    old, new = rows(lent(count=3), DAY), rows(loan, DAY)
    assert (new[0].principal, new[0].interest) == (old[0].principal, old[0].interest)
    assert new[1].interest * 2 == pytest.approx(old[1].interest, abs=D("0.02"))
    assert sum(row.principal for row in new) == 120_000


def test_a_restructuring_spreads_the_principal_and_keeps_what_was_earned() -> None:
    day = date(2026, 4, 20)
    late = lent(count=3)
    loan = apply(late, ev.Restructure(on=day, rate=D("0.04"), count=6, way="equal_principal"))
    before, after = balances(late, day), balances(loan, day)
    assert after.principal == before.principal
    assert (after.interest, after.penalty) == (before.interest, before.penalty)
    assert [row.principal for row in rows(loan, day)[-6:]] == [D("20000.00")] * 6
    assert loan.restructured_on == day


def test_interest_put_off_is_owed_once_when_a_restructuring_closes_its_instalments() -> None:
    loan = lent(way="bullet", count=2, rate="0.24", prepayment=Prepayment(effect="shorter"))
    overdue = date(2026, 4, 9)
    loan = apply(loan, ev.Repay(on=overdue, amount=D("10000")))
    earned = balances(loan, overdue).interest_earned
    again = apply(loan, ev.Restructure(on=overdue, rate=D("0.05"), count=3, way="equal_instalment"))
    closed = rows(again, overdue)[:2]
    assert sum(row.interest for row in closed) == earned == balances(again, overdue).interest_due
    assert (closed[0].interest, unpaid_since(again, overdue)) == (0, None)
    assert rows(again, overdue)[2].interest > 0


def test_a_restructuring_makes_interest_put_off_due_that_day() -> None:
    loan = lent(way="bullet", count=3)
    day = date(2026, 2, 15)  # the first instalment's own day: nothing of it would be due
    again = apply(loan, ev.Restructure(on=day, rate=D("0.05"), count=3, way="bullet"))
    assert rows(again, day)[0].interest == balances(loan, day).interest_earned == D("620.00")
    assert days_past_due(again, date(2026, 2, 16)) == 1


def test_what_is_written_off_is_no_more_than_was_drawn() -> None:
    loan = apply(lent(), ev.WriteOff(on=date(2026, 1, 25)))
    assert sum(row.principal for row in rows(loan, DAY)) == D("120000")
    assert sum(row.interest for row in rows(loan, DAY)) == balances(loan, DAY).interest_earned == D("200.00")


def test_after_a_write_off_money_that_comes_in_is_a_recovery() -> None:
    day = date(2027, 6, 1)
    loan = apply(lent(), ev.WriteOff(on=day))
    now = balances(loan, day)
    assert now.owed == 0
    assert now.principal_written_off == 120_000
    loan = apply(loan, ev.Repay(on=day, amount=D("500")))
    assert balances(loan, date(2028, 1, 1)) - now == Balances(recovered=D("500"))


def test_a_reversal_is_as_if_it_had_never_been() -> None:
    loan = lent()
    paid = apply(loan, ev.Repay(on=date(2026, 2, 15), amount=D("10000")))
    back = apply(paid, ev.Reverse(on=date(2026, 3, 1), seq=2))
    assert balances(back, date(2026, 3, 1)) == balances(loan, date(2026, 3, 1))
    for seq, code in ((2, "LON-REVERSE-STATE"), (1, "LON-REVERSE-STATE"), (9, "LON-EVENT-ABSENT")):
        with pytest.raises(UserError, match=code):
            apply(back, ev.Reverse(on=date(2026, 3, 1), seq=seq))


def test_what_repays_the_next_instalments_ahead_bears_the_prepayment_fee_beyond_the_running_one() -> None:
    day = date(2026, 2, 1)
    loan = lent(count=3, way="equal_principal", prepayment=Prepayment(fee=D("0.01")))
    running = apply(loan, ev.Repay(on=day, amount=D("40000"), early="next"))
    assert balances(running, day).fee_paid == 0
    whole = apply(loan, ev.Repay(on=day, amount=payoff(loan, day).total, early="next"))
    now = balances(whole, day)
    assert (now.principal, now.fee_paid) == (D("0"), D("800.00"))  # 1 % of the two instalments after it
    assert now.credit == payoff(loan, day).prepayment_fee - D("800.00") == D("400.00")
    part = balances(apply(loan, ev.Repay(on=day, amount=D("60000"), early="next")), day)
    assert part.principal_paid + part.interest_paid + part.fee_paid == 60_000
    assert part.fee_paid == pytest.approx((part.principal_paid - 40_000) / 100, abs=D("0.01"))


def test_a_payoff_of_nothing_does_not_keep_a_payment_from_being_taken_back() -> None:
    day = date(2026, 2, 1)
    loan = lent(count=3)
    paid = apply(loan, ev.Repay(on=day, amount=payoff(loan, day).total, early="next"))
    closed = apply(paid, ev.Payoff(on=day))
    back = apply(closed, ev.Reverse(on=day, seq=2))
    assert balances(back, day) == balances(loan, day)


def test_a_fee_charged_after_the_last_due_day_is_late_from_its_own_day() -> None:
    due, day = date(2026, 2, 15), date(2026, 6, 1)
    loan = lent(count=1)
    loan = apply(loan, ev.Repay(on=due, amount=payoff(loan, due).total))
    loan = apply(loan, ev.Charge(on=day, amount=D("10"), fee="notary"))
    assert [days_past_due(loan, day + timedelta(days=n)) for n in (0, 1, 5)] == [0, 1, 5]


def test_the_penalty_rate_is_that_of_the_day_it_starts_whatever_is_paid_later() -> None:
    day = date(2026, 6, 1)
    loan = apply(lent(count=2, way="equal_principal"), ev.RateChange(on=date(2026, 3, 1), rate=D("0.03")))
    paid = apply(loan, ev.Repay(on=date(2026, 3, 2), amount=D("0.01")))
    assert balances(paid, day).penalty_earned == balances(loan, day).penalty_earned > 0


def test_an_event_told_late_is_worked_in_at_its_day() -> None:
    loan = apply(lent(), ev.EndOfDay(on=date(2026, 3, 1)))
    due = rows(loan, date(2026, 2, 15))[0].total
    late = apply(loan, ev.Repay(on=date(2026, 2, 15), amount=due))
    assert late.events[-1].on < late.events[-2].on
    assert rows(late, date(2026, 3, 1))[0].settled_on == date(2026, 2, 15)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (ev.Disburse(on=START, amount=D("1")), "LON-DRAW-STATE"),
        (ev.Repay(on=START, amount=D("0")), "LON-AMOUNT"),
        (ev.Repay(on=START, amount=D("1.001")), "LON-AMOUNT"),
        (ev.Charge(on=START, amount=D("0.005"), fee="x"), "LON-AMOUNT"),
        (ev.Restructure(on=DAY, rate=D("0.05"), count=3, way="other"), "LON-TERMS"),
        (ev.Renew(on=DAY, rate=D("0.05"), count=0, way="bullet"), "LON-TERMS"),
        (ev.Waive(on=START, part="interest", amount=D("1")), "LON-WAIVE"),
        (ev.Settle(on=START, part="principal", n=99, amount=D("1")), "LON-INSTALMENT"),
        (ev.MoveDue(on=START, due=START, to=START), "LON-DUE"),
        (ev.Defer(on=START, months=0), "LON-TERMS"),
        (ev.Renew(on=START, rate=D("0.05"), count=3, way="bullet"), "LON-DUE"),
    ],
)
def test_what_cannot_be_is_refused(event: ev.Event, code: str) -> None:
    with pytest.raises(UserError, match=code):
        apply(lent(), event)


def test_before_money_is_drawn_nothing_is_owed() -> None:
    before = START - timedelta(days=1)
    loan = lent()
    assert balances(loan, before) == Balances()
    assert (payoff(loan, before).total, days_past_due(loan, before), next_due(loan, before)) == (0, 0, None)
    assert sum(row.total for row in rows(loan, before)) == 0


def test_nothing_happens_before_money_is_drawn_nor_after_the_term() -> None:
    agreed = Terms(principal=D("100"), rate=D("0.05"), periods=periods(START, 2))
    with pytest.raises(UserError, match="LON-DRAWN-STATE"):
        apply(begin(agreed), ev.Repay(on=START, amount=D("1")))
    with pytest.raises(UserError, match="LON-TERM-STATE"):
        apply(begin(agreed), ev.Disburse(on=date(2027, 1, 1), amount=D("1")))
    written = apply(lent(), ev.WriteOff(on=date(2027, 6, 1)))
    with pytest.raises(UserError, match="LON-WRITTEN-STATE"):
        apply(written, ev.Waive(on=date(2027, 6, 1), part="interest", amount=D("1")))


@settings(max_examples=50, deadline=None)
@given(any_terms(), st.integers(0, 700), st.integers(1, 40))
def test_days_sum_to_what_the_span_earned(agreed: Terms, since: int, days: int) -> None:
    """What is booked day by day is what is booked at once, and every booking balances."""
    first = agreed.periods[0][0]
    loan = apply(begin(agreed), ev.Disburse(on=first, amount=agreed.principal))
    span = [first + timedelta(days=since + each) for each in range(days + 1)]
    found = [balances(loan, day) for day in span]
    sums: dict[str, Decimal] = {}
    for before, after in pairwise(found):
        lines = postings(after - before)
        assert sum(line.amount for line in lines) == 0
        for line in lines:
            sums[line.account] = sums.get(line.account, Decimal(0)) + line.amount
    whole = {line.account: line.amount for line in postings(found[-1] - found[0])}
    assert {name: amount for name, amount in sums.items() if amount} == whole


@given(any_terms())
def test_terms_come_back_from_json(agreed: Terms) -> None:
    assert from_json(to_json(agreed)) == agreed


@pytest.mark.parametrize(
    "plain",
    [
        {"principal": "0", "rate": "0.1", "periods": [["2026-01-01", "2026-02-01"]]},
        {"principal": "1", "rate": "0.1", "periods": []},
        {"principal": "1", "rate": "0.1", "periods": [["2026-02-01", "2026-01-01"]]},
        {"principal": "1", "rate": "0.1", "periods": [["2026-01-01", "2026-02-01"]], "order": ["fee"]},
        {"principal": "1", "rate": "0.1", "periods": [["2026-01-01", "2026-02-01"]], "way": "never"},
        {"principal": "x", "rate": "0.1", "periods": [["2026-01-01", "2026-02-01"]]},
        {"principal": "1", "rate": "0.1", "periods": [["2026-01-01", "2026-02-01"]], "colour": "red"},
        {"rate": "0.1"},
    ],
)
def test_terms_that_cannot_be_are_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="LON-TERMS"):
        from_json(plain)


def test_a_fold_of_the_same_events_is_the_same_loan() -> None:
    loan = apply(lent(), ev.Repay(on=date(2026, 2, 15), amount=D("10000")))
    assert fold(loan.agreed, loan.events) == loan
