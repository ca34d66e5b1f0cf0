"""The schedule (还款计划): what every instalment comes to, given what was drawn, paid and agreed so far.

Interest of a period is worked out on the balance of its days; principal is the rest of the level instalment,
or a planned part. The last instalment still open takes the remainder, so the parts sum to what was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import lru_cache
from itertools import pairwise

from xinqiao.loan.calendar import year_ratio
from xinqiao.loan.event import Part
from xinqiao.loan.terms import MODES, Terms

ZERO = Decimal(0)
EXACT_DIGITS = 28
HAIR = Decimal("1e-10")
Changes = tuple[tuple[date, Decimal], ...]
"""Days on which the balance changes, and by how much."""


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


def ratio(terms: Terms, each: Instalment, start: date, end: date) -> tuple[int, int]:
    """The part of a year from ``start`` to ``end`` within an instalment."""
    return year_ratio(
        (each.start, each.due),
        start,
        end,
        day_count=terms.day_count,
        unit=terms.unit,
        variant=(terms.year_end, terms.leap),
    )


def factor(terms: Terms, state: State, each: Instalment, start: date, end: date) -> Decimal:
    """The interest of 1 CNY from ``start`` to ``end`` at one rate."""
    part, whole = ratio(terms, each, start, end)
    return rate_on(terms, state, start) * part / whole


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
            inside, at = tuple(self.changes[at:upto]), upto
            due = self._due(k, each, (balance, brought, pool), inside, final=k == last)
            out.append(due)
            balance = due.closing
            brought = max(due.raw + brought - due.interest, ZERO)
            pool += (each.extra if each.skip else ZERO) - due.taken
            self._overdue(each, due)
        return tuple(out)

    def _due(
        self,
        k: int,
        each: Instalment,
        before: tuple[Decimal, Decimal, Decimal],
        inside: Changes,
        *,
        final: bool,
    ) -> Due:
        """One instalment. ``before``: balance, interest brought forward and principal repaid early so far."""
        opening, brought, pool = before
        raw = self._interest(each, opening, inside)
        paid = (each.sum_paid("principal"), each.sum_paid("interest")) if each.paid else (ZERO, ZERO)
        gap = self._gap(each, opening, inside) if each.gaps else ZERO
        principal, interest, taken = self._parts(each, gap, raw + brought, pool, paid, final=final)
        closing = opening - principal + paid[0]
        for _, amount in inside:
            closing += amount
        return Due(
            n=k + 1,
            start=each.start,
            due=each.due,
            opening=opening,
            raw=raw,
            brought=brought,
            principal=principal,
            interest=interest,
            taken=taken,
            closing=closing,
            inside=inside,
        )

    def _parts(
        self,
        each: Instalment,
        gap: Decimal,
        calculated: Decimal,
        pool: Decimal,
        paid: tuple[Decimal, Decimal],
        *,
        final: bool,
    ) -> tuple[Decimal, Decimal, Decimal]:
        """Principal, interest, and what counts of principal repaid early, where there is so much interest."""
        total = None if each.level is None else each.level + gap
        base = (each.planned or ZERO) if total is None else max(total - calculated, ZERO)
        taken = min(pool, base) if pool else ZERO
        interest = max(calculated, paid[1])
        if not final:
            if each.carry or (total is not None and paid[0] > base - taken + each.extra):
                interest = paid[1]  # what is left of it goes to the next instalment
            elif total is not None:
                interest = max(min(calculated, total), paid[1])
        if total is not None and not each.carry:
            base = max(total - interest, ZERO)
        return max(base - taken + each.extra, paid[0]), interest, taken

    def _gap(self, each: Instalment, opening: Decimal, inside: Changes) -> Decimal:
        """Interest of the stretches that come on top of the instalment."""
        total = ZERO
        for first, last, balance in self.stretches(each, opening, inside, each.due):
            for since, until in each.gaps:
                start, end = max(first, since), min(last, until)
                if start < end:
                    total += balance * factor(self.terms, self.state, each, start, end)
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

    def _interest(self, each: Instalment, opening: Decimal, inside: Changes) -> Decimal:
        if each.raw is not None or each.free:
            return each.raw or ZERO
        unit = self.terms.rounding.interest_unit or None
        if self.terms.flat:
            return money(self.terms, self._flat(each), unit)
        return money(self.terms, self.accrued(each, opening, inside, each.due), unit)

    def _flat(self, each: Instalment) -> Decimal:
        """Flat interest of a period: on all that was drawn, from its day on, whatever was repaid."""
        until, total = self._flat_until(each), ZERO
        for day, amount in self.state.drawn:
            since = max(day, each.start)
            if since < until:
                total += amount * factor(self.terms, self.state, each, since, until)
        return total

    def _flat_until(self, each: Instalment) -> date:
        """Flat interest runs to the due day, or to the day the loan was settled or written off."""
        stopped = self.state.stopped_on
        whole = self.terms.prepayment.interest_until == "period"
        if stopped is None or stopped >= each.due or (whole and each.start < stopped):
            return each.due
        return max(stopped, each.start)

    def accrued(self, each: Instalment, opening: Decimal, inside: Changes, until: date) -> Decimal:
        """Interest of an instalment's days up to ``until``, not rounded."""
        terms, total = self.terms, ZERO
        for start, end, balance in self.stretches(each, opening, inside, until):
            days, year = ratio(terms, each, start, end)
            part = balance * rate_on(terms, self.state, start) * days / year
            total += money(terms, part) if terms.rounding.each_stretch else part
        return total

    def stretches(
        self, each: Instalment, opening: Decimal, inside: Changes, until: date
    ) -> Iterable[tuple[date, date, Decimal]]:
        """Stretches of one balance and one rate that bear interest."""
        stop = min(until, each.due, self.state.stopped_on or each.due)
        marks = {day for day, _ in inside if each.start < day < stop}
        if self.breaks or self.late:
            marks.update(day for day in self.breaks if each.start < day < stop)
            marks.update(day for late in self.late for day in late[:2] if each.start < day < stop)
        for start, end in pairwise((each.start, *sorted(marks), stop)):
            if start >= end or any(a <= start and end <= b for a, b in self.state.free):
                continue
            balance = opening
            for day, amount in inside:
                if day <= start:
                    balance += amount
            for since, till, amount in self.late:
                if since <= start and end <= till:
                    balance += amount
            if balance:
                yield start, end, balance


@dataclass(slots=True)
class _Last:
    """The schedule worked out last: the same terms and state are asked for again at once, again and again."""

    found: tuple[Terms, State, tuple[Due, ...]] | None = None


_LAST = _Last()


def solve(terms: Terms, state: State) -> tuple[Due, ...]:
    """The instalments of a state."""
    last = _LAST.found
    if last is not None and last[0] is terms and last[1] is state:
        return last[2]
    return remember(terms, state, Solver(terms, state).solve())


def remember(terms: Terms, state: State, dues: tuple[Due, ...]) -> tuple[Due, ...]:
    """``dues`` are the instalments of a state: it need not be worked out."""
    _LAST.found = (terms, state, dues)
    return dues


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
