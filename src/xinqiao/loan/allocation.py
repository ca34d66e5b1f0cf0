"""What money that comes in is for (还款分配): what is overdue, what is due, then what the terms say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from xinqiao.kernel.errors import fail
from xinqiao.loan.event import Part, Payoff, Repay, Settle, Waive
from xinqiao.loan.loan import Loan
from xinqiao.loan.planning import absorb, plan, settled
from xinqiao.loan.schedule import ZERO, Paid, solve
from xinqiao.loan.standing import (
    as_of,
    fee_of,
    interest_earned,
    open_due_principal,
    payoff_of,
    penalty_of,
    prepayment_fee,
)

CENT = Decimal("0.01")


def repay(loan: Loan, event: Repay) -> Loan:
    """Money came in. After a write-off it is a recovery."""
    _positive(loan, event.amount)
    if loan.written_off_on is not None:
        return replace(loan, recovered=loan.recovered + event.amount)
    if _settles(loan, event):
        return settle_whole(loan, Payoff(on=event.on, amount=event.amount))
    return _repaid(loan, event)


def _repaid(loan: Loan, event: Repay) -> Loan:
    """What came in and what is held, for what is due and then ahead."""
    loan = as_of(loan, event.on)
    pool = event.amount + loan.credit
    loan, pool = _cover_due(replace(loan, credit=ZERO), event.on, pool)
    effect = event.early or loan.terms.prepayment.effect
    if pool > 0 and effect in ("shorter", "smaller", "skip"):
        loan, pool = _extra(loan, event.on, pool, effect)
    if pool > 0:
        loan, pool = _ahead(loan, event.on, pool, backwards=effect == "last", free=False)
    return replace(loan, credit=pool)


def _settles(loan: Loan, event: Repay) -> bool:
    """Whether a repayment is a payoff: where that takes the interest of the whole running period."""
    terms = loan.terms
    if terms.prepayment.interest_until != "period" or not terms.recalculated or terms.flat:
        return False
    first = loan.running(event.on)
    return first is not None and event.amount >= payoff_of(loan, event.on).total


def _positive(loan: Loan, amount: Decimal) -> None:
    if amount <= 0 or amount != amount.quantize(min(CENT, loan.terms.rounding.unit)):
        fail("LON-AMOUNT", "amount", amount=amount)


def _cover_due(loan: Loan, on: date, pool: Decimal) -> tuple[Loan, Decimal]:
    """Instalments due by ``on``, oldest first, and fees charged by the way."""
    for k, each in enumerate(loan.instalments):
        if pool <= 0:
            break
        due = loan.dues[k]
        fee = fee_of(loan.terms, loan.state, each, due, on) - each.sum_paid("fee")
        if each.due > on:
            loan, pool = _cover(loan, k, on, pool, {"fee": fee})
            continue
        owed: dict[Part, Decimal] = {
            "principal": due.principal - each.sum_paid("principal"),
            "interest": due.interest - each.sum_paid("interest"),
            "penalty": penalty_of(loan, k, on) - each.sum_paid("penalty"),
            "fee": fee,
        }
        loan, pool = _cover(loan, k, on, pool, owed)
    return _worked_out(loan), pool


def _worked_out(loan: Loan) -> Loan:
    return loan.with_state(absorb(loan.terms, loan.state))


def _cover(loan: Loan, k: int, on: date, pool: Decimal, owed: dict[Part, Decimal]) -> tuple[Loan, Decimal]:
    """Parts of one instalment in the terms' order; the schedule is not worked out anew."""
    parts = []
    for part in loan.terms.order:
        amount = min(pool, owed.get(part, ZERO))
        if amount > 0:
            parts.append(Paid(on, part, amount))
            pool -= amount
    each = loan.instalments[k]
    return loan.with_instalment(k, replace(each, paid=(*each.paid, *parts))), pool


def _ahead(loan: Loan, on: date, pool: Decimal, *, backwards: bool, free: bool) -> tuple[Loan, Decimal]:
    """Instalments not yet due: of each the interest accrued to the day, and the rest as principal.

    What is repaid beyond the running instalment, or with the last, bears the prepayment fee unless ``free``.
    """
    first = loan.running(on)
    if first is None:
        return loan, pool
    order = list(range(first, len(loan.instalments)))
    for k in reversed(order) if backwards else order:
        if pool <= 0:
            break
        each, due = loan.instalments[k], loan.dues[k]
        interest = due.interest - each.sum_paid("interest")
        principal = due.principal - each.sum_paid("principal")
        if loan.terms.recalculated and not loan.terms.flat:
            # what was earned and not paid falls on the oldest instalment that is still open
            accrued = _accrued(loan, on) if not backwards or k == first else ZERO
            if each.level is not None:
                principal += interest - min(accrued, interest)
            interest = min(accrued, interest)
        principal = min(principal, _principal_open(loan))
        fee = fee_of(loan.terms, loan.state, each, due) - each.sum_paid("fee")
        owed: dict[Part, Decimal] = {"principal": principal, "interest": interest, "fee": fee}
        if not free and (k > first or k == order[-1]):
            loan, pool, owed = _with_fee(loan, k, on, pool, owed)
        loan, pool = _cover(loan, k, on, pool, owed)
        loan = _worked_out(loan)
    return loan, pool


def _with_fee(
    loan: Loan, k: int, on: date, pool: Decimal, owed: dict[Part, Decimal]
) -> tuple[Loan, Decimal, dict[Part, Decimal]]:
    """The prepayment fee of one instalment taken, and as much of its principal as the rest reaches for."""
    order = loan.terms.order
    before = sum((max(owed.get(part, ZERO), ZERO) for part in order[: order.index("principal")]), ZERO)
    reach = max(pool - before, ZERO)
    principal = min(owed["principal"], reach)
    fee = prepayment_fee(loan.terms, principal, on)
    if principal + fee > reach:
        principal = (reach / (1 + loan.terms.prepayment.fee)).quantize(CENT)
        fee = reach - principal
    if fee <= 0:
        return loan, pool, owed
    each = loan.instalments[k]
    paid, charges = (*each.paid, Paid(on, "fee", fee)), (*each.charges, (on, fee))
    taken = loan.with_instalment(k, replace(each, paid=paid, charges=charges))
    return taken, pool - fee, {**owed, "principal": principal}


def _accrued(loan: Loan, on: date) -> Decimal:
    """Interest of the running instalment earned by ``on`` and not paid."""
    due = sum(
        (due.interest for each, due in zip(loan.instalments, loan.dues, strict=True) if each.due <= on), ZERO
    )
    paid = sum((each.sum_paid("interest") for each in loan.instalments if each.due > on), ZERO)
    return max(interest_earned(loan, on) - due - paid, ZERO)


def _principal_open(loan: Loan) -> Decimal:
    paid = sum((each.sum_paid("principal") for each in loan.instalments), ZERO)
    return loan.state.disbursed - paid


def _extra(loan: Loan, on: date, pool: Decimal, effect: str) -> tuple[Loan, Decimal]:
    """The balance goes down at once: it shows in the instalment due that day, or else the running one."""
    k = next((k for k, each in enumerate(loan.instalments) if each.due >= on), None)
    early = _principal_open(loan) - open_due_principal(loan, on)
    if k is None or early <= 0:
        return loan, pool
    amount = min(pool, early)
    fee = prepayment_fee(loan.terms, amount, on)
    if amount + fee > pool:
        amount = (pool / (1 + loan.terms.prepayment.fee)).quantize(CENT)
        fee = pool - amount
    each = loan.instalments[k]
    parts = [Paid(on, "principal", amount)]
    charges = each.charges
    if fee > 0:
        parts.append(Paid(on, "fee", fee))
        charges = (*charges, (on, fee))
    changed = replace(each, skip=effect == "skip", paid=(*each.paid, *parts), charges=charges)
    beyond = amount
    if loan.terms.prepayment.toward_running and effect != "skip":
        beyond = _beyond(loan.with_instalment(k, changed), k)
    loan = loan.with_instalment(k, replace(changed, extra=each.extra + beyond))
    again = effect == "smaller" and beyond > 0
    loan = loan.with_state(plan(loan.terms, loan.state, k + 1) if again else absorb(loan.terms, loan.state))
    return loan, pool - amount - fee


def _beyond(loan: Loan, k: int) -> Decimal:
    """What was paid of the principal of an instalment beyond its own part."""
    each, due = loan.instalments[k], solve(loan.terms, loan.state)[k]
    part = each.planned or ZERO if each.level is None else max(each.level - due.raw - due.brought, ZERO)
    return max(each.sum_paid("principal") - part - each.extra, ZERO)


def told_whole(loan: Loan, event: Payoff) -> Payoff:
    """The payoff as a fact: with the sum that came in. Less than what is owed is refused."""
    quote = payoff_of(as_of(loan, event.on), event.on)
    if event.amount is not None and event.amount < quote.total:
        fail("LON-PAYOFF", "amount", amount=event.amount, total=quote.total)
    return replace(event, amount=quote.total) if event.amount is None else event


def settle_whole(loan: Loan, event: Payoff) -> Loan:
    """All is repaid at once; what does not suffice, now that the past is another, is a repayment."""
    loan, quote = as_of(loan, event.on), payoff_of(loan, event.on)
    amount = quote.total if event.amount is None else event.amount
    if amount < quote.total:
        return _repaid(loan, Repay(on=event.on, amount=amount, early="next"))
    first = loan.running(event.on)
    pool = amount + loan.credit
    if first is not None and quote.prepayment_fee:
        each = loan.instalments[first]
        charged = (*each.charges, (event.on, quote.prepayment_fee))
        loan = _worked_out(loan.with_instalment(first, replace(each, charges=charged)))
    before = _interest_paid(loan)
    loan, pool = _cover_due(replace(loan, credit=ZERO), event.on, pool)
    rest = quote.interest - (_interest_paid(loan) - before)
    loan = _worked_out(replace(loan, state=replace(loan.state, stopped_on=event.on)))
    if first is not None:
        still = range(first, len(loan.instalments))
        k = next((k for k in still if not settled(loan.instalments[k], loan.dues[k])), first)
        loan, pool = _cover(loan, k, event.on, pool, {"interest": rest})
        loan = _worked_out(loan)
    loan, pool = _ahead(loan, event.on, pool, backwards=False, free=True)
    return replace(loan, credit=pool)


def _interest_paid(loan: Loan) -> Decimal:
    return sum((each.sum_paid("interest") for each in loan.instalments), ZERO)


def settle(loan: Loan, event: Settle) -> Loan:
    """A payment assigned to one part of one instalment."""
    _positive(loan, event.amount)
    if not 1 <= event.n <= len(loan.instalments):
        fail("LON-INSTALMENT", "instalment", n=event.n, count=len(loan.instalments))
    each = loan.instalments[event.n - 1]
    paid = (*each.paid, Paid(event.on, event.part, event.amount))
    return _worked_out(loan.with_instalment(event.n - 1, replace(each, paid=paid)))


def waive(loan: Loan, event: Waive) -> Loan:
    """Interest, penalty or fees earned by the day are let off, oldest first; more than is open is refused."""
    _positive(loan, event.amount)
    loan, left = as_of(loan, event.on), event.amount
    for k, each in enumerate(loan.instalments):
        due, first = loan.dues[k], loan.running(event.on)
        if event.part == "penalty":
            owed = penalty_of(loan, k, event.on)
        elif event.part == "fee":
            owed = fee_of(loan.terms, loan.state, each, due, event.on)
        else:
            earned = _accrued(loan, event.on) + each.sum_paid("interest") if k == first else ZERO
            owed = due.interest if each.due <= event.on else min(earned, due.interest)
        amount = min(left, owed - each.sum_paid(event.part))
        if amount > 0:
            paid = (*each.paid, Paid(event.on, event.part, amount, waived=True))
            loan, left = loan.with_instalment(k, replace(each, paid=paid)), left - amount
    if left:
        fail("LON-WAIVE", "amount", part=event.part, amount=event.amount, open=event.amount - left)
    return _worked_out(loan)
