"""Single figures of loan arithmetic (单项试算): quotes, accrual, late interest, cover, ageing, due dates.

Each reads the terms of a case in the neutral format and gives every figure it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from xinqiao.kernel.errors import user_error
from xinqiao.loan.calendar import actual_ratio, add_months, month_end, periods
from xinqiao.loan.case_format import INTERESTS, PER_YEAR, WAYS, day_count_of, rate_of, rounding_of, unit_of
from xinqiao.loan.case_given import ANY_DAY, CENT_PLACES, LONGEST, Given, words
from xinqiao.loan.event import Disburse
from xinqiao.loan.loan import Loan
from xinqiao.loan.schedule import rounded
from xinqiao.loan.terms import Rounding, Terms

Figures = dict[str, Any]
CENT = Decimal("0.01")
YEARS = {"ACT/360": 360, "ACT/364": 364, "ACT/365F": 365, "ACT/365": 365}


def accrual(given: Given) -> Figures:
    """Interest accrued between two days."""
    start, end = given.must_day("from", "start"), given.must_day("to", "end")
    both = given.get("both_days_count")
    if not isinstance(both, bool | None):
        given.fault("both_days_count", both)
    end += timedelta(days=1 if both else 0)
    days = (end - start).days
    if given.get("day_count") == "ACT/ACT":
        part, whole = actual_ratio(start, end, split_day="dec_31")
    else:
        part, whole = days, _year(given)
    amount = given.number("principal", "outstanding") * rate_of(given) * part / whole
    return {"days": days, **_amounts("accrued_interest", amount)}


def late(given: Given) -> Figures:
    """Penalty for being late: on the overdue amount, for the days after grace."""
    after_grace = given.whole("days_late", default=0) - given.whole("grace_days", default=0)
    days = given.whole("chargeable_days", default=max(after_grace, 0))
    basis = _year(given)
    rate = given.number("penalty_annual_rate_pct", "annual_rate_pct") / 100
    amount = given.number("overdue_amount", "overdue_principal", "principal") * rate * days / basis
    return {"chargeable_days": days, **_amounts("penalty", amount)}


def _year(given: Given) -> int:
    """Days of a year; 365 where no day-count is named."""
    name = given.word("day_count", default="ACT/365F")
    if name not in YEARS:
        given.fault("day_count", name)
    return YEARS.get(name, 365)


def _amounts(name: str, amount: Decimal) -> Figures:
    whole, cents = amount.quantize(Decimal(1), ROUND_HALF_UP), amount.quantize(CENT, ROUND_HALF_UP)
    return {f"{name}_rounded": str(whole), f"{name}_2dp": str(cents), name: str(cents)}


def collateral(given: Given, key: str) -> str | None:
    """Value of what is pledged, what it covers after the haircut (折扣), and what is missing."""
    units, share = (
        given.number("units", "quantity"),
        1 - given.number("haircut_pct", default=Decimal(0)) / 100,
    )
    then = key.endswith("then")
    price = given.number("price_then" if then else "price_now", "price", default=Decimal(0))
    for other in (
        "price_now",
        "price_then",
    ):  # one that isn't needed here is a number too
        given.number(other, default=Decimal(0))
    owed = given.number("loan_outstanding", "outstanding", "loan_amount", default=Decimal(0))
    back = re.search(r"_to_(\d+(?:\.\d+)?)$", key)
    value = units * (Decimal(back[1]) if back else price)
    figures = {
        "collateral_value": value,
        "cover": value * share,
        "shortfall": max(owed - value * share, Decimal(0)),
        "max_loan": value * share,
        "surplus": max(value * share - owed, Decimal(0)),
    }
    found = next((amount for name, amount in figures.items() if key.startswith(name)), None)
    return None if found is None else _plain(found)


def ageing(given: Given, as_of: str | None) -> Figures:
    """Days past due and the class they fall into."""
    since, on = (
        given.day("earliest_unpaid_due", "unpaid_since"),
        Given(given.case, {"as_of": as_of}).day("as_of"),
    )
    ranges = [_range(given, each) for each in given.rows("ranges")]
    late_by = max((on - since).days, 0) if since and on else 0
    days = given.whole("days_past_due", default=late_by)
    name = next((name for name, low, high in ranges if low <= days <= high), None)
    out: Figures = {"as_of": as_of, "days_past_due": days, "class": name}
    if given.get("npa_from_dpd") is not None:
        npa = days >= given.whole("npa_from_dpd")
        out |= {"npa": npa, "is_npa": npa}
    return out


def _range(given: Given, each: object) -> tuple[str, int, int]:
    """The name of a class and the days past due it holds, first and last."""
    if not isinstance(each, list) or len(each) != len(("name", "first", "last")):
        raise user_error("LON-CASE-WORD", given.case, key="ranges", value=each)
    days = Given(given.case, {"ranges": each[1], "last": each[2]})
    return str(each[0]), days.whole("ranges"), days.whole("last")


def quote(given: Given) -> Figures:
    """Instalment, count and totals of a loan that isn't drawn yet."""
    from xinqiao.loan.case_format import terms_of  # noqa: PLC0415 - only this figure needs a schedule
    from xinqiao.loan.engine import apply, begin  # noqa: PLC0415

    fixed = given.values.get("repayment") == "fixed_instalment_amount"
    if fixed:
        return _fixed(given)
    start = str(given.day("start") or ANY_DAY)
    amount = str(given.number("principal"))
    terms = terms_of(given, family="quote", events=[{"type": "disburse", "date": start, "amount": amount}])
    loan = apply(begin(terms), Disburse(on=terms.periods[0][0], amount=terms.principal))
    return _totals(given, loan, terms)


def _totals(given: Given, loan: Loan, terms: Terms) -> Figures:
    interest = sum((due.interest for due in loan.dues), Decimal(0))
    told = [given, *([] if terms.rounding.instalment_unit < 1 else [None])]
    show = _shown(given) if told[-1] is given else lambda amount: _plain(amount.quantize(Decimal(1)))
    return {
        "instalment": show(loan.dues[0].instalment),
        "last_instalment": show(loan.dues[-1].instalment),
        "count": len(loan.dues),
        "total_interest": show(interest),
        "total_principal": show(terms.principal),
        "total_paid": show(terms.principal + interest),
    }


def _fixed(given: Given) -> Figures:
    """How many instalments of a fixed amount repay the loan; interest counts periods of equal length."""
    period = given.inner("period")
    unit, every = unit_of(period)
    period.get("count")
    period.finish()
    _unused(given)
    level, left = given.number("instalment"), given.number("principal")
    rate, rule = rate_of(given) * every / PER_YEAR[unit], rounding_of(given)
    count, interest = 0, Decimal(0)
    if left <= 0:
        raise user_error("LON-TERMS", given.case, detail="principal > 0")
    while left > 0:
        part = _interest_part(left * rate, rule)
        if part >= level or count >= LONGEST:
            raise user_error("LON-TERMS", given.case, detail="instalment <= interest")
        count, interest = count + 1, interest + part
        last = min(level, left + part)
        left = left + part - last
    show = _shown(given)
    return {
        "instalment": show(level),
        "last_instalment": show(last),
        "count": count,
        "total_interest": show(interest),
        "total_paid": show(given.number("principal") + interest),
    }


def _interest_part(amount: Decimal, rule: Rounding) -> Decimal:
    return rounded(amount, rule.interest_unit or rule.unit)


def _shown(given: Given) -> Callable[[Decimal], str]:
    """How a case writes its amounts: whole units where it says that it compares those."""
    whole = "whole" in words((given.get("rounding") or {}).get("compare") or "")
    unit = Decimal(1) if whole else CENT
    return lambda amount: _plain(amount.quantize(unit, ROUND_HALF_UP))


def _plain(amount: Decimal) -> str:
    """Whole amounts without decimals, unless they were worked out to the cent."""
    whole = amount.to_integral_value()
    return str(whole) if amount == whole and -int(amount.as_tuple().exponent) != CENT_PLACES else str(amount)


def _unused(given: Given) -> None:
    """Terms that the figure doesn't depend on are read too: what they say must be known."""
    given.number("principal", default=Decimal(0)), rate_of(given), day_count_of(given)
    way, interest = (words(given.word(name, default="flat")) for name in ("repayment", "interest"))
    if way.replace(" ", "_") not in WAYS:
        given.fault("repayment", way)
    if interest not in INTERESTS:
        given.fault("interest", interest)


def due_dates(given: Given) -> Figures:
    """Due dates by a rule in words, from a date that was asked for."""
    period = given.inner("period")
    unit, every = unit_of(period)
    count = period.whole("count", default=1, least=1, most=LONGEST)
    period.finish()
    _unused(given)
    asked = given.day("requested_first_date", "first_date")
    drawn = given.day("start", "disbursed_on", "posting_date", "date")
    base = asked or drawn or given.must_day("requested_first_date")
    first, anchor = _first_due(given, base, asked is not None)
    made = periods(date.min, count, every, unit, first_due=first, anchor=anchor)
    dues = [due.isoformat() for _, due in made]
    return {
        "first_due": dues[0],
        "second_due": dues[1] if count > 1 else None,
        "last_due": dues[-1],
        "due_dates": dues,
        "count": count,
    }


def _first_due(given: Given, base: date, asked: bool) -> tuple[date, int]:  # noqa: FBT001 - both are facts
    rule = words(given.word("rule", default="same day"))
    day = None if given.get("day_of_month", "due_day") is None else given.whole("day_of_month", "due_day")
    following = add_months(base, 1)
    match = re.search(r"day (\d{1,2})\b|\b(\d{1,2})(?:st|nd|rd|th)\b", rule)
    if day is not None or match:
        number = day or int((match and (match[1] or match[2])) or 1)
        this = add_months(date(base.year, base.month, 1), 0, number)
        return (this if this >= base else add_months(this, 1, number)), number
    if "end" in rule or "last day" in rule:
        month = following if "next month" in rule or "following" in rule else base
        return add_months(month, 0, 31), 31
    if "start" in rule or "first of" in rule or "first day" in rule or "beginning" in rule:
        return (base if base.day == 1 and asked else following.replace(day=1)), 1
    if "same" not in rule:
        given.fault("rule", rule)
    if asked:
        return base, base.day
    return following, 31 if month_end(base) and "month end" in rule else base.day


COVER = ("collateral_value_now", "cover_now", "shortfall_now", "max_loan_now", "surplus_now")
"""Figures of a pledge where a case names none."""


def figures(given: Given, expect: Mapping[str, Any]) -> Figures:
    """Every figure the keys of ``expect`` ask for; of its values only the day ``as_of`` is read."""
    asked = given.values
    if "haircut_pct" in asked or "units" in asked:
        return {key: collateral(given, key) for key in expect or COVER}
    if "earliest_unpaid_due" in asked or "ranges" in asked:
        return ageing(given, expect.get("as_of") or given.get("as_of"))
    if "overdue_amount" in asked or "penalty_annual_rate_pct" in asked:
        return late(given)
    if "from" in asked and "to" in asked:
        return accrual(given)
    if "rule" in asked or "requested_first_date" in asked:
        return due_dates(given)
    return quote(given)
