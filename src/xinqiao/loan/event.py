"""What can happen to a loan (贷款事件): each a plain fact with its day; a loan is the fold of its events."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal

Part = Literal["principal", "interest", "fee", "penalty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disburse:
    """Money is drawn (放款)."""

    on: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Repay:
    """Money comes in (还款); the terms say what it covers first.

    ``early``: where more comes than is due: ``next`` (the next instalments), ``shorter`` (fewer instalments),
    ``smaller`` (lower ones), None as the terms say.
    """

    on: date
    amount: Decimal
    early: Literal["next", "shorter", "smaller"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """All is repaid at once (提前结清); ``amount`` None: what is owed that day, prepayment fee included."""

    on: date
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """A payment already assigned to one part of one instalment."""

    on: date
    part: Part
    n: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange:
    """A new rate (重定价), a ratio a year, from the day on."""

    on: date
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestFree:
    """No interest for the days from ``on`` to ``until``, both counted (免息期)."""

    on: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendTerm:
    """The principal open from the instalment due on ``from_due`` is spread over ``extra`` more (展期)."""

    on: date
    from_due: date
    extra: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Defer:
    """All dues from ``on`` move ``months`` later (延期还本付息).

    ``interest``: whether interest goes on accruing (``accrues``), or not (``free``); what accrues in the gap
    falls due with the first moved instalment and bears no interest of its own.
    """

    on: date
    months: int
    interest: Literal["accrues", "free"] = "accrues"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDue:
    """One due date moves to another day."""

    on: date
    due: date
    to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Waive:
    """Interest, penalty or a fee is let off (减免)."""

    on: date
    part: Literal["interest", "fee", "penalty"]
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A fee is charged (收费), due at once."""

    on: date
    amount: Decimal
    fee: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restructure:
    """New terms because the borrower can't pay as agreed (重组); starts its watch of a year."""

    on: date
    rate: Decimal
    count: int
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """The term ends and goes on without repayment (无还本续贷): not a restructuring."""

    on: date
    rate: Decimal
    count: int
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """What is open is written off (核销); it stays owed, and what comes in later is a recovery."""

    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfDay:
    """The day is over (日终): overdue principal has borne interest and penalty until it."""

    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse:
    """The event number ``seq`` (from 1) never counted (冲正); what came after is worked out without it."""

    on: date
    seq: int


Event = (
    Disburse
    | Repay
    | Payoff
    | Settle
    | RateChange
    | InterestFree
    | ExtendTerm
    | Defer
    | MoveDue
    | Waive
    | Charge
    | Restructure
    | Renew
    | WriteOff
    | EndOfDay
    | Reverse
)
KINDS: dict[str, type[Event]] = {
    "disburse": Disburse,
    "repay": Repay,
    "payoff": Payoff,
    "settle": Settle,
    "rate_change": RateChange,
    "interest_free": InterestFree,
    "extend_term": ExtendTerm,
    "defer": Defer,
    "move_due": MoveDue,
    "waive": Waive,
    "charge": Charge,
    "restructure": Restructure,
    "renew": Renew,
    "write_off": WriteOff,
    "end_of_day": EndOfDay,
    "reverse": Reverse,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(event: Event) -> str:
    """The name an event is stored by."""
    return _NAMES[type(event)]


def to_json(event: Event) -> dict[str, Any]:
    """An event as plain JSON values: days as ISO dates, amounts as text."""
    out: dict[str, Any] = {"kind": kind_of(event)}
    for each in fields(event):
        value = getattr(event, each.name)
        if value is not None:
            out[each.name] = value if isinstance(value, int) else str(value)
    return out


def from_json(plain: dict[str, Any]) -> Event:
    """The event ``to_json`` wrote. Raises KeyError, TypeError or ValueError for what it didn't write."""
    kind = KINDS[plain["kind"]]
    given: dict[str, Any] = {}
    for each in fields(kind):
        if each.name not in plain:
            continue
        value, kind_name = plain[each.name], str(each.type)
        if kind_name.startswith("date"):
            value = date.fromisoformat(value)
        elif kind_name.startswith("Decimal"):
            value = Decimal(value)
        given[each.name] = value
    return kind(**given)
