"""Worked loan cases in a neutral format (算例): their terms and events read into ours.

A key or a word that isn't known is a fault that is told, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal, cast, get_args

from xinqiao.kernel.errors import user_error
from xinqiao.loan.calendar import Period, Unit, periods
from xinqiao.loan.case_charges import fees_of, penalty_of
from xinqiao.loan.case_given import (
    ANY_DAY,
    CENT_PLACES,
    DAY_COUNTS,
    FINEST,
    LONGEST,
    PRECISEST,
    Given,
    number_of,
    words,
)
from xinqiao.loan.terms import (
    Charged,
    DayCount,
    Grace,
    Prepayment,
    Rounding,
    Terms,
    Way,
)

PER_YEAR = {"year": 1, "quarter": 4, "month": 12, "week": 52, "day": 365}
PROGRESSIVE = "progressive"
INTERESTS = ("reducing balance", "declining balance", "flat")
WAYS: dict[str, Way] = {
    "equal_instalment": "equal_instalment",
    "fixed_instalment_amount": "equal_instalment",
    "equal_principal": "equal_principal",
    "interest_only_then_bullet": "interest_only_then_bullet",
    "bullet": "bullet",
    "single_bullet": "bullet",
    "flat": "flat",
}


def terms_of(given: Given, *, family: str, events: Sequence[Mapping[str, Any]]) -> Terms:
    """The terms of a case whose loan has a schedule."""
    unit, every, made = _periods(given, events)
    progressive = family == PROGRESSIVE
    interest = words(given.word("interest", default="reducing_balance"))
    if interest not in INTERESTS:
        given.fault("interest", interest)
    actual = given.get("interest_recalculated_on_actual_balance", "interest_follows_actual_balance")
    if not isinstance(actual, bool | None):
        given.fault("interest_recalculated_on_actual_balance", actual)
    recalculated = progressive if actual is None else bool(actual)
    fixed = given.get("instalment", "fixed_instalment") is not None
    return Terms(
        principal=max(given.number("principal", default=_drawn(events)), _drawn(events) or Decimal(0)),
        rate=rate_of(given),
        periods=made,
        way=_way(given),
        interest="flat" if interest == "flat" else "reducing_balance",
        day_count=day_count_of(given),
        unit=unit,
        every=every,
        level=given.number("instalment", "fixed_instalment") if fixed else None,
        recalculated=recalculated,
        overdue_accrues=_overdue(given, "day" if recalculated and not progressive else "never"),
        level_from=_level_from(given, "all" if progressive else "first"),
        smoothing=progressive,
        year_end="jan_1" if _said(given, "year_end_split", ("jan", "new year"), ("dec",)) else "dec_31",
        leap="feb_29" if _said(given, "leap_basis", ("feb 29",), ("calendar",)) else "calendar_year",
        order=_order(given),
        rounding=rounding_of(given),
        grace=_grace(given),
        fees=fees_of(given),
        prepayment=_prepayment(given, default="shorter" if recalculated and not progressive else "next"),
        penalty=penalty_of(given),
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
    per = words(given.word("rate_is_for", default="year"))
    if per not in PER_YEAR:
        given.fault("rate_is_for", per)
        per = "year"
    if per == "year" and given.get("annual_rate_pct") is not None:
        return given.number("annual_rate_pct") / 100
    return given.number("rate_pct", "annual_rate_pct", default=Decimal(0)) * PER_YEAR[per] / 100


def day_count_of(given: Given) -> DayCount:
    """The day-count; a twelfth of a year a month where none is named."""
    name = given.word("day_count", default="one twelfth")
    if words(name).startswith("one "):
        return "month"
    if name not in DAY_COUNTS:
        given.fault("day_count", name)
    return DAY_COUNTS.get(name, "month")


def _drawn(events: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """The sum drawn; an amount that can't be read is told when its event comes."""
    sums = [number_of(each.get("amount")) or Decimal(0) for each in events if each.get("type") == "disburse"]
    return sum(sums, Decimal(0)) if sums else None


def _periods(given: Given, events: Sequence[Mapping[str, Any]]) -> tuple[Unit, int, tuple[Period, ...]]:
    period = given.inner("period")
    unit, every = unit_of(period)
    count = given.whole("count", "instalments", default=1, least=1, most=LONGEST)
    count = period.whole("count", default=count, least=1, most=LONGEST)
    period.finish()
    drawn = Given(given.case, next((each for each in events if each.get("type") == "disburse"), {}))
    start = given.day("start") or drawn.day("date") or ANY_DAY
    first = given.day("first_due", "first_due_date", "first_repayment_date")
    made = _listed(given) or periods(start, count, every, unit, first_due=first)
    return unit, every, made


def unit_of(period: Given) -> tuple[Unit, int]:
    """The unit of a case's periods, and how many of it each has."""
    unit = words(period.word("unit", default="month"))
    if unit not in get_args(Unit):
        period.fault("period.unit", unit)
        unit = "month"
    return cast("Unit", unit), period.whole("every", default=1, least=1, most=LONGEST)


def _listed(given: Given) -> tuple[Period, ...]:
    """Periods given day by day: one after the other, without gaps."""
    made = []
    for each in given.rows("periods"):
        if not isinstance(each, list) or len(each) != len(("first day", "due")):
            raise user_error("LON-CASE-WORD", given.case, key="periods", value=each)
        days = Given(given.case, {"periods": each[0], "due": each[1]})
        made.append((days.must_day("periods"), days.must_day("due")))
    for (_, due), (start, _) in pairwise(made):
        if start != due:
            raise user_error("LON-CASE-WORD", given.case, key="periods", value=start)
    return tuple(made)


def moved_from(given: Given, terms: Terms, needs: Sequence[str]) -> Terms:
    """The terms before a due date was moved: the level instalment was worked out from even periods."""
    if "due_date_moved" not in needs or not given.get("periods"):
        return terms
    start = terms.periods[0][0]
    return replace(terms, periods=periods(start, len(terms.periods), terms.every, terms.unit))


def _way(given: Given) -> Way:
    name = given.word("repayment", default="equal_instalment")
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
    said = words(given.word("instalment_from", default=""))
    if said and "first period" not in said:
        given.fault("instalment_from", said)
    return "first" if said else default


def _order(given: Given) -> tuple[Charged, ...]:
    names = {"penalties": "penalty", "fees": "fee", "principal": "principal", "interest": "interest"}
    said = [names.get(str(each), each) for each in given.rows("within_instalment_order", "allocation_order")]
    rest = [each for each in ("penalty", "fee", "interest", "principal") if each not in said]
    return cast("tuple[Charged, ...]", (*rest, *said))


def places_of(given: Given) -> int:
    """Decimals of a case's amounts."""
    return given.inner("rounding").whole("money_decimals", default=CENT_PLACES, most=FINEST)


def rounding_of(given: Given) -> Rounding:
    """How a case rounds."""
    said = given.inner("rounding")
    mode = words(said.word("mode", default="half_even")).split(" or ", maxsplit=1)[0].replace(" ", "_")
    unit = Decimal(1).scaleb(-said.whole("money_decimals", default=CENT_PLACES, most=FINEST))
    unit = said.above("all_amounts_multiple_of") or unit
    whole_interest = _said(said, "interest_each_period", ("whole",), ("cent",))
    whole_level = _said(said, "instalment", ("whole",), ("cent",))
    level, multiple = words(said.word("instalment", default="")), said.above("instalment_multiple_of")
    said.get("compare")
    digits = said.whole("working_precision_digits", default=28, least=1, most=PRECISEST)
    said.finish()
    stretch = words(given.word("accrual_rounding", default=""))
    if stretch and "each stretch" not in stretch:
        given.fault("accrual_rounding", stretch)
    if mode not in ("half_even", "half_up"):
        given.fault("rounding.mode", mode)
        mode = "half_even"
    return Rounding(
        unit=unit,
        mode=cast("Literal['half_up', 'half_even']", mode),
        interest_unit=Decimal(1) if whole_interest else Decimal(0),
        instalment_unit=multiple or Decimal(1 if whole_level else 0),
        instalment_mode="up" if level.startswith("up") else "nearest",
        each_stretch=bool(stretch),
        digits=digits,
    )


def _grace(given: Given) -> Grace:
    return Grace(
        principal=given.whole("principal_grace_periods", "principal_grace", default=0),
        interest=given.whole(
            "interest_payment_grace_periods", "interest_grace_periods", "interest_payment_grace", default=0
        ),
        free=given.whole(
            "interest_free_periods",
            "interest_free_grace_periods",
            "interest_charged_grace_periods",
            default=0,
        ),
    )


def _prepayment(given: Given, *, default: str) -> Prepayment:
    surplus = words(given.word("surplus_goes_to", default=""))
    effect = words(given.word("prepayment_effect", default=""))
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
