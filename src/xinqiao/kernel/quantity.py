"""Numbers as people read them: 元/万元/亿元, percent, months, years; null is never shown as zero.

Rounding is half-up on the decimal digits of the value (ROUND_HALF_UP), as on bank statements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from xinqiao.kernel.text import Text

Number = int | float | Decimal

MISSING = Text(zh="缺失", en="missing")
NOT_GRANTED = Text(zh="未授信", en="none granted")

_WAN = 10_000
_YI = 100_000_000


def _decimal(value: Number) -> Decimal:
    """``value`` as Decimal. Raises ValueError on NaN and infinities: missing is None, not NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        message = "NaN and infinities cannot be shown; missing values are None with a reason"
        raise ValueError(message)
    return Decimal(str(value))


def fixed(value: Number, digits: int = 0, *, strip: bool = False) -> str:
    """``value`` with ``digits`` decimals and thousands separators; ``strip`` drops final zeros."""
    rounded = _decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{abs(rounded):,}"
    if strip and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"−{text}" if rounded < 0 else text


def signed(value: Number, digits: int = 0) -> str:
    """``value`` with its sign always written: +12, −3, 0."""
    text = fixed(value, digits)
    positive = _decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) > 0
    return f"+{text}" if positive else text


def _scaled(value: Decimal, steps: tuple[tuple[int, int, str], ...]) -> tuple[str, str]:
    """The number in the largest unit it reaches after rounding; steps are (size, digits, unit)."""
    for size, digits, unit in steps:
        if size > 1 and abs(value) < size // 2:
            continue
        scaled = (value / size).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if abs(scaled) >= 1 or size == 1:
            return fixed(scaled, digits, strip=True), unit
    raise AssertionError(steps)  # the last step has size 1


def money(cny: Number) -> Text:
    """An amount in CNY: 8,532元, 53.2万元, 1.25亿元 / CNY 8,532, CNY 532k, CNY 125m."""
    value = _decimal(cny)
    number_zh, unit_zh = _scaled(value, ((_YI, 2, "亿元"), (_WAN, 1, "万元"), (1, 0, "元")))
    number_en, unit_en = _scaled(
        value, ((1_000_000_000, 2, "bn"), (1_000_000, 2, "m"), (1_000, 1, "k"), (1, 0, ""))
    )
    return Text(zh=f"{number_zh}{unit_zh}", en=f"CNY {number_en}{unit_en}")


def wan(cny: Number) -> str:
    """An amount in CNY as a bare number of 万元 (10,000 CNY), for columns whose head names the unit."""
    return fixed(_decimal(cny) / _WAN, 2, strip=True)


def percent(ratio: Number, digits: int = 1) -> str:
    """A ratio as percent: 0.1234 -> 12.3%."""
    return f"{fixed(_decimal(ratio) * 100, digits)}%"


def rate(ratio: Number) -> str:
    """A yearly interest rate as percent, two decimals: 0.0685 -> 6.85%."""
    return percent(ratio, 2)


def _same(text: str) -> Text:
    return Text(zh=text, en=text)


def _counted(zh: str, one: str, many: str, digits: int = 0) -> Callable[[Number], Text]:
    def show(value: Number) -> Text:
        text = fixed(value, digits, strip=True)
        return Text(zh=f"{text}{zh}", en=f"{text} {one if text == '1' else many}")

    return show


def _flag(value: Number) -> Text:
    return Text(zh="是", en="yes") if value else Text(zh="否", en="no")


_UNITS: dict[str, Callable[[Number], Text]] = {
    "CNY": money,
    "ratio": lambda v: _same(percent(v)),
    "rate": lambda v: _same(rate(v)),
    "index": lambda v: _same(fixed(v, 3, strip=True)),
    "count": lambda v: _same(fixed(v, 2, strip=True)),
    "months": _counted("个月", "month", "months", 1),
    "years": _counted("年", "year", "years", 1),
    "days": _counted("天", "day", "days", 1),
    "people": _counted("人", "person", "people"),
    "kWh": _counted("千瓦时", "kWh", "kWh"),
    "m3": _counted("立方米", "m³", "m³"),
    "USD": _counted("美元", "USD", "USD"),
    "points": _counted("分", "point", "points", 1),
    "flag": _flag,
    "bool": _flag,
}
_ALIASES = {
    "month": "months",
    "year": "years",
    "day": "days",
    "person": "people",
    "level": "count",
    "code": "count",
    "integer": "count",
}


def quantity(value: Number | str | None, unit: str) -> Text:
    """``value`` in words of its ``unit``; None is 缺失. A unit not known here is written behind.

    Units: CNY, USD, ratio, rate, index, count, months, years, days, people, kWh, m3, level, code,
    points, flag.
    """
    if value is None:
        return MISSING
    if isinstance(value, str):
        return _same(value)
    show = _UNITS.get(_ALIASES.get(unit, unit))
    if show is not None:
        return show(value)
    return _same(f"{fixed(value, 3, strip=True)} {unit}".rstrip())


def defaults_among(pd: Number) -> tuple[int, int]:
    """(count, among): expected defaults among 100 similar firms, below about 1 % among 1,000."""
    value = _decimal(pd)
    base = 100 if value >= Decimal("0.0095") else 1_000
    return int((value * base).quantize(Decimal(1), ROUND_HALF_UP)), base


def odds_in_words(pd: Number, horizon_months: int | None = 12) -> Text:
    """A probability of default as a count among similar firms, for people who never met a PD.

    Below 1 % the count is per 1,000, so that it stays a whole number a person can picture.
    """
    count, base = defaults_among(pd)
    shown_zh = f"约有 {count} 家" if count else "不到 1 家"
    shown_en = f"about {count}" if count else "fewer than 1"
    within_zh, within_en = _horizon(horizon_months)
    return Text(
        zh=f"与本企业类似的企业，每 {base:,} 家{shown_zh}{within_zh}违约",
        en=f"of {base:,} firms like this one, {shown_en} would default{within_en}",
    )


def _horizon(months: int | None) -> tuple[str, str]:
    if months is None:
        return "会", ""
    if months == 12:  # noqa: PLR2004 - a year has twelve months
        return "会在一年内", " within a year"
    return f"会在 {months} 个月内", f" within {months} months"
