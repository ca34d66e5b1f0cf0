"""Worked loan cases in a neutral format (算例): their terms and events read into ours.

A key or a word that isn't known is a fault that is told, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.loan.calendar import Period, Unit, periods
from xinqiao.loan.terms import (
    Base,
    Charged,
    DayCount,
    Grace,
    LoanFee,
    Penalty,
    Prepayment,
    Rounding,
    Terms,
    Way,
)

PER_YEAR = {"year": 1, "quarter": 4, "month": 12, "week": 52, "day": 365}
DAY_COUNTS: dict[str, DayCount] = {
    "ACT/360": "ACT/360",
    "ACT/364": "ACT/364",
    "ACT/365F": "ACT/365F",
    "ACT/365": "ACT/365F",
    "ACT/ACT": "ACT/ACT",
    "30/360": "30/360",
}
PROGRESSIVE = "progressive"
WAYS: dict[str, Way] = {
    "equal_instalment": "equal_instalment",
    "fixed_instalment_amount": "equal_instalment",
    "equal_principal": "equal_principal",
    "interest_only_then_bullet": "interest_only_then_bullet",
    "bullet": "bullet",
    "single_bullet": "bullet",
    "flat": "flat",
}


@dataclass(slots=True)
class Given:
    """The terms of a case as given; ``faults`` are what could not be read. Remembers what was asked for."""

    case: str
    values: Mapping[str, Any]
    faults: list[UserError] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def get(self, *names: str) -> Any:  # noqa: ANN401 - plain JSON
        """The value of the first of ``names`` that is there."""
        self.asked.update(names)
        return next((self.values[name] for name in names if self.values.get(name) is not None), None)

    def number(self, *names: str, default: Decimal | None = None) -> Decimal:
        """A number; a fault where it isn't there and there is no default."""
        value = self.get(*names)
        if value is None and default is None:
            raise user_error("LON-CASE-ABSENT", self.case, key=names[0])
        return Decimal(str(value)) if value is not None else cast("Decimal", default)

    def inner(self, *names: str) -> Given:
        """An object inside, whose unknown keys are faults of this one."""
        return Given(self.case, self.get(*names) or {}, self.faults)

    def fault(self, key: str, value: object) -> None:
        """Note a word that isn't known."""
        self.faults.append(user_error("LON-CASE-WORD", self.case, key=key, value=value))

    def finish(self) -> None:
        """Note the keys nothing asked for."""
        for name in self.values:
            if name not in self.asked:
                self.faults.append(user_error("LON-CASE-KEY", self.case, key=name))


def words(value: object) -> str:
    """A phrase in small letters, parted by single spaces."""
    return " ".join(re.split(r"[\s_]+", str(value).lower()))


def terms_of(given: Given, *, family: str, events: Sequence[Mapping[str, Any]]) -> Terms:
    """The terms of a case whose loan has a schedule."""
    unit, every, made = _periods(given, events)
    progressive = family == PROGRESSIVE
    interest = words(given.get("interest") or "reducing_balance")
    if interest not in ("reducing balance", "declining balance", "flat"):
        given.fault("interest", interest)
    actual = given.get("interest_recalculated_on_actual_balance", "interest_follows_actual_balance")
    if not isinstance(actual, bool | None):
        given.fault("interest_recalculated_on_actual_balance", actual)
    recalculated = progressive if actual is None else bool(actual)
    level = given.get("instalment", "fixed_instalment")
    return Terms(
        principal=max(given.number("principal", default=_drawn(events)), _drawn(events) or Decimal(0)),
        rate=rate_of(given),
        periods=made,
        way=_way(given),
        interest="flat" if interest == "flat" else "reducing_balance",
        day_count=day_count_of(given),
        unit=unit,
        every=every,
        level=None if level is None else Decimal(str(level)),
        recalculated=recalculated,
        overdue_accrues=_overdue(given, "day" if recalculated and not progressive else "never"),
        level_from=_level_from(given, "all" if progressive else "first"),
        smoothing=progressive,
        year_end="jan_1" if _said(given, "year_end_split", ("jan", "new year"), ("dec",)) else "dec_31",
        leap="feb_29" if _said(given, "leap_basis", ("feb 29",), ("calendar",)) else "calendar_year",
        order=_order(given),
        rounding=rounding_of(given),
        grace=_grace(given),
        fees=_fees(given),
        prepayment=_prepayment(given, default="shorter" if recalculated and not progressive else "next"),
        penalty=_penalty(given),
    )


def _said(given: Given, key: str, these: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a phrase holds one of ``these`` words; a fault where it holds none of the ``others`` either."""
    value = given.get(key)
    phrase = words(value)
    if any(word in phrase for word in these):
        return True
    if value is not None and not any(word in phrase for word in others):
        given.fault(key, value)
    return False


def rate_of(given: Given) -> Decimal:
    """The rate a year, as a ratio."""
    per = words(given.get("rate_is_for") or "year")
    if per not in PER_YEAR:
        given.fault("rate_is_for", per)
        per = "year"
    rate = given.get("annual_rate_pct")
    if rate is not None and per == "year":
        return Decimal(str(rate)) / 100
    return given.number("rate_pct", "annual_rate_pct", default=Decimal(0)) * PER_YEAR[per] / 100


def day_count_of(given: Given) -> DayCount:
    """The day-count; a twelfth of a year a month where none is named."""
    name = given.get("day_count")
    if name is None or words(name).startswith("one "):
        return "month"
    if name not in DAY_COUNTS:
        given.fault("day_count", name)
    return DAY_COUNTS.get(name, "month")


def _drawn(events: Sequence[Mapping[str, Any]]) -> Decimal | None:
    sums = [Decimal(str(each["amount"])) for each in events if each.get("type") == "disburse"]
    return sum(sums, Decimal(0)) if sums else None


def _periods(given: Given, events: Sequence[Mapping[str, Any]]) -> tuple[Unit, int, tuple[Period, ...]]:
    period = given.inner("period")
    unit, every = words(period.get("unit") or "month"), int(period.get("every") or 1)
    if unit not in ("day", "week", "month", "year"):
        given.fault("period.unit", unit)
        unit = "month"
    count = int(period.get("count") or given.get("count", "instalments") or 1)
    period.finish()
    listed = given.get("periods")
    start = given.get("start") or next(
        (e["date"] for e in events if e.get("type") == "disburse"), "2024-01-01"
    )
    first = given.get("first_due", "first_due_date", "first_repayment_date")
    if listed:
        made = tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in listed)
    else:
        first_due = date.fromisoformat(first) if first else None
        made = periods(date.fromisoformat(start), count, every, cast("Unit", unit), first_due=first_due)
    return cast("Unit", unit), every, made


def moved_from(given: Given, terms: Terms, needs: Sequence[str]) -> Terms:
    """The terms before a due date was moved: the level instalment was worked out from even periods."""
    if "due_date_moved" not in needs or not given.get("periods"):
        return terms
    start = terms.periods[0][0]
    return replace(terms, periods=periods(start, len(terms.periods), terms.every, terms.unit))


def _way(given: Given) -> Way:
    name = given.get("repayment") or "equal_instalment"
    if name not in WAYS:
        given.fault("repayment", name)
    return WAYS.get(name, "equal_instalment")


def _overdue(given: Given, default: str) -> Literal["never", "day", "period"]:
    said = given.get("overdue_principal_accrues_until")
    said = default if said is None else words(said)
    if "not" in said or "never" in said or "none" in said:
        return "never"
    if "period" in said or "due" in said or "instalment" in said:
        return "period"
    if "day" not in said and "date" not in said:
        given.fault("overdue_principal_accrues_until", said)
    return "day"


def _level_from(given: Given, default: Literal["all", "first"]) -> Literal["all", "first"]:
    said = words(given.get("instalment_from") or "")
    if said and "first period" not in said:
        given.fault("instalment_from", said)
    return "first" if said else default


def _order(given: Given) -> tuple[Charged, ...]:
    names = {"penalties": "penalty", "fees": "fee", "principal": "principal", "interest": "interest"}
    said = [names.get(each, each) for each in given.get("within_instalment_order", "allocation_order") or ()]
    rest = [each for each in ("penalty", "fee", "interest", "principal") if each not in said]
    return cast("tuple[Charged, ...]", (*rest, *said))


def rounding_of(given: Given) -> Rounding:
    """How a case rounds."""
    said = given.inner("rounding")
    mode = words(said.get("mode") or "half_even").split(" or ", maxsplit=1)[0].replace(" ", "_")
    unit = Decimal(1).scaleb(-int(said.get("money_decimals") or 0))
    if said.get("money_decimals") is None:
        unit = Decimal("0.01")
    whole = said.get("all_amounts_multiple_of")
    unit = Decimal(str(whole)) if whole else unit
    whole_interest = _said(said, "interest_each_period", ("whole",), ("cent",))
    whole_level = _said(said, "instalment", ("whole",), ("cent",))
    level, multiple = words(said.get("instalment") or ""), said.get("instalment_multiple_of")
    said.get("compare")
    digits = int(said.get("working_precision_digits") or 28)
    said.finish()
    stretch = words(given.get("accrual_rounding") or "")
    if stretch and "each stretch" not in stretch:
        given.fault("accrual_rounding", stretch)
    if mode not in ("half_even", "half_up"):
        given.fault("rounding.mode", mode)
        mode = "half_even"
    return Rounding(
        unit=unit,
        mode=cast("Literal['half_up', 'half_even']", mode),
        interest_unit=Decimal(1) if whole_interest else Decimal(0),
        instalment_unit=Decimal(str(multiple)) if multiple else Decimal(1) if whole_level else Decimal(0),
        instalment_mode="up" if level.startswith("up") else "nearest",
        each_stretch=bool(stretch),
        digits=digits,
    )


def _grace(given: Given) -> Grace:
    return Grace(
        principal=int(given.get("principal_grace_periods", "principal_grace") or 0),
        interest=int(
            given.get("interest_payment_grace_periods", "interest_grace_periods", "interest_payment_grace")
            or 0
        ),
        free=int(
            given.get(
                "interest_free_periods", "interest_free_grace_periods", "interest_charged_grace_periods"
            )
            or 0
        ),
    )


BASES: dict[str, Base] = {
    "principal": "principal",
    "overdue principal": "principal",
    "interest": "interest",
    "overdue interest": "interest",
    "principal plus interest": "principal_plus_interest",
    "principal and interest": "principal_plus_interest",
    "instalment": "principal_plus_interest",
    "loan principal": "sum",
    "disbursed": "sum",
    "disbursed amount": "sum",
    "loan amount": "sum",
}


def _base(given: Given, default: Base) -> Base:
    said = given.get("pct_of")
    if said is not None and words(said) not in BASES:
        given.fault("pct_of", said)
    return BASES.get(words(said), default)


def _fees(given: Given) -> tuple[LoanFee, ...]:
    listed = given.get("fees") or []
    one = given.get("fee")
    out = []
    for said in [*listed, *([one] if one else [])]:
        each = Given(given.case, said, given.faults)
        kind, on = words(each.get("kind") or "instalment"), each.get("date", "due", "on")
        when: Literal["drawing", "instalment", "day"] = "instalment"
        if "disburse" in kind or "drawing" in kind:
            when = "drawing"
        elif on is not None:
            when = "day"
        elif "instal" not in kind:
            given.fault("fee.kind", kind)
        out.append(
            LoanFee(
                name=str(each.get("name") or kind),
                when=when,
                base=_base(each, "principal" if when == "instalment" else "sum"),
                share=each.number("pct", default=Decimal(0)) / 100,
                amount=each.number("amount", "flat", "flat_amount", default=Decimal(0)),
                on=date.fromisoformat(on) if on else None,
            )
        )
        each.finish()
    return tuple(out)


def _penalty(given: Given) -> Penalty:
    several = given.get("penalties")
    said = Given(given.case, several[0], given.faults) if several else given.inner("penalty")
    if several and len(several) > 1:
        given.fault("penalties", len(several))
    if not said.values:
        return Penalty(kind="none")
    kind = words(said.get("kind") or "")
    daily = said.get("annual_rate_pct", "penalty_annual_rate_pct")
    if daily is None and "once" not in kind:
        given.fault("penalty.kind", kind)
    days = str(said.get("day_count") or "ACT/365F")
    if days not in DAY_COUNTS:
        said.fault("penalty.day_count", days)
    out = Penalty(
        kind="once" if daily is None else "daily",
        rate=None if daily is None else Decimal(str(daily)) / 100,
        grace_days=int(said.get("grace_days") or 0),
        base=_base(said, "principal"),
        share=said.number("pct", default=Decimal(0)) / 100,
        amount=said.number("amount", "flat", "flat_amount", default=Decimal(0)),
        days=DAY_COUNTS.get(days, "ACT/365F"),
    )
    said.finish()
    return out


def _prepayment(given: Given, *, default: str) -> Prepayment:
    surplus = words(given.get("surplus_goes_to") or "")
    effect = words(given.get("prepayment_effect") or "")
    found = default
    if surplus:
        found = "last" if "last" in surplus else "next"
        if "last" not in surplus and "next" not in surplus:
            given.fault("surplus_goes_to", surplus)
    if effect:
        found = _effect(given, effect)
    to_period = _said(given, "payoff_interest_until", ("period", "due", "instalment"), ("day", "date"))
    return Prepayment(
        effect=cast("Any", found),
        toward_running=default == "shorter",
        interest_until="period" if to_period else "day",
    )


def _effect(given: Given, said: str) -> str:
    if "next" in said or "cover" in said:
        return "skip"
    if any(word in said for word in ("number", "fewer", "short", "term", "last")):
        return "shorter"
    if any(word in said for word in ("small", "lower", "instalment", "level")):
        return "smaller"
    given.fault("prepayment_effect", said)
    return "shorter"
