"""Events of worked loan cases in a neutral format (算例事项) read into ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, cast

from xinqiao.kernel.errors import user_error
from xinqiao.loan.case_given import LONGEST, Given
from xinqiao.loan.event import (
    Charge,
    Defer,
    Disburse,
    EndOfDay,
    Event,
    ExtendTerm,
    InterestFree,
    MoveDue,
    Part,
    Payoff,
    RateChange,
    Repay,
    Settle,
    Waive,
    WriteOff,
)

PARTS: dict[str, Part] = {
    "principal": "principal",
    "interest": "interest",
    "fee": "fee",
    "fees": "fee",
    "penalty": "penalty",
    "penalties": "penalty",
}


def event_of(case: str, plain: Mapping[str, Any], dues: Sequence[date]) -> Event:
    """One event of a case; ``dues``: the due days as they are then. Raises LON-CASE-*."""
    given = Given(case, plain)
    kind = str(given.get("type"))
    event = _event(given, kind, given.must_day("date", "first_day_at_new_rate", "first_day", "on"), dues)
    given.get("expect_split", "note")
    given.finish()
    if given.faults:
        raise given.faults[0]
    return event


def _event(given: Given, kind: str, on: date, dues: Sequence[date]) -> Event:
    verb, _, part = kind.partition("_")
    if verb == "settle" and part in PARTS:
        due = given.must_day("instalment_due", "due")
        n = dues.index(due) + 1 if due in dues else 0
        return Settle(on=on, part=PARTS[part], n=n, amount=_amount(given))
    if verb == "waive" and part in PARTS:
        return Waive(on=on, part=cast("Any", PARTS[part]), amount=_amount(given))
    if kind not in _READ:
        raise user_error("LON-CASE-EVENT", given.case, kind=kind)
    return _READ[kind](given, on)


def _amount(given: Given) -> Decimal:
    return given.number("amount")


def _payoff(given: Given, on: date) -> Event:
    return Payoff(on=on, amount=None if given.get("amount") is None else _amount(given))


def _rate(given: Given, on: date) -> Event:
    since = given.day("first_day_at_new_rate", "from", "effective")
    rate = given.number("annual_rate_pct", "new_annual_rate_pct") / 100
    return RateChange(on=since or on, rate=rate)


def _free(given: Given, on: date) -> Event:
    given.get("first_day")
    return InterestFree(on=on, until=given.must_day("last_day", "until"))


def _extend(given: Given, on: date) -> Event:
    extra = given.whole("extra_instalments", "extra", most=LONGEST)
    return ExtendTerm(on=on, from_due=given.must_day("from_due"), extra=extra)


def _move(given: Given, on: date) -> Event:
    to = given.must_day("to", "to_due", "new_due", "new_due_date")
    return MoveDue(on=on, due=given.must_day("due", "from_due", "old_due", "instalment_due"), to=to)


def _charge(given: Given, on: date) -> Event:
    return Charge(on=on, amount=_amount(given), fee=str(given.get("name", "fee") or "fee"))


_READ: dict[str, Callable[[Given, date], Event]] = {
    "disburse": lambda given, on: Disburse(on=on, amount=_amount(given)),
    "repay": lambda given, on: Repay(on=on, amount=_amount(given)),
    "payoff": _payoff,
    "end_of_day": lambda _given, on: EndOfDay(on=on),
    "write_off": lambda _given, on: WriteOff(on=on),
    "charge_off": lambda _given, on: WriteOff(on=on),
    "charge": _charge,
    "charge_fee": _charge,
    "add_fee": _charge,
    "rate_change": _rate,
    "interest_free_window": _free,
    "interest_pause": _free,
    "extend_term": _extend,
    "move_due": _move,
    "move_due_date": _move,
    "due_date_moved": _move,
    "change_due_date": _move,
    "defer": lambda given, on: Defer(on=on, months=given.whole("months")),
}
