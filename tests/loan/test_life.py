"""The whole life of a loan: whatever happens to it, its totals hold together."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.loan.lives import CENTS, terms
from xinqiao.kernel.errors import UserError
from xinqiao.loan import event as ev
from xinqiao.loan.balances import ZERO, Balances, postings
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
from xinqiao.loan.terms import Terms

NEVER_LESS = ("disbursed", "interest_earned", "penalty_earned", "fee_earned")


class Life(RuleBasedStateMachine):
    """Any events on any terms."""

    @initialize(agreed=terms(), share=st.sampled_from([1, 1, 2]))
    def draws(self, agreed: Terms, share: int) -> None:
        self.today = agreed.periods[0][0]
        self.received = ZERO
        self.booked = Balances()
        self.loan = begin(agreed)
        self.happens(ev.Disburse(on=self.today, amount=(agreed.principal / share).quantize(Decimal("0.01"))))

    def happens(self, event: ev.Event) -> bool:
        """The event, if it is allowed; and back from what it is stored as."""
        assert ev.from_json(ev.to_json(event)) == event
        try:
            self.loan = apply(self.loan, event)
        except UserError as told:
            if not told.code.startswith("LON-"):
                raise
            return False
        return True

    @rule(days=st.integers(0, 45))
    def time_passes(self, days: int) -> None:
        was = balances(self.loan, self.today)
        self.today += timedelta(days=days)
        now = balances(self.loan, self.today)
        assert all(getattr(now, name) >= getattr(was, name) for name in NEVER_LESS)

    @rule()
    def the_due_day_comes(self) -> None:
        self.today = next_due(self.loan, self.today) or self.today

    @rule(amount=CENTS, early=st.sampled_from([None, "next", "shorter", "smaller"]))
    def repays(self, amount: Decimal, early: str | None) -> None:
        if self.happens(ev.Repay(on=self.today, amount=amount, early=early)):  # type: ignore[arg-type]
            self.received += amount

    @rule(amount=CENTS, ago=st.integers(1, 40))
    def repaid_some_days_ago(self, amount: Decimal, ago: int) -> None:
        on = max(self.today - timedelta(days=ago), self.loan.agreed.periods[0][0])
        if self.happens(ev.Repay(on=on, amount=amount)):
            self.received += amount

    @rule()
    def repays_what_is_due(self) -> None:
        owed = sum((row.open for row in rows(self.loan, self.today) if row.due <= self.today), ZERO)
        if owed > 0 and self.happens(ev.Repay(on=self.today, amount=owed)):
            self.received += owed

    @rule()
    def settles(self) -> None:
        quote = payoff(self.loan, self.today)
        if self.happens(ev.Payoff(on=self.today)):
            self.received += quote.total
            for day in (self.today, self.today + timedelta(days=50)):
                left = balances(self.loan, day)
                assert left.owed + left.credit == 0

    @rule(share=st.decimals(0, 1, places=2), part=st.sampled_from(["interest", "penalty", "fee"]))
    def waived(self, share: Decimal, part: str) -> None:
        there = getattr(balances(self.loan, self.today), part)
        amount = (there * share).quantize(Decimal("0.01"))
        self.happens(ev.Waive(on=self.today, part=part, amount=amount))  # type: ignore[arg-type]

    @rule(rate=st.decimals(0, "0.24", places=4))
    def reset(self, rate: Decimal) -> None:
        self.happens(ev.RateChange(on=self.today, rate=rate))

    @rule(days=st.integers(0, 40))
    def free(self, days: int) -> None:
        self.happens(ev.InterestFree(on=self.today, until=self.today + timedelta(days=days)))

    @rule(extra=st.integers(1, 3), data=st.data())
    def extended(self, extra: int, data: st.DataObject) -> None:
        due = data.draw(st.sampled_from([each.due for each in self.loan.instalments]))
        self.happens(ev.ExtendTerm(on=self.today, from_due=due, extra=extra))

    @rule(months=st.integers(1, 3), interest=st.sampled_from(["accrues", "free"]))
    def deferred(self, months: int, interest: str) -> None:
        self.happens(ev.Defer(on=self.today, months=months, interest=interest))  # type: ignore[arg-type]

    @rule(days=st.integers(-9, 9), data=st.data())
    def moved(self, days: int, data: st.DataObject) -> None:
        due = data.draw(st.sampled_from([each.due for each in self.loan.instalments]))
        self.happens(ev.MoveDue(on=self.today, due=due, to=due + timedelta(days=days)))

    @rule(amount=st.decimals("0.01", 99, places=2))
    def charged(self, amount: Decimal) -> None:
        self.happens(ev.Charge(on=self.today, amount=amount, fee="letter"))

    @rule(amount=CENTS)
    def draws_more(self, amount: Decimal) -> None:
        self.happens(ev.Disburse(on=self.today, amount=amount))

    @rule(
        kind=st.sampled_from([ev.Restructure, ev.Renew]),
        rate=st.decimals(0, "0.2", places=4),
        count=st.integers(1, 5),
        way=st.sampled_from(["equal_instalment", "equal_principal", "bullet"]),
    )
    def anew(self, kind: type, rate: Decimal, count: int, way: str) -> None:
        self.happens(kind(on=self.today, rate=rate, count=count, way=way))

    @rule()
    def day_ends(self) -> None:
        self.happens(ev.EndOfDay(on=self.today))

    @precondition(lambda self: self.today > matures_on(self.loan))
    @rule()
    def written_off(self) -> None:
        self.happens(ev.WriteOff(on=self.today))

    @rule(data=st.data())
    def reversed(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, len(self.loan.events)))
        gone = self.loan.events[seq - 1]
        before = payoff(self.loan, self.today)
        if self.happens(ev.Reverse(on=self.today, seq=seq)) and isinstance(gone, ev.Repay | ev.Payoff):
            self.received = self.money_in()
        assert before.on == self.today

    def money_in(self) -> Decimal:
        """What came in, as the loan tells: after a reversal of a payment whose sum was worked out."""
        now = balances(self.loan, self.today)
        paid = now.principal_paid + now.interest_paid + now.penalty_paid + now.fee_paid
        return paid + now.credit + now.recovered - self.loan.drawing_fees

    @invariant()
    def it_holds_together(self) -> None:
        now = balances(self.loan, self.today)
        assert self.money_in() == self.received
        for owed in (now.principal, now.interest, now.penalty, now.fee, now.credit):
            assert owed >= 0, now
        assert sum((due.principal for due in self.loan.dues), ZERO) == self.loan.state.disbursed
        assert all(due.principal >= 0 and due.interest >= 0 for due in self.loan.dues)
        self.check_journal(now)
        since = unpaid_since(self.loan, self.today)
        assert (since is None) == (days_past_due(self.loan, self.today) == 0)

    def check_journal(self, now: Balances) -> None:
        """Every change balances, and the changes of all events sum to where the loan stands."""
        lines = postings(now - self.booked)
        assert sum((line.amount for line in lines), ZERO) == 0
        self.booked = now
        assert (
            sum((line.amount for line in postings(now) if line.account == "loan_principal"), ZERO)
            == now.principal
        )

    @invariant()
    def folding_gives_the_same(self) -> None:
        again = fold(self.loan.agreed, self.loan.events)
        assert again == self.loan


Life.TestCase.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
TestLife = Life.TestCase
