"""Short texts as machine words: Arrow's string views keep a text of up to 12 bytes in the view itself.

A view is 16 bytes: the length (4 bytes), then the text, filled up with zeros. As two little-endian
words, equal short texts are equal words, and a date's digits are found by masks and shifts,
several times as fast as by a regular expression.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xinqiao.source.parse import FIRST_YEAR, LAST_YEAR

Words = npt.NDArray[np.uint64]
Days = npt.NDArray[np.int32]

INLINE_BYTES = 12
"""Texts up to this length are in the view; of longer ones only the length and the first 4 bytes are."""
NO_DAY = np.int32(-(2**31))
"""What ``iso_days`` gives for a text that is no date."""

_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS, _DAYS = 12, 31


def words(texts: pl.Series) -> tuple[Words, Words]:
    """Length and first 4 bytes, and the 8 bytes after those, of texts without nulls."""
    array: Any = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    views = np.frombuffer(array.buffers()[1], dtype="<u8").reshape(-1, 2)
    views = views[array.offset : array.offset + len(array)]
    return np.ascontiguousarray(views[:, 0]), np.ascontiguousarray(views[:, 1])


def _pattern(text: str) -> tuple[np.uint64, np.uint64]:
    """The words of ``text``."""
    view = len(text).to_bytes(4, "little") + text.encode().ljust(INLINE_BYTES, b"\0")
    head, tail = np.frombuffer(view, dtype="<u8")
    return head, tail


_ZERO_DATE = _pattern("0000-00-00")
_DIGITS = tuple(w ^ z for w, z in zip(_pattern("????-??-??"), _ZERO_DATE, strict=True))
_DIGITS = tuple(np.uint64(int(mask) // 0x0F * 0xFF) for mask in _DIGITS)
"""Where the digits of a date stand."""
_SIX = np.uint64(0x7676_7676_7676_7676)
_HIGH = np.uint64(0x8080_8080_8080_8080)


def _all_digits(word: Words, places: np.uint64) -> npt.NDArray[np.bool_]:
    """Whether every byte is 0 to 9 at ``places`` and 0 elsewhere. 9 + 0x76 is the last below 0x80."""
    good: npt.NDArray[np.bool_] = (((word + _SIX) | word) & _HIGH | word & ~places) == 0
    return good


@cache
def _calendar() -> Days:
    """Days since 1970 by (year, month, day), NO_DAY where there is no such date."""
    table = np.full((LAST_YEAR - FIRST_YEAR + 1, _MONTHS + 1, _DAYS + 1), NO_DAY, dtype=np.int32)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for month in range(1, _MONTHS + 1):
            first, days = date(year, month, 1).toordinal() - _EPOCH, monthrange(year, month)[1]
            table[year - FIRST_YEAR, month, 1 : days + 1] = np.arange(first, first + days)
    return table.ravel()


def iso_days(texts: pl.Series) -> Days:
    """Days since 1970 of texts YYYY-MM-DD from 1900 to 2199, NO_DAY for all other texts."""
    head, tail = (word ^ zero for word, zero in zip(words(texts), _ZERO_DATE, strict=True))
    good = _all_digits(head, _DIGITS[0]) & _all_digits(tail, _DIGITS[1])
    pairs = (head >> 32) * 10 + (head >> 40)  # tens and units beside each other, in bytes 0 and 2
    year = (pairs & 0xFF) * 100 + ((pairs >> 16) & 0xFF)
    pairs = tail * 10 + (tail >> 8)  # in bytes 1 and 4
    month, day = (pairs >> 8) & 0xFF, (pairs >> 32) & 0xFF
    good &= (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month <= _MONTHS) & (day <= _DAYS)
    place = ((year - FIRST_YEAR) * (_MONTHS + 1) + month) * (_DAYS + 1) + day
    return np.where(good, _calendar()[np.where(good, place, 0)], NO_DAY)
