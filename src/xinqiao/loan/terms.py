"""The terms of one loan (借款条件): everything its schedule, accrual, allocation and penalty depend on.

The defaults are what banks here usually agree: actual days over 360, half up, interest on the balance really
owed, and a penalty rate of one and a half times the loan's rate on what is overdue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any, Literal, get_args, get_origin, get_type_hints

from xinqiao.kernel.errors import fail
from xinqiao.loan.calendar import Unit, periods

__all__ = [
    "MODES",
    "WAYS",
    "Base",
    "Charged",
    "DayCount",
    "Grace",
    "LoanFee",
    "Penalty",
    "Prepayment",
    "Rounding",
    "Terms",
    "Unit",
    "Way",
    "from_json",
    "periods",
    "to_json",
]

Way = Literal[
    "equal_instalment",  # 等额本息
    "equal_principal",  # 等额本金
    "interest_only_then_bullet",  # 先息后本
    "bullet",  # 到期一次还本付息
    "flat",  # 等本等息: interest on the original sum
    "seasonal",  # 按季节还本: principal falls due in the months of ``season``
]
DayCount = Literal["ACT/360", "ACT/364", "ACT/365F", "ACT/ACT", "30/360", "month"]
Charged = Literal["penalty", "interest", "fee", "principal"]
Base = Literal["principal", "interest", "principal_plus_interest", "sum"]
MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "up": ROUND_UP}
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """How amounts are rounded. Units in CNY.

    ``interest_unit``, ``instalment_unit``: coarser units of their own (0: ``unit``); ``each_stretch``: every
    stretch of one balance is rounded, not their sum; ``digits``: precision of what is not yet rounded.
    """

    unit: Decimal = Decimal("0.01")
    mode: Literal["half_up", "half_even"] = "half_up"
    interest_unit: Decimal = Decimal(0)
    instalment_unit: Decimal = Decimal(0)
    instalment_mode: Literal["nearest", "up"] = "nearest"
    each_stretch: bool = False
    digits: int = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """Instalments at the start without something (宽限), counted in instalments.

    ``principal``: none falls due; ``interest``: none falls due, it comes with the first one after;
    ``free``: none accrues.
    """

    principal: int = 0
    interest: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanFee:
    """A fee of a loan (费用): a share of ``base``, or ``amount`` in CNY, or both.

    ``when``: at the drawing, with every instalment, or on ``on``. ``base`` ``sum`` is the drawn sum,
    the others are of the instalment (at the drawing: of the whole schedule).
    """

    name: str
    when: Literal["drawing", "instalment", "day"] = "instalment"
    base: Base = "sum"
    share: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepayment:
    """What more money than is due does (提前还款), and what it costs.

    ``next`` covers the next instalments, ``last`` the last ones; ``shorter`` lowers the balance and the last
    instalments, ``smaller`` all that follow, ``skip`` lowers the balance and counts for the principal parts
    next due. ``fee``: a share of the principal repaid early, until ``fee_until`` (None: always).
    ``interest_until``: a payoff owes interest to its ``day`` or to the end of the running ``period``.
    ``toward_running``: what lowers the balance counts for the principal part of the running instalment.
    """

    effect: Literal["next", "last", "shorter", "smaller", "skip"] = "next"
    toward_running: bool = False
    fee: Decimal = Decimal(0)
    fee_until: date | None = None
    interest_until: Literal["day", "period"] = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """What being late costs (罚息).

    ``daily``: ``factor`` times the loan's rate (or ``rate`` a year where given) for every day after
    ``grace_days``, on overdue principal, and with ``compound`` on overdue interest (复利). ``once``:
    ``share`` of ``base`` and ``amount``, once for each instalment that is late.
    """

    kind: Literal["none", "daily", "once"] = "daily"
    factor: Decimal = Decimal("1.5")
    rate: Decimal | None = None
    compound: bool = False
    grace_days: int = 0
    base: Base = "principal"
    share: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    days: DayCount = "ACT/360"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a loan. Amounts in CNY, rates as a ratio a year; ``periods`` are (first day, due day).

    ``recalculated``: interest follows the balance really owed, else the schedule. ``overdue_accrues``: how
    long overdue principal goes on bearing the loan's own rate: ``never`` (the penalty takes its place),
    to the ``day``, to the end of the running ``period``. ``level_from``: the level instalment is worked
    out from the rates of all periods or of the first. ``smoothing``: the last instalment's remainder is
    spread over the level ones. ``year_end``, ``leap``: variants of ACT/ACT. ``season``: months in which
    principal falls due. ``unit``, ``every``: how further periods are made.
    """

    principal: Decimal
    rate: Decimal
    periods: tuple[tuple[date, date], ...]
    way: Way = "equal_instalment"
    interest: Literal["reducing_balance", "flat"] = "reducing_balance"
    day_count: DayCount = "ACT/360"
    unit: Unit = "month"
    every: int = 1
    season: tuple[int, ...] = ()
    level: Decimal | None = None
    recalculated: bool = True
    overdue_accrues: Literal["never", "day", "period"] = "never"
    level_from: Literal["all", "first"] = "all"
    smoothing: bool = False
    year_end: Literal["dec_31", "jan_1"] = "dec_31"
    leap: Literal["calendar_year", "feb_29"] = "calendar_year"
    order: tuple[Charged, ...] = ("fee", "penalty", "interest", "principal")
    rounding: Rounding = field(default_factory=Rounding)
    grace: Grace = field(default_factory=Grace)
    fees: tuple[LoanFee, ...] = ()
    prepayment: Prepayment = field(default_factory=Prepayment)
    penalty: Penalty = field(default_factory=Penalty)

    def __post_init__(self) -> None:
        if self.principal <= 0 or self.rate < 0 or not self.periods:
            fail("LON-TERMS", "terms", detail="principal > 0, rate >= 0, periods")
        if any(start >= due for start, due in self.periods):
            fail("LON-TERMS", "terms", detail="period: start < due")
        if set(self.order) != set(get_args(Charged)):
            fail("LON-TERMS", "terms", detail="order: penalty, interest, fee, principal")

    @property
    def flat(self) -> bool:
        """Whether interest is a share of the original sum."""
        return self.interest == "flat" or self.way == "flat"


def to_json(terms: Terms) -> dict[str, Any]:
    """Terms as plain JSON values: days as ISO dates, numbers as text."""
    plain: dict[str, Any] = _plain(terms)
    return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field of any of the classes
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, date | Decimal) else value


def from_json(plain: Mapping[str, Any]) -> Terms:
    """The terms ``to_json`` wrote; what is left out has its default. Raises LON-TERMS."""
    try:
        terms: Terms = _made(Terms, plain)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        fail("LON-TERMS", "terms", detail=str(error))
    return terms


def _made(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - any field of any of the classes
    """A value of type ``kind`` from plain JSON."""
    if plain is None:
        return None
    if is_dataclass(kind):
        hints = _HINTS.setdefault(kind, get_type_hints(kind))
        return kind(**{name: _made(hints[name], value) for name, value in plain.items()})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if inner[-1] is Ellipsis:
            return tuple(_made(inner[0], each) for each in plain)
        return tuple(_made(part, each) for part, each in zip(inner, plain, strict=True))
    if get_origin(kind) is Literal:
        if plain not in get_args(kind):
            raise ValueError(plain)
        return plain
    inner = get_args(kind)  # X | None
    real = inner[0] if inner else kind
    return date.fromisoformat(plain) if real is date else real(plain)


_HINTS: dict[Any, dict[str, Any]] = {}
