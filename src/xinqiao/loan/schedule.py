"""The schedule (还款计划): what every instalment comes to, given what was drawn, paid and agreed so far.

Interest of a period is worked out on the balance of its days; principal is the rest of the level instalment,
or a planned part. The last instalment still open takes the remainder, so the parts sum to what was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import lru_cache
from itertools import pairwise

from xinqiao.loan.calendar import year_fraction
from xinqiao.loan.event import Part
from xinqiao.loan.terms import MODES, Terms

ZERO = Decimal(0)
EXACT_DIGITS = 28
HAIR = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Paid:
    """A part of a payment (or of a waiver) that settled a part of an instalment."""

    on: date
    part: Part
    amount: Decimal
    waived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """An instalment as agreed (期供) and what came in for it.

    Either ``level`` (principal and interest together) or ``planned`` (principal) is set. ``extra``: principal
    repaid early that shows in this instalment; ``skip``: it also counts for the principal parts next due.
    ``gaps``: stretches whose interest comes on top of the instalment. ``carry``: its interest falls due with
    the next. ``charges``: fees charged by the way, with their days. ``raw``, ``penalty``: what its days
    earned and its penalty, where a restructuring closed it.
    """

    start: date
    due: date
    level: Decimal | None = None
    planned: Decimal | None = None
    fixed: bool = False
    extra: Decimal = ZERO
    skip: bool = False
    carry: bool = False
    free: bool = False
    gaps: tuple[tuple[date, date], ...] = ()
    charges: tuple[tuple[date, Decimal], ...] = ()
    raw: Decimal | None = None
    penalty: Decimal | None = None
    paid: tuple[Paid, ...] = ()

    def sum_paid(self, part: Part, *, by: date | None = None, waived: bool | None = None) -> Decimal:
        """What came in for a part, by a day; with waivers, without, or only waivers."""
        return sum(
            (
                each.amount
                for each in self.paid
                if each.part == part
                and (by is None or each.on <= by)
                and (waived is None or each.waived == waived)
            ),
            ZERO,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What decides a schedule: instalments, drawings, rates from their days, days without interest."""

    instalments: tuple[Instalment, ...]
    drawn: tuple[tuple[date, Decimal], ...] = ()
    rates: tuple[tuple[date, Decimal], ...] = ()
    free: tuple[tuple[date, date], ...] = ()
    as_of: date | None = None
    stopped_on: date | None = None

    @property
    def disbursed(self) -> Decimal:
        """The sum drawn."""
        return sum((amount for _, amount in self.drawn), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An instalment worked out. ``opening``, ``closing``: the balance really owed around it.

    ``raw`` is what its days earned, ``brought`` what the instalment before did not take, ``taken`` the
    principal repaid early that counts for this one, ``inside`` the changes of the balance in its days.
    """

    n: int
    start: date
    due: date
    opening: Decimal
    raw: Decimal
    brought: Decimal
    principal: Decimal = ZERO
    interest: Decimal = ZERO
    taken: Decimal = ZERO
    closing: Decimal = ZERO
    inside: tuple[tuple[date, Decimal], ...] = ()

    @classmethod
    def blank(cls, n: int, each: Instalment, opening: Decimal, raw: Decimal, brought: Decimal) -> Due:
        """What is known before the parts are."""
        return cls(n=n, start=each.start, due=each.due, opening=opening, raw=raw, brought=brought)

    @property
    def calculated(self) -> Decimal:
        """The interest there is to take: of its days and brought forward."""
        return self.raw + self.brought

    @property
    def instalment(self) -> Decimal:
        """Principal and interest together."""
        return self.principal + self.interest


def money(terms: Terms, amount: Decimal, unit: Decimal | None = None) -> Decimal:
    """``amount`` rounded as the terms say."""
    unit = unit or terms.rounding.unit
    if terms.rounding.digits >= EXACT_DIGITS:
        # days over 360 have no end of digits: what is exactly half a cent must not come out a hair below
        amount = amount.quantize(HAIR, ROUND_HALF_EVEN)
    return rounded(amount, unit, MODES[terms.rounding.mode])


@lru_cache(256)
def _hundredfold(unit: Decimal) -> bool:
    return unit == Decimal(10) ** unit.adjusted()


def rounded(amount: Decimal, unit: Decimal, mode: str = ROUND_HALF_UP) -> Decimal:
    """``amount`` to a whole number of ``unit``."""
    if _hundredfold(unit) and unit <= 1:
        return amount.quantize(unit, mode)
    return (amount / unit).quantize(Decimal(1), mode) * unit


def rate_on(terms: Terms, state: State, day: date) -> Decimal:
    """The rate that the night after ``day`` bears."""
    found = terms.rate
    for since, rate in state.rates:
        if since <= day:
            found = rate
    return found


def factor(terms: Terms, state: State, each: Instalment, start: date, end: date) -> Decimal:
    """The interest of 1 CNY from ``start`` to ``end`` at one rate."""
    period = (each.start, each.due)
    share = year_fraction(
        period,
        start,
        end,
        day_count=terms.day_count,
        unit=terms.unit,
        variant=(terms.year_end, terms.leap),
    )
    return rate_on(terms, state, start) * share


class Solver:
    """Works a state out, instalment by instalment."""

    def __init__(self, terms: Terms, state: State) -> None:
        self.terms = terms
        self.state = state
        self.changes = self._changes()
        self.late: list[tuple[date, date, Decimal]] = []
        self.breaks = sorted(
            {day for day, _ in state.rates} | {day for window in state.free for day in window}
        )

    def _changes(self) -> list[tuple[date, Decimal]]:
        """Days on which the balance changes: drawings, and principal repaid ahead of its due date."""
        found = list(self.state.drawn)
        for each in self.state.instalments:
            for paid in each.paid:
                if paid.part == "principal":
                    ahead = self.terms.recalculated and paid.on < each.due
                    found.append((paid.on if ahead else each.due, -paid.amount))
        return sorted(found, key=lambda change: change[0])

    def solve(self) -> tuple[Due, ...]:
        """All instalments."""
        out: list[Due] = []
        balance = brought = pool = ZERO
        at, last = 0, len(self.state.instalments) - 1
        for k, each in enumerate(self.state.instalments):
            upto = at
            while upto < len(self.changes) and (self.changes[upto][0] <= each.due or k == last):
                upto += 1
            inside, at = self.changes[at:upto], upto
            raw = self._interest(each, balance, inside)
            due = self._due(each, Due.blank(k + 1, each, balance, raw, brought), pool, final=k == last)
            moved = sum((amount for _, amount in inside), ZERO)
            balance = balance + moved - due.principal + each.sum_paid("principal")
            out.append(replace(due, closing=balance, inside=tuple(inside)))
            brought = due.calculated - due.interest
            pool += (each.extra if each.skip else ZERO) - due.taken
            self._overdue(each, due)
        return tuple(out)

    def _due(self, each: Instalment, due: Due, pool: Decimal, *, final: bool) -> Due:
        """The parts of an instalment whose days earned what ``due`` says."""
        paid_principal, paid_interest = each.sum_paid("principal"), each.sum_paid("interest")
        total = None if each.level is None else each.level + self._gap(each, due.opening)
        base = (each.planned or ZERO) if total is None else max(total - due.calculated, ZERO)
        taken = min(pool, base)
        interest = max(due.calculated, paid_interest)
        if not final:
            if each.carry or (total is not None and paid_principal > base - taken + each.extra):
                interest = paid_interest  # what is left of it goes to the next instalment
            elif total is not None:
                interest = max(min(due.calculated, total), paid_interest)
        if total is not None and not each.carry:
            base = max(total - interest, ZERO)
        principal = max(base - taken + each.extra, paid_principal)
        return replace(due, interest=interest, principal=principal, taken=taken)

    def _gap(self, each: Instalment, opening: Decimal) -> Decimal:
        total = ZERO
        for start, end in each.gaps:
            if not any(a <= start and end <= b for a, b in self.state.free):
                total += opening * factor(self.terms, self.state, each, start, end)
        return money(self.terms, total)

    def _overdue(self, each: Instalment, due: Due) -> None:
        """Overdue principal bears the loan's rate as long as the terms say."""
        as_of = self.state.as_of
        if self.terms.overdue_accrues == "never" or as_of is None or not self.terms.recalculated:
            return
        left = due.principal
        for paid in each.paid:
            if paid.part == "principal":
                left -= paid.amount
                if paid.on > each.due:
                    self.late.append((each.due, self._late_end(paid.on), paid.amount))
        if left > 0 and as_of > each.due:
            self.late.append((each.due, self._late_end(as_of), left))

    def _late_end(self, day: date) -> date:
        if self.terms.overdue_accrues == "day":
            return day
        return next((each.due for each in self.state.instalments if each.start < day <= each.due), day)

    def _interest(
        self, each: Instalment, opening: Decimal, inside: Sequence[tuple[date, Decimal]]
    ) -> Decimal:
        if each.raw is not None or each.free:
            return each.raw or ZERO
        unit = self.terms.rounding.interest_unit or None
        if self.terms.flat:
            share = factor(self.terms, self.state, each, each.start, self._flat_until(each))
            return money(self.terms, self.state.disbursed * share, unit)
        return money(self.terms, self.accrued(each, opening, inside, each.due), unit)

    def _flat_until(self, each: Instalment) -> date:
        """Flat interest runs to the due day, or to the day the loan was settled or written off."""
        stopped = self.state.stopped_on
        whole = self.terms.prepayment.interest_until == "period"
        if stopped is None or stopped >= each.due or (whole and each.start < stopped):
            return each.due
        return max(stopped, each.start)

    def accrued(
        self, each: Instalment, opening: Decimal, inside: Sequence[tuple[date, Decimal]], until: date
    ) -> Decimal:
        """Interest of an instalment's days up to ``until``, not rounded."""
        total = ZERO
        for start, end, balance in self.stretches(each, opening, inside, until):
            part = balance * factor(self.terms, self.state, each, start, end)
            total += money(self.terms, part) if self.terms.rounding.each_stretch else part
        return total

    def stretches(
        self, each: Instalment, opening: Decimal, inside: Sequence[tuple[date, Decimal]], until: date
    ) -> Iterable[tuple[date, date, Decimal]]:
        """Stretches of one balance and one rate that bear interest."""
        stop = min(until, each.due, self.state.stopped_on or each.due)
        marks = {day for day, _ in inside} | set(self.breaks)
        marks |= {day for start, end, _ in self.late for day in (start, end)}
        days = [each.start, *sorted(day for day in marks if each.start < day < stop), stop]
        for start, end in pairwise(days):
            if start >= end or any(a <= start and end <= b for a, b in self.state.free):
                continue
            balance = opening + sum((amount for day, amount in inside if day <= start), ZERO)
            balance += sum((amount for a, b, amount in self.late if a <= start and end <= b), ZERO)
            if balance:
                yield start, end, balance


def solve(terms: Terms, state: State) -> tuple[Due, ...]:
    """The instalments of a state."""
    return Solver(terms, state).solve()


def level_of(terms: Terms, balance: Decimal, factors: Sequence[Decimal]) -> Decimal:
    """The level instalment that repays ``balance`` over periods with these interest factors."""
    growth, below = Decimal(1) + factors[0], Decimal(1)
    for each in factors[1:]:
        growth *= 1 + each
        below = 1 + below * (1 + each)
    return whole_instalment(terms, balance * growth / below)


def whole_instalment(terms: Terms, amount: Decimal) -> Decimal:
    """A level instalment rounded as the terms say."""
    unit = terms.rounding.instalment_unit or terms.rounding.unit
    mode = ROUND_UP if terms.rounding.instalment_mode == "up" else MODES[terms.rounding.mode]
    return rounded(amount, unit, mode)
