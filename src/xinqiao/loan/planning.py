"""Working out the level instalment or the planned parts (期供测算) when a loan begins or changes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import pairwise

from xinqiao.loan.schedule import (
    ZERO,
    Due,
    Instalment,
    State,
    factor,
    level_of,
    money,
    rate_on,
    ratio,
    remember,
    rounded,
    solve,
    whole_instalment,
)
from xinqiao.loan.terms import MODES, Terms

ROUNDS = 3
"""How often the remainder of the last instalment is spread over the level ones."""
LEVEL_WAYS = {"equal_instalment"}


def blank(terms: Terms) -> tuple[Instalment, ...]:
    """The instalments of new terms, without amounts."""
    count = len(terms.periods)
    out = []
    for k, (start, due) in enumerate(terms.periods):
        last = k == count - 1
        carry = not last and (terms.way == "bullet" or k < terms.grace.interest)
        planned = None if leveled(terms, k, count) else ZERO
        level = ZERO if planned is None else None
        out.append(
            Instalment(
                start=start, due=due, level=level, planned=planned, carry=carry, free=k < terms.grace.free
            )
        )
    return tuple(out)


def leveled(terms: Terms, k: int, count: int) -> bool:
    """Whether instalment number ``k`` (from 0) is a level one."""
    if terms.way not in LEVEL_WAYS or (terms.flat and not terms.smoothing):
        return False
    return k >= terms.grace.principal or k == count - 1


def plan(terms: Terms, state: State, since: int, *, alone: bool = False) -> State:
    """The state with its amounts worked out anew from instalment ``since`` (from 0) on.

    ``alone``: as if nothing had been paid, the way a further drawing counts; what was paid still stays.
    """
    while since < len(state.instalments) and state.instalments[since].raw is not None:
        since += 1  # a restructuring closed it
    if since >= len(state.instalments):
        return absorb(terms, state)
    with localcontext() as context:
        context.prec = terms.rounding.digits
        base = replace(state, as_of=None)  # what is overdue now has no say in what is agreed
        bare = alone and any(each.paid for each in state.instalments)
        if bare:
            base = replace(base, instalments=tuple(map(_bare, state.instalments)))
        if any(each.level is not None for each in base.instalments[since:]):
            found = _smoothed(terms, _leveled(terms, base, since), since)
        else:
            found = _parted(terms, base, since)
        if bare:
            merged = [*state.instalments[:since]]
            merged += map(_merged, state.instalments[since:], found.instalments[since:])
            found = replace(state, instalments=tuple(merged))
        found = replace(found, as_of=state.as_of)
        return absorb(terms, found)


def _bare(each: Instalment) -> Instalment:
    return replace(each, paid=tuple(paid for paid in each.paid if paid.part not in ("principal", "interest")))


def _merged(old: Instalment, new: Instalment) -> Instalment:
    """The new amount, unless more has been paid for the instalment already."""
    if new.level is not None:
        return replace(old, level=new.level, planned=None) if new.level >= total_paid(old) else old
    return replace(old, planned=new.planned, level=None)


def total_paid(each: Instalment) -> Decimal:
    """Principal and interest that came in for an instalment."""
    return each.sum_paid("principal") + each.sum_paid("interest")


def _opening(terms: Terms, state: State, k: int) -> Decimal:
    """The balance to be repaid from instalment ``k`` on: what is owed before it and what is drawn in it."""
    if k == 0:
        return sum((amount for day, amount in state.drawn if day <= state.instalments[0].due), ZERO)
    dues = solve(terms, state)
    drawn = sum(
        (amount for day, amount in dues[k].inside if amount > 0 and (day, amount) in state.drawn), ZERO
    )
    return dues[k].opening + drawn


def _first_level(state: State, since: int) -> int:
    return next(k for k in range(since, len(state.instalments)) if state.instalments[k].level is not None)


def _leveled(terms: Terms, state: State, since: int) -> State:
    first = _first_level(state, since)
    balance = _opening(terms, state, first)
    if terms.level is not None:
        level = terms.level
    elif terms.flat:
        interest = sum((due.raw for due in solve(terms, state)[first:]), ZERO)
        level = whole_instalment(terms, (balance + interest) / (len(state.instalments) - first))
    else:
        level = level_of(terms, balance, _factors(terms, state, first))
    return absorb(terms, _with_level(state, first, level))


def _factors(terms: Terms, state: State, first: int) -> list[Decimal]:
    """Interest factors of the periods from ``first`` on, at the rates agreed for their days."""
    if terms.level_from == "first":
        one = state.instalments[0]
        part, whole = ratio(terms, one, one.start, one.due)
        rate = rate_on(terms, state, state.instalments[first].start)
        return [rate * part / whole] * (len(state.instalments) - first)
    out = []
    for each in state.instalments[first:]:
        marks = sorted(day for day, _ in state.rates if each.start < day < each.due)
        days = [each.start, *marks, each.due]
        parts = pairwise(days)
        out.append(sum((factor(terms, state, each, a, b) for a, b in parts), ZERO))
    return out


def _with_level(state: State, since: int, level: Decimal) -> State:
    """Level instalments from ``since`` on; one for which more was paid already stays."""
    out = list(state.instalments)
    for k in range(since, len(out)):
        if out[k].level is not None and (not out[k].paid or level >= total_paid(out[k])):
            out[k] = replace(out[k], level=level)
    return replace(state, instalments=tuple(out))


def _smoothed(terms: Terms, state: State, since: int) -> State:
    if not terms.smoothing or terms.level is not None:
        return state
    for _ in range(ROUNDS):
        tail = _tail(terms, state)
        if tail is None:
            return state
        level, gap = tail
        count = len(state.instalments) - since
        if abs(gap) * 100 <= count // 2:
            return state
        beyond = sum(1 for each in state.instalments[since:] if level < total_paid(each))
        tried = whole_instalment(terms, level + money(terms, gap / max(count - beyond, 1)))
        if tried == level:
            return state
        found = absorb(terms, _with_level(state, since, tried))
        better = _tail(terms, found)
        if better is None or abs(better[1]) >= abs(gap):
            return state
        state = found
    return state


def _tail(terms: Terms, state: State) -> tuple[Decimal, Decimal] | None:
    """The level instalment, and how much the last one differs from it, of those still open."""
    dues = solve(terms, state)
    for k in range(len(dues) - 1, 0, -1):
        pair = (state.instalments[k - 1], dues[k - 1]), (state.instalments[k], dues[k])
        if not any(settled(each, due) for each, due in pair):
            before, last = dues[k - 1].instalment, dues[k].instalment
            return before, last - before
    return None


def settled(each: Instalment, due: Due) -> bool:
    """Whether principal and interest of an instalment are paid."""
    return bool(each.paid) and due.instalment > 0 and total_paid(each) >= due.instalment


def _parted(terms: Terms, state: State, since: int) -> State:
    """Planned principal parts: equal ones, those of the season, or all with the last."""
    out, count = list(state.instalments), len(state.instalments)
    weights = _weights(terms, out, since)
    balance, whole = _opening(terms, state, since), sum(weights.values())
    unit = terms.rounding.instalment_unit
    for k in range(since, count):
        part = money(terms, balance * weights[k] / whole) if weights[k] else ZERO
        if unit and part and terms.flat:
            interest = solve(terms, state)[k].raw
            part = rounded(part + interest, unit, MODES[terms.rounding.mode]) - interest
        out[k] = replace(out[k], planned=part)
    return absorb(terms, replace(state, instalments=tuple(out)))


def _weights(terms: Terms, out: list[Instalment], since: int) -> dict[int, int]:
    """What part of the principal each instalment bears, as whole weights; the last all if no other does."""
    count = len(out)
    weights = {k: _weight(terms, out[k], k) for k in range(since, count)}
    if terms.way != "seasonal" or not any(weights.values()):
        weights[count - 1] = 1
    return weights


def _weight(terms: Terms, each: Instalment, k: int) -> int:
    """The weight of instalment ``k``: of the season, how often its month is named."""
    if k < terms.grace.principal:
        return 0
    if terms.way == "seasonal":
        return terms.season.count(each.due.month)
    return int(terms.way in ("equal_principal", "flat", "equal_instalment"))


def absorb(terms: Terms, state: State) -> State:
    """The last instalments still open take what is left, so that the parts sum to what was drawn."""
    tried: set[int] = set()
    with localcontext() as context:
        context.prec = max(context.prec, terms.rounding.digits)
        while True:
            dues = solve(terms, state)
            left = state.disbursed - sum((due.principal for due in dues), ZERO)
            free = [
                k
                for k, (each, due) in enumerate(zip(state.instalments, dues, strict=True))
                if k not in tried and each.raw is None and not settled(each, due)
            ]
            if not left or (not free and tried):
                return state
            k = free[-1] if free else len(dues) - 1
            tried.add(k)
            whole = k == len(dues) - 1 and dues[k].principal + left >= total_paid(state.instalments[k])
            state = _taking(state, k, dues[k], left)
            if whole:  # nothing else can change
                last = replace(dues[k], principal=dues[k].principal + left, closing=dues[k].closing - left)
                remember(terms, state, (*dues[:-1], last))
                return state


def _taking(state: State, k: int, due: Due, left: Decimal) -> State:
    """Instalment ``k`` takes ``left`` more principal, never less than was paid of it."""
    each = state.instalments[k]
    principal = max(due.principal + left, each.sum_paid("principal"), each.extra)
    base = principal - each.extra + due.taken
    if each.level is None:
        changed = replace(each, planned=base)
    else:
        changed = replace(each, level=base + due.interest, gaps=())
    return replace(state, instalments=(*state.instalments[:k], changed, *state.instalments[k + 1 :]))
