"""Text to value, one text at a time: the meaning of every type, and what may be mended on the way.

These functions are the reference; ``convert`` has a vectorised path for texts that need no mending,
and calls these for the rest. A text gives a value with the repairs made, or the rule it breaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff\u200b"
MAX_ID_CHARS = 256
MAX_TEXT_CHARS = 4_000
MAX_NUMBER_CHARS = 64
MAX_CENTS = 9 * 10**18
FIRST_YEAR, LAST_YEAR = 1900, 2199
TRUE = frozenset({"是", "true", "yes", "y", "1", "有", "t"})
FALSE = frozenset({"否", "false", "no", "n", "0", "无", "f"})

Value = str | int | float | bool | date


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value (None: missing) with the repairs it took, or the rule the text breaks."""

    value: Value | None
    repairs: tuple[str, ...] = ()
    fault: str | None = None


class Kind(Protocol):
    """What a parser needs to know of a field."""

    @property
    def type(self) -> str: ...  # noqa: D102 - as in contract.Field
    @property
    def values(self) -> list[str] | None: ...  # noqa: D102 - as in contract.Field


Parser = Callable[[str], Parsed]

_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"^(-?)\s*(?:¥|CNY|RMB|人民币)\s*|\s*(?:元|CNY|RMB)$", re.IGNORECASE)
_DATE = re.compile(
    r"(?P<y>[0-9]{4})(?P<s>[-/.年])(?P<m>[0-9]{1,2})(?:[-/.月])(?P<d>[0-9]{1,2})日?"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
)
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SERIAL = re.compile(r"([1-7][0-9]{4})(\.[0-9]+)?")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]+)?)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXCEL_EPOCH = date(1899, 12, 30)


def parser(  # noqa: PLR0911 - one case per type
    field: Kind, values: Mapping[str, str | bool], formats: Sequence[str], scale: Decimal
) -> Parser:
    """The parser of a field; ``values``, ``formats``, ``scale`` as in the mapping's column."""
    match field.type:
        case "id":
            return lambda text: _text(text, MAX_ID_CHARS, controls=False)
        case "text":
            return lambda text: _text(text, MAX_TEXT_CHARS, controls=True)
        case "enum":
            allowed = values or {value: value for value in field.values or []}
            return lambda text: _choice(text, allowed, "enum_unknown")
        case "bool":
            given = values or dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
            return lambda text: _choice(text, given, "bool_unknown", fold=not values)
        case "money":
            return lambda text: _money(text, scale)
        case "date":
            return lambda text: _date(text, formats)
        case "time":
            return _time
        case "int":
            return _int
        case _:
            return _ratio


def _trim(text: str) -> tuple[str, tuple[str, ...]]:
    plain = text.strip(BLANKS)
    return plain, ("blank_trimmed",) if plain != text and plain else ()


def _narrow(text: str) -> tuple[str, tuple[str, ...]]:
    """Trim, and turn full-width characters into ASCII."""
    plain, repairs = _trim(text)
    narrow = unicodedata.normalize("NFKC", plain)
    return narrow, (*repairs, "full_width") if narrow != plain else repairs


def _text(text: str, limit: int, *, controls: bool) -> Parsed:
    plain, repairs = _trim(text)
    if len(plain) > limit:
        return Parsed(None, fault="too_long")
    if not controls and _CONTROL.search(plain):
        return Parsed(None, fault="control_characters")
    return Parsed(plain or None, repairs)


def _choice(text: str, allowed: Mapping[str, str | bool], fault: str, *, fold: bool = False) -> Parsed:
    if text in allowed:
        return Parsed(allowed[text])
    plain, repairs = _trim(text)
    if fold and plain.lower() in allowed:
        plain = plain.lower()
    if plain in allowed:
        return Parsed(allowed[plain], repairs)
    return Parsed(None, fault=fault if plain else None)


def _number(text: str) -> tuple[Decimal | None, tuple[str, ...], str]:
    """The number in ``text``, the repairs it took, and the text left after them."""
    plain, repairs = _narrow(text)
    if not plain or len(plain) > MAX_NUMBER_CHARS:
        return None, repairs, plain
    if plain.startswith("(") and plain.endswith(")") and not plain.startswith("(-"):
        plain, repairs = "-" + plain[1:-1], (*repairs, "parentheses")
    bare = _CURRENCY.sub(r"\1", plain)
    if bare != plain:
        plain, repairs = bare, (*repairs, "currency_sign")
    if _THOUSANDS.fullmatch(plain):
        plain, repairs = plain.replace(",", ""), (*repairs, "thousands")
    if not _NUMBER.fullmatch(plain):
        return None, repairs, plain
    if not _PLAIN_NUMBER.fullmatch(plain):
        repairs = (*repairs, "number_form")
    return Decimal(plain), repairs, plain


def _money(text: str, scale: Decimal) -> Parsed:
    number, repairs, plain = _number(text)
    if number is None:
        return Parsed(None, fault="not_a_number" if plain else None)
    exact = number * scale * 100
    cents = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP) if abs(exact) < MAX_CENTS else None
    if cents is None:
        return Parsed(None, fault="out_of_range")
    return Parsed(int(cents), repairs if cents == exact else (*repairs, "rounded_half_up"))


def _int(text: str) -> Parsed:
    number, repairs, plain = _number(text)
    if number is None:
        return Parsed(None, fault="not_a_number" if plain else None)
    if abs(number) >= MAX_CENTS:
        return Parsed(None, fault="out_of_range")
    if number != int(number):
        return Parsed(None, fault="not_an_integer")
    form = ("number_form",) if "." in plain and "number_form" not in repairs else ()
    return Parsed(int(number), repairs + form)


def _ratio(text: str) -> Parsed:
    plain, repairs = _narrow(text)
    percent = plain.endswith("%")
    number, more, rest = _number(plain.removesuffix("%"))
    if number is None:
        return Parsed(None, fault="not_a_number" if rest or percent else None)
    mended = (*repairs, *more, "percent") if percent else (*repairs, *more)
    return Parsed(float(number / 100 if percent else number), mended)


def _day(year: int, month: int, day: int, repairs: tuple[str, ...]) -> Parsed:
    try:
        found = date(year, month, day)
    except ValueError:
        return Parsed(None, fault="not_a_date")
    return Parsed(found, repairs) if FIRST_YEAR <= year <= LAST_YEAR else Parsed(None, fault="out_of_range")


def _date(text: str, formats: Sequence[str]) -> Parsed:
    plain, repairs = _narrow(text)
    if not plain or len(plain) > MAX_NUMBER_CHARS:
        return Parsed(None, fault="not_a_date" if plain else None)
    for form in formats:
        try:
            found = datetime.strptime(plain, form)  # noqa: DTZ007 - a calendar date has no zone
        except ValueError:
            continue
        return _day(found.year, found.month, found.day, repairs)
    mended = (*repairs, "date_form")
    if match := _DATE.fullmatch(plain):
        iso = not formats and match["s"] == "-" and len(plain) == len("2018-01-31")
        return _day(int(match["y"]), int(match["m"]), int(match["d"]), repairs if iso else mended)
    if match := _COMPACT_DATE.fullmatch(plain):
        return _day(int(match[1]), int(match[2]), int(match[3]), mended)
    if match := _SERIAL.fullmatch(plain):
        found_on = _EXCEL_EPOCH + timedelta(days=int(match[1]))
        return _day(found_on.year, found_on.month, found_on.day, (*repairs, "date_serial"))
    return Parsed(None, fault="not_a_date")


def _time(text: str) -> Parsed:
    plain, repairs = _narrow(text)
    if not plain:
        return Parsed(None)
    if not (match := _TIME.fullmatch(plain)):
        return Parsed(None, fault="not_a_time")
    value = f"{int(match[1]):02d}:{match[2]}:{match[3] or '00'}"
    return Parsed(value, repairs if value == plain else (*repairs, "time_form"))
