"""What a loan earns from day to day as long as nothing happens to it (计提): the engine's answer as a line.

Interest is a straight line of the days until the next due date, and so is the penalty of each overdue
instalment. The line is kept beside the loan when an event is booked, and day-end reads it for a million loans
in the database; a loan whose terms make no line is worked out by the engine every day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from xinqiao.db.database import Tx
from xinqiao.loan.calendar import months_between
from xinqiao.loan.engine import Loan, at
from xinqiao.loan.schedule import EXACT_DIGITS, Due, Instalment, Solver, rate_on
from xinqiao.loan.standing import oldest_unpaid, penalty_of

ZERO = Decimal(0)
CENTS = 100
BASIS = {"ACT/360": 360, "ACT/365F": 365}
PENALTY_BASIS = {"ACT/360": 360, "30/360": 360, "month": 360, "ACT/365F": 365}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The line of a loan's interest; the columns of the table ``accruing`` say what each is."""

    base_cents: int
    raw: Decimal
    amount: Decimal
    from_day: date
    basis: int
    n: int | None
    until: date | None
    after_cents: int
    closing: Decimal
    share: Decimal
    rolls: bool


@dataclass(frozen=True, slots=True)
class Late:
    """The lines of a loan's penalty, one for each overdue instalment."""

    base_cents: int
    raw: list[Decimal]
    amount: list[Decimal]
    start: list[date]


def keep(tx: Tx, loan_id: UUID, loan: Loan, on: date) -> bool:
    """Keep the line of a loan whose row is written, as of the end of ``on`` (scope SYSTEM).

    False where it has none: then the engine works the loan out every day.
    """
    loan = at(loan, on)
    running = running_of(loan, on) if straight(loan) else None
    if running is None:
        tx.execute("UPDATE accruing SET version = 0 WHERE loan_id = %s AND version <> 0", [loan_id])
        return False
    tx.execute(_KEEP, {"loan": loan_id, **line_of(loan, running, on)})
    return True


def line_of(loan: Loan, running: Running, on: date) -> dict[str, Any]:
    """The columns of a line, as of the end of ``on``."""
    late, rule = _late(loan, on), loan.terms.penalty
    none = rule.kind == "none"
    return {
        **{name: getattr(running, name) for name in Running.__dataclass_fields__},
        "open_due": oldest_unpaid(loan, on + timedelta(days=1)),
        "pen_base_cents": late.base_cents,
        "pen_raw": late.raw,
        "pen_amount": late.amount,
        "pen_from": late.start,
        "pen_basis": 360 if none else PENALTY_BASIS[rule.days],
        "pen_rate": ZERO if none else _penalty_rate(loan, on),
        "pen_compound": rule.compound,
        "pen_grace": rule.grace_days,
    }


_KEEP = """
    INSERT INTO accruing (loan_id, institution_id, version, base_cents, raw, amount, from_day, basis, n,
      until, after_cents, closing, share, rolls, open_due, pen_base_cents, pen_raw, pen_amount, pen_from,
      pen_basis, pen_rate, pen_compound, pen_grace)
    SELECT l.id, l.institution_id, l.version, %(base_cents)s, %(raw)s, %(amount)s, %(from_day)s, %(basis)s,
      %(n)s, %(until)s, %(after_cents)s, %(closing)s, %(share)s, %(rolls)s, %(open_due)s, %(pen_base_cents)s,
      %(pen_raw)s::numeric[], %(pen_amount)s::numeric[], %(pen_from)s::date[], %(pen_basis)s, %(pen_rate)s,
      %(pen_compound)s, %(pen_grace)s
    FROM loan l WHERE l.id = %(loan)s
    ON CONFLICT (loan_id) DO UPDATE SET version = EXCLUDED.version, base_cents = EXCLUDED.base_cents,
      raw = EXCLUDED.raw, amount = EXCLUDED.amount, from_day = EXCLUDED.from_day, basis = EXCLUDED.basis,
      n = EXCLUDED.n, until = EXCLUDED.until, after_cents = EXCLUDED.after_cents, closing = EXCLUDED.closing,
      share = EXCLUDED.share, rolls = EXCLUDED.rolls, open_due = EXCLUDED.open_due,
      pen_base_cents = EXCLUDED.pen_base_cents, pen_raw = EXCLUDED.pen_raw, pen_amount = EXCLUDED.pen_amount,
      pen_from = EXCLUDED.pen_from, pen_basis = EXCLUDED.pen_basis, pen_rate = EXCLUDED.pen_rate,
      pen_compound = EXCLUDED.pen_compound, pen_grace = EXCLUDED.pen_grace
"""


def straight(loan: Loan) -> bool:
    """Whether the terms and the state of a loan make lines at all."""
    terms, state = loan.terms, loan.state
    counted = (
        terms.flat or terms.day_count in BASIS or (terms.day_count != "ACT/ACT" and terms.unit == "month")
    )
    rounds = terms.rounding
    plain_rounding = (
        rounds.digits >= EXACT_DIGITS
        and rounds.unit == Decimal("0.01")
        and rounds.mode == "half_up"
        and not rounds.interest_unit
        and not rounds.each_stretch
    )
    penalty = terms.penalty.kind == "none" or (
        terms.penalty.kind == "daily" and terms.penalty.days in PENALTY_BASIS
    )
    quiet = state.stopped_on is None and loan.written_off_on is None and not loan.credit
    return terms.overdue_accrues == "never" and counted and plain_rounding and penalty and quiet


def running_of(loan: Loan, on: date) -> Running | None:
    """The line of interest from ``on`` on; None where something already agreed bends it."""
    k = loan.running(on)
    past = [due for each, due in zip(loan.instalments, loan.dues, strict=True) if each.due <= on]
    base = _cents(sum((due.interest for due in past), ZERO))
    if k is None:
        last = loan.dues[-1].due
        return Running(
            base_cents=base,
            raw=ZERO,
            amount=ZERO,
            from_day=last,
            basis=1,
            n=None,
            until=None,
            after_cents=base,
            closing=ZERO,
            share=ZERO,
            rolls=False,
        )
    each, due = loan.instalments[k], loan.dues[k]
    if any(later.sum_paid("interest") or later.sum_paid("fee") for later in loan.instalments[k:]):
        return None
    bends = Solver(loan.terms, loan.state).breaks
    if any(max(on, each.start) < day < each.due for day in bends):
        return None
    raw, amount, since, basis = _slope(loan, each, due, on)
    return Running(
        base_cents=base + _cents(due.brought),
        raw=raw,
        amount=amount,
        from_day=since,
        basis=basis,
        n=due.n,
        until=each.due,
        after_cents=base + _cents(due.interest),
        closing=due.closing,
        share=rate_on(loan.terms, loan.state, each.due),
        rolls=_rolls(loan, k, bends),
    )


def _slope(loan: Loan, each: Instalment, due: Due, on: date) -> tuple[Decimal, Decimal, date, int]:
    """What the days up to ``on`` earned where they had more than one balance, and the line from then on."""
    terms, since, raw, balance = loan.terms, each.start, ZERO, due.opening
    if each.free:
        return ZERO, ZERO, since, 1
    if terms.flat:
        return ZERO, due.raw, since, (each.due - each.start).days
    solver = Solver(terms, loan.state)
    bends = [day for day, _ in due.inside if day <= on] + [day for day in solver.breaks if day <= on]
    if on > each.start and any(day > each.start for day in bends):
        since = on
        raw = solver.accrued(each, due.opening, due.inside, on)
    balance += sum((amount for day, amount in due.inside if day <= since), ZERO)
    rate = rate_on(terms, loan.state, since)
    if any(a <= since < b for a, b in loan.state.free):
        return raw, ZERO, since, 1
    if terms.day_count in BASIS:
        return raw, balance * rate, since, BASIS[terms.day_count]
    months = months_between(each.start, each.due)
    return raw, balance * rate * months, since, 12 * (each.due - each.start).days


def _rolls(loan: Loan, k: int, bends: list[date]) -> bool:
    """Whether what follows instalment ``k`` is a line that the instalments alone tell."""
    terms, each = loan.terms, loan.instalments[k]
    later = loan.instalments[k + 1 :]
    plain = not any(i.paid or i.carry or i.free or i.gaps or i.charges for i in (each, *later))
    fees = any(fee.when == "instalment" for fee in terms.fees)
    ahead = any(day >= each.due for day in bends) or any(day >= each.due for day, _ in loan.state.drawn)
    return plain and not fees and not ahead and not terms.flat and terms.day_count in BASIS


def _late(loan: Loan, on: date) -> Late:
    """Penalty lines: what is settled is a constant, what is open goes on."""
    rule, found = loan.terms.penalty, Late(0, [], [], [])
    if rule.kind == "none":
        return found
    constant = ZERO
    for k, (each, due) in enumerate(zip(loan.instalments, loan.dues, strict=True)):
        if each.due > on:
            break
        owed = due.principal - each.sum_paid("principal")
        if rule.compound:
            owed += due.interest - each.sum_paid("interest")
        if owed <= 0:
            constant += penalty_of(loan, k, on + timedelta(days=1))
            continue
        since = each.due + timedelta(days=rule.grace_days)
        marks = [since, *sorted({part.on for part in each.paid if since < part.on <= on})]
        found.raw.append(_stretches(loan, each, due, marks))
        found.amount.append(owed * _penalty_rate(loan, since))
        found.start.append(marks[-1])
    return Late(_cents(constant), found.raw, found.amount, found.start)


def _stretches(loan: Loan, each: Instalment, due: Due, marks: list[date]) -> Decimal:
    """Penalty of an instalment between payments, up to the last of them, not rounded."""
    rule, total, rate = loan.terms.penalty, ZERO, _penalty_rate(loan, marks[0])
    for start, end in pairwise(marks):
        overdue = due.principal - each.sum_paid("principal", by=start)
        if rule.compound:
            overdue += due.interest - each.sum_paid("interest", by=start)
        if overdue > 0:
            years = Decimal((end - start).days) / PENALTY_BASIS[rule.days]
            total += overdue * rate * years
    return total


def _penalty_rate(loan: Loan, day: date) -> Decimal:
    rule = loan.terms.penalty
    return rule.rate if rule.rate is not None else rule.factor * rate_on(loan.terms, loan.state, day)


def _cents(amount: Decimal) -> int:
    return int(amount * CENTS)
