"""How a loan stands on a day (贷款余额、逾期、结清): read from a loan, never changing it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from xinqiao.loan.balances import Balances
from xinqiao.loan.calendar import year_ratio
from xinqiao.loan.loan import Loan
from xinqiao.loan.planning import absorb
from xinqiao.loan.schedule import ZERO, Due, Instalment, Solver, State, money, rate_on
from xinqiao.loan.terms import Base, Penalty, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An instalment as people read it. Amounts in CNY.

    ``paid``: what came in for it (waivers not counted); ``waived``; ``settled_on``: the day nothing of it was
    left open; ``balance_after``: by the schedule; ``outstanding_after``: what is really owed after it.
    """

    n: int
    start: date
    due: date
    principal: Decimal
    interest: Decimal
    fee: Decimal
    penalty: Decimal
    paid: Decimal
    waived: Decimal
    principal_open: Decimal
    interest_open: Decimal
    fee_open: Decimal
    settled_on: date | None
    balance_after: Decimal
    outstanding_after: Decimal

    @property
    def total(self) -> Decimal:
        """All that falls due with it."""
        return self.principal + self.interest + self.fee + self.penalty

    @property
    def open(self) -> Decimal:
        """What is still to be paid of it, penalty included."""
        return self.total - self.paid - self.waived


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """What settles a loan on a day (提前结清试算), in CNY; ``total`` is after ``credit``."""

    on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    fee: Decimal
    prepayment_fee: Decimal
    credit: Decimal
    total: Decimal


def as_of(loan: Loan, on: date) -> Loan:
    """The loan with overdue principal worked out to ``on``, where it bears the loan's rate."""
    terms, state = loan.terms, loan.state
    if terms.overdue_accrues == "never" or (state.as_of is not None and state.as_of >= on):
        return loan
    return loan.with_state(absorb(terms, replace(state, as_of=on)))


def fee_of(terms: Terms, state: State, each: Instalment, due: Due, by: date | None = None) -> Decimal:
    """Fees of an instalment; ``by``: those earned by a day."""
    total = sum((amount for day, amount in each.charges if by is None or day <= by), ZERO)
    stopped = state.stopped_on is not None and each.due > state.stopped_on
    if (by is None or each.due <= by) and not stopped:
        for fee in terms.fees:
            if fee.when == "instalment":
                base = _base(fee.base, due.principal, due.interest, state.disbursed)
                total += money(terms, base * fee.share) + fee.amount
    return total


def _base(base: Base, principal: Decimal, interest: Decimal, drawn: Decimal) -> Decimal:
    match base:
        case "principal":
            return principal
        case "interest":
            return interest
        case "principal_plus_interest":
            return principal + interest
        case _:
            return drawn


def penalty_of(loan: Loan, k: int, on: date) -> Decimal:
    """The penalty that instalment ``k`` (from 0) has earned by the end of ``on``."""
    each, due, rule = loan.instalments[k], loan.dues[k], loan.terms.penalty
    if each.penalty is not None:
        return each.penalty
    on = min(on, loan.state.stopped_on or on)
    since = each.due + timedelta(days=rule.grace_days)
    if rule.kind == "none" or on <= since:
        return ZERO
    if rule.kind == "once":
        return _once(loan.terms, rule, each, due, since)
    paid = sorted({part.on for part in each.paid if since < part.on < on})
    total, rate = ZERO, _penalty_rate(loan, rule, since)  # of the day it starts, whatever is paid later
    for start, end in zip([since, *paid], [*paid, on], strict=True):
        overdue = due.principal - each.sum_paid("principal", by=start)
        if rule.compound:
            overdue += due.interest - each.sum_paid("interest", by=start)
        if overdue > 0:
            days, year = _days_in_year(rule, start, end)
            total += overdue * rate * days / year
    return money(loan.terms, total)


def _once(terms: Terms, rule: Penalty, each: Instalment, due: Due, since: date) -> Decimal:
    principal = due.principal - each.sum_paid("principal", by=since)
    interest = due.interest - each.sum_paid("interest", by=since)
    if principal <= 0 and interest <= 0:
        return ZERO
    return money(terms, _base(rule.base, principal, interest, principal) * rule.share) + rule.amount


def _penalty_rate(loan: Loan, rule: Penalty, day: date) -> Decimal:
    return rule.rate if rule.rate is not None else rule.factor * rate_on(loan.terms, loan.state, day)


def _days_in_year(rule: Penalty, start: date, end: date) -> tuple[int, int]:
    days = "ACT/360" if rule.days in ("30/360", "month") else rule.days
    return year_ratio(
        (start, end), start, end, day_count=days, unit="day", variant=("dec_31", "calendar_year")
    )


def interest_earned(loan: Loan, on: date) -> Decimal:
    """Interest earned by the end of ``on``, due or not; what was paid ahead counts as earned."""
    day = min(on, loan.state.stopped_on or on)
    total, left, running = ZERO, ZERO, True
    for each, due in zip(loan.instalments, loan.dues, strict=True):
        if each.due <= day:
            total += due.interest
            continue
        if running:
            left, running = due.brought + running_interest(loan, each, due, day), False
        earned = min(left, due.interest)  # what an instalment settled early doesn't bear is the next one's
        left -= earned
        total += max(earned, each.sum_paid("interest")) if each.paid else earned
    total += left
    return total


def running_interest(loan: Loan, each: Instalment, due: Due, day: date) -> Decimal:
    """Interest of the days of the running instalment up to ``day``."""
    if day <= each.start or each.free:
        return ZERO
    unit = loan.terms.rounding.interest_unit or None
    if loan.terms.flat:
        if loan.state.stopped_on is not None and day >= loan.state.stopped_on:
            return due.raw
        share = Decimal((day - each.start).days) / (each.due - each.start).days
        return money(loan.terms, due.raw * share, unit)
    solver = Solver(loan.terms, loan.state)
    if loan.terms.overdue_accrues != "never":
        solver.solve()
    return money(loan.terms, solver.accrued(each, due.opening, due.inside, day), unit)


def balances_of(loan: Loan, on: date) -> Balances:
    """Totals of a loan none of whose events is after ``on``."""
    loan = as_of(loan, on)
    day = min(on, loan.state.stopped_on or on)
    each_due = [due for due in loan.dues if due.due <= day]
    paid = {
        (part, waived): sum((each.sum_paid(part, waived=waived) for each in loan.instalments), ZERO)
        for part in ("principal", "interest", "fee", "penalty")
        for waived in (False, True)
    }
    pairs = zip(loan.instalments, loan.dues, strict=True)
    fees = sum((fee_of(loan.terms, loan.state, each, due, day) for each, due in pairs), ZERO)
    settled_fees = paid["fee", False] + paid["fee", True]
    penalties = sum((penalty_of(loan, k, on) for k in range(len(loan.dues))), ZERO)
    return replace(
        loan.lost,
        disbursed=loan.state.disbursed,
        interest_earned=interest_earned(loan, on),
        penalty_earned=max(penalties, paid["penalty", False] + paid["penalty", True]),
        fee_earned=max(fees, settled_fees) + loan.drawing_fees,
        principal_due=sum((due.principal for due in each_due), ZERO),
        interest_due=sum((due.interest for due in each_due), ZERO),
        principal_paid=paid["principal", False],
        interest_paid=paid["interest", False],
        penalty_paid=paid["penalty", False],
        fee_paid=paid["fee", False] + loan.drawing_fees,
        interest_waived=paid["interest", True],
        penalty_waived=paid["penalty", True],
        fee_waived=paid["fee", True],
        recovered=loan.recovered,
        credit=loan.credit,
    )


def rows_of(loan: Loan, on: date) -> tuple[Row, ...]:
    """All instalments as they stand at the end of ``on``."""
    loan, out = as_of(loan, on), []
    total = ZERO
    for k, (each, due) in enumerate(zip(loan.instalments, loan.dues, strict=True)):
        total += due.principal
        before = [amount for day, amount in loan.state.drawn if day < each.due]
        out.append(_row(loan, k, on, sum(before, ZERO) - total))
    return tuple(out)


def _row(loan: Loan, k: int, on: date, balance: Decimal) -> Row:
    each, due = loan.instalments[k], loan.dues[k]
    fee, penalty = fee_of(loan.terms, loan.state, each, due), penalty_of(loan, k, on)
    paid = sum((part.amount for part in each.paid if not part.waived), ZERO)
    waived = sum((part.amount for part in each.paid if part.waived), ZERO)
    total = due.principal + due.interest + fee + penalty
    done = total > 0 and paid + waived >= total
    return Row(
        n=due.n,
        start=each.start,
        due=each.due,
        principal=due.principal,
        interest=due.interest,
        fee=fee,
        penalty=penalty,
        paid=paid,
        waived=waived,
        principal_open=due.principal - each.sum_paid("principal"),
        interest_open=due.interest - each.sum_paid("interest"),
        fee_open=fee - each.sum_paid("fee"),
        settled_on=max(part.on for part in each.paid) if done and each.paid else None,
        balance_after=balance,
        outstanding_after=due.closing,
    )


def oldest_unpaid(loan: Loan, on: date) -> date | None:
    """Due date of the oldest instalment overdue at the end of ``on``; None: nothing is overdue.

    Penalty alone doesn't make a loan overdue.
    """
    loan = as_of(loan, on)
    for each, due in zip(loan.instalments, loan.dues, strict=True):
        if each.due >= on:
            return None
        owed = due.principal + due.interest + fee_of(loan.terms, loan.state, each, due)
        owed -= sum((part.amount for part in each.paid if part.part != "penalty"), ZERO)
        late = sorted((day, amount) for day, amount in each.charges if day > each.due)
        covered = sum((amount for _, amount in late), ZERO) - owed
        if covered < 0:
            return each.due
        for day, amount in late:  # a fee charged after the last due day is due on its own day
            if covered < amount:
                return day if day < on else None
            covered -= amount
    return None


def payoff_of(loan: Loan, on: date) -> Payoff:
    """What settles the loan on ``on``, prepayment fee included."""
    loan = as_of(loan, on)
    now = balances_of(loan, on)
    interest = now.interest
    k = loan.running(on)
    if k is not None and loan.terms.prepayment.interest_until == "period":
        interest = balances_of(loan, loan.instalments[k].due).interest
    fee = prepayment_fee(loan.terms, now.principal - open_due_principal(loan, on), on)
    total = now.principal + interest + now.penalty + now.fee + fee - now.credit
    return Payoff(
        on=on,
        principal=now.principal,
        interest=interest,
        penalty=now.penalty,
        fee=now.fee,
        prepayment_fee=fee,
        credit=now.credit,
        total=max(total, ZERO),
    )


def open_due_principal(loan: Loan, on: date) -> Decimal:
    """Principal due by ``on`` and not paid."""
    return sum(
        (
            due.principal - each.sum_paid("principal")
            for each, due in zip(loan.instalments, loan.dues, strict=True)
            if each.due <= on
        ),
        ZERO,
    )


def prepayment_fee(terms: Terms, early: Decimal, on: date) -> Decimal:
    """The fee for repaying ``early`` of principal before it is due."""
    until = terms.prepayment.fee_until
    if early <= 0 or (until is not None and on >= until):
        return ZERO
    return money(terms, early * terms.prepayment.fee)
