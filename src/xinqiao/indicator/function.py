"""The functions an indicator expression may call, each with its meaning on an Ibis table.

Dates are calendar days. ``month(d)`` is the month index of `kernel.period.month_index`
(months since year 0), so differences of months are plain subtraction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis

from xinqiao.enterprise.uscc import ALPHABET, USCC_LENGTH
from xinqiao.indicator.model import COMPANY
from xinqiao.kernel.period import (
    add_months,
    last_complete_month_end,
    month_end,
    month_index,
    window_months,
)

# Ibis builds its value classes at run time; to a type checker they are Any.
Value = Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments, which are plain constants, and what it builds.

    ``build(as_of, *args)`` gets Ibis values, and plain numbers from argument ``constants_from`` on.
    ``zero`` marks aggregates that are 0 over no rows at all (sums and counts).
    """

    usage: str
    least: int
    most: int
    build: Callable[..., Value]
    constants_from: int = 99
    aggregate: bool = False
    zero: bool = False


def _month(_: date, day: Value) -> Value:
    return day.year().cast("int64") * 12 + day.month().cast("int64") - 1


def _days_to_month_end(_: date, day: Value) -> Value:
    year = day.year()
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    february = ibis.ifelse(leap, 29, 28)
    length = ibis.cases(
        (day.month() == 2, february),  # noqa: PLR2004 - the number of February
        (day.month().isin([4, 6, 9, 11]), 30),
        else_=31,
    )
    return length.cast("int64") - day.day().cast("int64")


def _months_between(as_of: date, later: Value, earlier: Value) -> Value:
    """Whole months passed: the largest n with add_months(earlier, n) <= later."""
    short = (later.day() < earlier.day()) & (_days_to_month_end(as_of, later) > 0)
    return _month(as_of, later) - _month(as_of, earlier) - ibis.ifelse(short, 1, 0).cast("int64")


def _days_between(_: date, later: Value, earlier: Value) -> Value:
    return later.epoch_days().cast("int64") - earlier.epoch_days().cast("int64")


def _in_months(as_of: date, when: Value, months: int, skip: int = 0) -> Value:
    """Natural complete months: ``months`` of them, before the ``skip`` latest (kernel.period)."""
    last_month = last_complete_month_end(as_of).replace(day=1)
    first, last = window_months(month_end(add_months(last_month, -skip)), months)
    if when.type().is_date():
        return when.between(ibis.literal(first), ibis.literal(last))
    return when.between(month_index(first), month_index(last))


def _complete_months_since(as_of: date, month: Value) -> Value:
    """How many complete months there are from the month index ``month`` on, that month included."""
    return month_index(last_complete_month_end(as_of)) - month + 1


def _rank_in_company(_: date, value: Value) -> Value:
    """1 for the largest value of a company; tied values share the better rank."""
    order = ibis.desc(value, nulls_first=False)
    return ibis.rank().over(ibis.window(group_by=COMPANY, order_by=order)) + 1


def _past_months(as_of: date, day: Value, months: int) -> Value:
    """The rolling window (T - months, T], as registers and lists count it."""
    return (day > ibis.literal(add_months(as_of, -months))) & (day <= ibis.literal(as_of))


def _previous(_: date, value: Value, month: Value) -> Value:
    """The company's ``value`` one month before; missing where the row of that month is."""
    rows = ibis.window(group_by=COMPANY, order_by=month)
    return ibis.ifelse(month.lag().over(rows) == month - 1, value.lag().over(rows), ibis.null(value.type()))


def _run(_: date, month: Value) -> Value:
    """A number that is the same for the months of one unbroken run of a company."""
    return month - ibis.dense_rank().over(ibis.window(group_by=COMPANY, order_by=month))


def _sum_ahead(_: date, value: Value, key: Value, day: Value, days: int) -> Value:
    """Sum of ``value`` over the company's rows with the same ``key`` from ``day`` to ``days`` later."""
    rows = ibis.range_window(group_by=[COMPANY, key], order_by=day, preceding=0, following=days)
    return value.sum().over(rows)


def _near(_: date, values: Value, value: Value, percent: int) -> Value:
    """Whether one of the list ``values`` differs from ``value`` by at most ``percent`` % of the larger."""
    close = values.filter(lambda each: (each - value).abs() * 100 <= ibis.greatest(each, value) * percent)
    return ibis.coalesce(close.length() > 0, ibis.literal(value=False))


def _city(_: date, address: Value) -> Value:
    """The city of an address, without the province before it: 江苏省南京市鼓楼区 gives 南京市."""
    return address.re_extract("([^省区]+?市)", 1).nullif("")


def _uscc_check_fits(_: date, code: Value) -> Value:
    """Whether character 18 of a unified social credit code is the one its first 17 ask for (GB 32100)."""
    alphabet = ibis.literal(ALPHABET)
    values = [alphabet.find(code.substr(place, 1)).cast("int64") for place in range(USCC_LENGTH)]
    weighted = [value * (3**place % 31) for place, value in enumerate(values)]
    whole = sum((ibis.ifelse(value < 0, 1, 0) for value in values[1:]), ibis.ifelse(values[0] < 0, 1, 0)) == 0
    # weights are 3^(i-1) mod 31, and that of the check character is 1: the whole sum is a multiple of 31
    total = sum(weighted[1:-1], weighted[0]) + values[-1]
    return ibis.ifelse(code.length() == USCC_LENGTH, whole & (total % 31 == 0), ibis.literal(value=False))


SPRING_FESTIVALS = {
    2015: 2,
    2016: 2,
    2017: 1,
    2018: 2,
    2019: 2,
    2020: 1,
    2021: 2,
    2022: 2,
    2023: 1,
    2024: 2,
    2025: 1,
    2026: 2,
    2027: 2,
    2028: 1,
    2029: 2,
    2030: 2,
}
"""Year -> month of the first day of the Chinese calendar's year (GB/T 33661-2017 gives the rule)."""


def _spring_festival(_: date, month: Value) -> Value:
    return month.isin([year * 12 + number - 1 for year, number in SPRING_FESTIVALS.items()])


def _month_of_year(_: date, day: Value) -> Value:
    return day.month().cast("int64")


def _weekday(_: date, day: Value) -> Value:
    """1 for Monday to 7 for Sunday; day 0 of the epoch was a Thursday."""
    return (day.epoch_days().cast("int64") + 3) % 7 + 1


def _industry_division(_: date, code: Value) -> Value:
    """The two digits of the division in ``F5164``, ``5164`` or ``51``; anything else is missing."""
    digits = code.upper().translate("ABCDEFGHIJKLMNOPQRST", "")
    return ibis.ifelse(digits.length() >= 2, digits.substr(0, 2), ibis.null("string"))  # noqa: PLR2004 - of two digits


def _ln(_: date, value: Value) -> Value:
    number = value.cast("float64")
    return ibis.ifelse(number > 0, number, ibis.null("float64")).ln()


def _when(_: date, test: Value, value: Value) -> Value:
    return ibis.ifelse(test, value, ibis.null(value.type()))


_BEYOND = 1e300
"""Stands for a missing value while values are sorted; no amount reaches it."""


def _known_of(values: tuple[Value, ...]) -> Value:
    """How many of ``values`` are not missing."""
    ones = [ibis.ifelse(value.isnull(), 0, 1).cast("int64") for value in values]
    return sum(ones[1:], ones[0])


def _middle(_: date, *values: Value) -> Value:
    """The lower median of those not missing: of two the lesser, so that it is always one of them."""
    in_order = ibis.array([value.cast("float64").fill_null(_BEYOND) for value in values]).sort()
    known = _known_of(values)
    place = ibis.cases(*((known > 2 * n, n) for n in (2, 1)), else_=0).cast("int64")
    return ibis.ifelse(known > 0, in_order[place], ibis.null("float64"))


def _middle_place(as_of: date, *values: Value) -> Value:
    """Which argument `middle` is: 1 for the first; the first of those equal to it."""
    middle = _middle(as_of, *values)
    tests = [(value.cast("float64") == middle, place) for place, value in enumerate(values, 1)]
    return ibis.cases(*tests, else_=ibis.null("int64"))


def _hour(_: date, time: Value) -> Value:
    return time.substr(0, 2).cast("int64")


_WIDE = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ"
_PLAIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DROPPED = " 　\t（）()－-—#＃,，.。、·"


def _plain_text(_: date, text: Value) -> Value:
    """Upper case, full-width letters and digits made plain, blanks and punctuation dropped."""
    return text.upper().translate(_WIDE + _DROPPED, _PLAIN)


def _sum(_: date, value: Value) -> Value:
    total = value.sum().fill_null(0)
    return total.cast("int64") if value.type().is_integer() else total


def _sum_if(as_of: date, value: Value, test: Value) -> Value:
    return _sum(as_of, ibis.ifelse(test, value, ibis.null(value.type())))


def _count_if(_: date, test: Value) -> Value:
    return ibis.ifelse(test, 1, ibis.null("int64")).count()


def _mean_if(_: date, value: Value, test: Value) -> Value:
    return ibis.ifelse(test, value.cast("float64"), ibis.null("float64")).mean()


def _best_if(name: str) -> Callable[..., Value]:
    def build(_: date, value: Value, test: Value) -> Value:
        return getattr(ibis.ifelse(test, value, ibis.null(value.type())), name)()

    return build


def _top_sum(_: date, value: Value, most: int) -> Value:
    """Sorted lists instead of a rank over all rows: an engine then sorts only what one group holds."""
    best = (-value).collect(where=value > 0).sort()[0:most]
    return -best.sums().fill_null(0).cast("int64" if value.type().is_integer() else "float64")


def _quantile(_: date, value: Value, percent: int) -> Value:
    return value.cast("float64").quantile(percent / 100)


def _correlation(_: date, one: Value, other: Value) -> Value:
    """Pearson's r as covariance over deviations: the engines name and refuse ``corr`` differently."""
    both = one.notnull() & other.notnull()
    x, y = (ibis.ifelse(both, value.cast("float64"), ibis.null("float64")) for value in (one, other))
    return x.cov(y, how="sample") / (x.std(how="sample") * y.std(how="sample")).nullif(0.0)


def _scalar(usage: str, least: int, most: int, build: Callable[..., Value], constants: int = 99) -> Function:
    return Function(usage, least, most, build, constants)


def _aggregate(usage: str, args: int, build: Callable[..., Value], *, zero: bool = False) -> Function:
    return Function(usage, args, args, build, aggregate=True, zero=zero)


SCALAR: dict[str, Function] = {
    "abs": _scalar("abs(x)", 1, 1, lambda _, x: x.abs()),
    "least": _scalar("least(a, b, ...)", 2, 9, lambda _, *xs: ibis.least(*xs)),
    "greatest": _scalar("greatest(a, b, ...)", 2, 9, lambda _, *xs: ibis.greatest(*xs)),
    "coalesce": _scalar("coalesce(a, b, ...)", 2, 9, lambda _, *xs: ibis.coalesce(*xs)),
    "missing": _scalar("missing(x)", 1, 1, lambda _, x: x.isnull()),
    "month": _scalar("month(date)", 1, 1, _month),
    "hour": _scalar("hour(time)", 1, 1, _hour),
    "days_to_month_end": _scalar("days_to_month_end(date)", 1, 1, _days_to_month_end),
    "days_between": _scalar("days_between(later, earlier)", 2, 2, _days_between),
    "months_between": _scalar("months_between(later, earlier)", 2, 2, _months_between),
    "in_months": _scalar("in_months(date or month, months, skip=0)", 2, 3, _in_months, 1),
    "complete_months_since": _scalar("complete_months_since(month)", 1, 1, _complete_months_since),
    "rank_in_company": _scalar("rank_in_company(x)", 1, 1, _rank_in_company),
    "past_months": _scalar("past_months(date, months)", 2, 2, _past_months, 1),
    "prefix": _scalar("prefix(text, characters)", 2, 2, lambda _, x, n: x.substr(0, n), 1),
    "plain_text": _scalar("plain_text(text)", 1, 1, _plain_text),
    "ln": _scalar("ln(x)", 1, 1, _ln),
    "exp": _scalar("exp(x)", 1, 1, lambda _, x: x.cast("float64").exp()),
    "when": _scalar("when(test, x)", 2, 2, _when),
    "if_delivered": _scalar("if_delivered(x)", 1, 1, lambda _, x: x),
    "known": _scalar("known(a, b, ...)", 1, 9, lambda _, *xs: _known_of(xs)),
    "middle": _scalar("middle(a, b, ...)", 2, 5, _middle),
    "middle_place": _scalar("middle_place(a, b, ...)", 2, 5, _middle_place),
    "month_of_year": _scalar("month_of_year(date)", 1, 1, _month_of_year),
    "weekday": _scalar("weekday(date)", 1, 1, _weekday),
    "spring_festival": _scalar("spring_festival(month)", 1, 1, _spring_festival),
    "previous": _scalar("previous(x, month)", 2, 2, _previous),
    "sum_ahead": _scalar("sum_ahead(x, key, day, days)", 4, 4, _sum_ahead, 3),
    "near": _scalar("near(list, x, percent)", 3, 3, _near, 2),
    "uscc_check_fits": _scalar("uscc_check_fits(code)", 1, 1, _uscc_check_fits),
    "city": _scalar("city(address)", 1, 1, _city),
    "run": _scalar("run(month)", 1, 1, _run),
    "industry_division": _scalar("industry_division(code)", 1, 1, _industry_division),
}
"""Row functions; months and characters are plain whole numbers."""

AGGREGATE: dict[str, Function] = {
    "count": Function("count()", 0, 0, lambda _, table: table.count(), aggregate=True, zero=True),
    "count_if": _aggregate("count_if(test)", 1, _count_if, zero=True),
    "sum": _aggregate("sum(x)", 1, _sum, zero=True),
    "sum_if": _aggregate("sum_if(x, test)", 2, _sum_if, zero=True),
    "distinct": _aggregate("distinct(x)", 1, lambda _, x: x.nunique(), zero=True),
    "min": _aggregate("min(x)", 1, lambda _, x: x.min()),
    "max": _aggregate("max(x)", 1, lambda _, x: x.max()),
    "min_if": _aggregate("min_if(x, test)", 2, _best_if("min")),
    "max_if": _aggregate("max_if(x, test)", 2, _best_if("max")),
    "mean": _aggregate("mean(x)", 1, lambda _, x: x.cast("float64").mean()),
    "mean_if": _aggregate("mean_if(x, test)", 2, _mean_if),
    "std": _aggregate("std(x)", 1, lambda _, x: x.cast("float64").std(how="sample")),
    "list": _aggregate("list(x)", 1, lambda _, x: x.collect(where=x.notnull())),
    "median": _aggregate("median(x)", 1, lambda _, x: x.cast("float64").median()),
    "quantile": Function("quantile(x, percent)", 2, 2, _quantile, 1, aggregate=True),
    "correlation": _aggregate("correlation(x, y)", 2, _correlation),
    "top_sum": Function("top_sum(x, n)", 2, 2, _top_sum, 1, aggregate=True, zero=True),
}
"""Aggregates skip missing inputs. ``std`` is the sample deviation (n - 1). ``top_sum`` adds the
n largest positive values."""
