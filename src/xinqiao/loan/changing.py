"""Changes of what was agreed (变更): rate, term, due dates, restructuring, renewal, write-off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from xinqiao.kernel.errors import fail, user_error
from xinqiao.loan.balances import Balances
from xinqiao.loan.calendar import Period, add_months, month_end, periods
from xinqiao.loan.event import (
    Charge,
    Defer,
    Disburse,
    EndOfDay,
    ExtendTerm,
    InterestFree,
    MoveDue,
    RateChange,
    Renew,
    Restructure,
    WriteOff,
)
from xinqiao.loan.loan import Loan
from xinqiao.loan.planning import absorb, blank, plan
from xinqiao.loan.schedule import ZERO, Due, Instalment, State, money, rate_on
from xinqiao.loan.standing import as_of, balances_of, penalty_of, running_interest
from xinqiao.loan.terms import WAYS, Terms, Way

CENT = Decimal("0.01")


def disburse(loan: Loan, event: Disburse) -> Loan:
    """Money is drawn; a further drawing works the instalments out anew from the period that holds it."""
    if event.amount <= 0:
        fail("LON-AMOUNT", "amount", amount=event.amount)
    drawn = loan.state.disbursed
    if drawn + event.amount > loan.terms.principal:
        fail("LON-DRAW-STATE", "amount", amount=event.amount, limit=loan.terms.principal - drawn)
    since = _from(loan, event.on)
    first, last = loan.instalments[0].start, loan.instalments[-1].due
    if not first <= event.on < last:  # days before the first would bear no interest
        fail("LON-TERM-STATE", "date", on=event.on, since=first, until=last)
    state = replace(loan.state, drawn=(*loan.state.drawn, (event.on, event.amount)))
    fee = sum(
        (
            _drawing_fee(loan.terms, each.share, event.amount) + each.amount
            for each in loan.terms.fees
            if each.when == "drawing"
        ),
        ZERO,
    )
    loan = replace(loan, drawing_fees=loan.drawing_fees + fee)
    return loan.with_state(plan(loan.terms, state, since, alone=True))


def _drawing_fee(terms: Terms, share: Decimal, amount: Decimal) -> Decimal:
    return money(terms, amount * share)


def _from(loan: Loan, day: date) -> int:
    """The instalment whose period holds the night after ``day``; the last one at the latest."""
    k = loan.running(day)
    return len(loan.instalments) - 1 if k is None else k


def change_rate(loan: Loan, event: RateChange) -> Loan:
    """A new rate from the evening before the day on."""
    if event.rate < 0:
        fail("LON-TERMS", "rate", detail="rate >= 0")
    since = event.on - timedelta(days=1)
    if event.rate == rate_on(loan.terms, loan.state, since):
        return loan  # the same rate again changes nothing, least of all the instalments
    rates = sorted((*loan.state.rates, (since, event.rate)), key=lambda each: each[0])
    state = replace(loan.state, rates=tuple(rates))
    return loan.with_state(plan(loan.terms, state, _from(loan, since)))


def free_of_interest(loan: Loan, event: InterestFree) -> Loan:
    """Days without interest; instalments stay and the last one shrinks."""
    if event.until < event.on:
        fail("LON-TERMS", "until", detail="until >= on")
    window = (event.on - timedelta(days=1), event.until)
    return loan.with_state(absorb(loan.terms, replace(loan.state, free=(*loan.state.free, window))))


def _at(loan: Loan, due: date) -> int:
    """The instalment due on a day."""
    for k, each in enumerate(loan.instalments):
        if each.due == due and each.raw is None:
            return k
    raise user_error("LON-DUE", "due", due=due)


def extend(loan: Loan, event: ExtendTerm) -> Loan:
    """More instalments at the end; what is open from one on is spread over all that remain."""
    if event.extra < 1:
        fail("LON-TERMS", "extra", detail="extra >= 1")
    k = _at(loan, event.from_due)
    last = loan.instalments[-1].due
    meant = max(each.due.day for each in loan.instalments)
    more = periods(last, event.extra, loan.terms.every, loan.terms.unit, anchor=meant)
    kind = loan.instalments[-1]
    added = tuple(
        Instalment(start=start, due=due, level=kind.level, planned=kind.planned) for start, due in more
    )
    state = replace(loan.state, instalments=(*loan.instalments, *added))
    return loan.with_state(plan(loan.terms, state, k))


def move_due(loan: Loan, event: MoveDue) -> Loan:
    """One due date moves; amounts stay, the last instalment takes what interest changes."""
    k, kept = _at(loan, event.due), list(loan.instalments)
    if not kept[k].start < event.to or (k + 1 < len(kept) and event.to >= kept[k + 1].due):
        fail("LON-DUE", "to", due=event.to)
    kept[k] = replace(kept[k], due=event.to)
    if k + 1 < len(kept):
        kept[k + 1] = replace(kept[k + 1], start=event.to)
    return loan.with_state(absorb(loan.terms, replace(loan.state, instalments=tuple(kept))))


def rescheduled(loan: Loan, days: Sequence[Period]) -> Loan:
    """All due dates anew, as many as there are; amounts stay, the last instalment takes the difference."""
    pairs = zip(loan.instalments, days, strict=True)
    kept = tuple(replace(each, start=start, due=due) for each, (start, due) in pairs)
    return loan.with_state(absorb(loan.terms, replace(loan.state, instalments=kept)))


def shifted(loan: Loan, event: MoveDue) -> tuple[Period, ...]:
    """The periods where one due date moves and those after it follow at the usual distance."""
    k = _at(loan, event.due)
    kept = [(each.start, each.due) for each in loan.instalments[:k]]
    rest = len(loan.instalments) - k
    start = loan.instalments[k].start
    return (*kept, *periods(start, rest, loan.terms.every, loan.terms.unit, first_due=event.to))


def defer(loan: Loan, event: Defer) -> Loan:
    """All dues from a day on move later; interest of the gap comes on top of the first, or is free."""
    if event.months < 1:
        fail("LON-TERMS", "months", detail="months >= 1")
    open_ones = (k for k, each in enumerate(loan.instalments) if each.due >= event.on and each.raw is None)
    k = next(open_ones, None)
    if k is None:
        fail("LON-DUE", "on", due=event.on)
    kept, free = list(loan.instalments), loan.state.free
    meant = max(each.due.day for each in kept) if loan.terms.unit in ("month", "year") else None
    gap = (kept[k].due, _later(kept[k].due, event.months, meant))
    for i in range(k, len(kept)):
        each = kept[i]
        start = each.start if i == k else kept[i - 1].due
        kept[i] = replace(each, start=start, due=_later(each.due, event.months, meant))
    if event.interest == "free":
        free = (*free, gap)
    else:
        kept[k] = replace(kept[k], gaps=(*kept[k].gaps, gap))
    state = replace(loan.state, instalments=tuple(kept), free=free)
    return loan.with_state(absorb(loan.terms, state))


def _later(due: date, months: int, meant: int | None) -> date:
    """A due date months later; one that a short month cut is again on the day of the month that was meant."""
    return add_months(due, months, meant if month_end(due) else None)


def charge(loan: Loan, event: Charge) -> Loan:
    """A fee, due at once; it shows in the instalment of its day."""
    if event.amount <= 0 or event.amount != event.amount.quantize(CENT):
        fail("LON-AMOUNT", "amount", amount=event.amount)
    k = next(
        (k for k, each in enumerate(loan.instalments) if each.due >= event.on), len(loan.instalments) - 1
    )
    each = loan.instalments[k]
    changed = replace(each, charges=(*each.charges, (event.on, event.amount)))
    return loan.with_instalment(k, changed)


def restructure(loan: Loan, event: Restructure) -> Loan:
    """New terms because the borrower can't pay as agreed (重组)."""
    return replace(_anew(loan, event), restructured_on=event.on)


def renew(loan: Loan, event: Renew) -> Loan:
    """The term goes on without repayment (无还本续贷)."""
    return replace(_anew(loan, event), renewed_on=event.on)


def _anew(loan: Loan, event: Restructure | Renew) -> Loan:
    """What is owed of the principal is spread over ``count`` new instalments from the day on.

    Interest earned to the day falls due on it; principal overdue is no longer.
    """
    loan = as_of(loan, event.on)
    terms = loan.terms
    if balances_of(loan, event.on).principal <= 0:
        fail("LON-CLOSED-STATE", "principal")
    kept = _closed(loan, event.on)
    if event.way not in WAYS or event.count < 1:
        fail("LON-TERMS", "terms", detail="way, count >= 1")
    way: Way = event.way
    made = periods(event.on, event.count, terms.every, terms.unit)
    again = replace(
        terms,
        rate=event.rate,
        way=way,
        interest="flat" if way == "flat" else "reducing_balance",
        periods=made,
        level=None,
    )
    rates = (*(each for each in loan.state.rates if each[0] < event.on), (event.on, event.rate))
    state = replace(loan.state, instalments=(*kept, *blank(again)), rates=rates)
    loan = replace(loan, terms=replace(again, rate=terms.rate, grace=terms.grace))
    return loan.with_state(plan(loan.terms, state, len(kept)))


def _closed(loan: Loan, on: date) -> tuple[Instalment, ...]:
    """The instalments up to a day, with no principal left to pay; the running one ends on it.

    What their days earned and their penalty stay; what was paid for later ones goes to the last.
    """
    out, later = [], []
    for k, (each, due) in enumerate(zip(loan.instalments, loan.dues, strict=True)):
        if each.start >= on:
            later.append(each)
            continue
        running = each.due > on
        done = replace(
            each,
            due=min(each.due, on),
            raw=running_interest(loan, each, due, on) if running else due.raw,
            penalty=penalty_of(loan, k, on),
            skip=False,
        )
        out.append(_without_open(done, due, running=running))
    if not out:
        fail("LON-DUE", "on", due=on)
    out[-1] = _with_later(replace(out[-1], carry=False), later, on)
    return tuple(out)


def _without_open(each: Instalment, due: Due, *, running: bool) -> Instalment:
    """An instalment whose principal is what was paid of it; interest it put off stays with the next."""
    principal = each.sum_paid("principal") - each.extra
    if each.level is None or each.carry or running:
        return replace(each, level=None, planned=principal, gaps=())
    return replace(each, level=principal + due.interest, gaps=())


def _with_later(each: Instalment, later: Sequence[Instalment], on: date) -> Instalment:
    """What was paid ahead for instalments that are no longer shows in this one."""
    paid = tuple(part for gone in later for part in gone.paid)
    principal = sum((part.amount for part in paid if part.part == "principal"), ZERO)
    fees = sum((part.amount for part in paid if part.part == "fee"), ZERO)
    open_fees = tuple(charged for gone in later for charged in gone.charges if charged[0] <= on)
    charged = sum((amount for _, amount in open_fees), ZERO)
    if fees > charged:
        open_fees = (*open_fees, (on, fees - charged))
    found = replace(each, paid=(*each.paid, *paid), charges=(*each.charges, *open_fees))
    if each.level is None:
        return replace(found, planned=(each.planned or ZERO) + principal)
    return replace(found, level=each.level + principal)


def write_off(loan: Loan, event: WriteOff) -> Loan:
    """What is open is written off; nothing accrues any more."""
    loan = as_of(loan, event.on)
    now = balances_of(loan, event.on)
    lost = Balances(
        principal_written_off=now.principal,
        interest_written_off=now.interest,
        penalty_written_off=now.penalty,
        fee_written_off=now.fee,
    )
    state: State = absorb(loan.terms, replace(loan.state, stopped_on=event.on))
    return replace(loan.with_state(state), lost=lost, written_off_on=event.on)


def end_day(loan: Loan, event: EndOfDay) -> Loan:
    """The day is over: overdue principal has borne interest until it, where the terms say so."""
    return as_of(loan, event.on)
