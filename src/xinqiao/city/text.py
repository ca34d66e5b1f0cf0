"""Columns as the texts that stand in delivered files: codes, dates, money."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from xinqiao.city.draw import Flags, Ints, Words
from xinqiao.city.hazard import NEVER


def only(known: Flags, column: pl.Series) -> pl.Series:
    """``column`` with nothing where not ``known``."""
    return column.zip_with(pl.Series(known), pl.repeat(None, len(column), dtype=pl.String, eager=True))


def codes(letter: str, number: Ints, digits: int) -> pl.Series:
    """``letter`` and the number filled up with zeros."""
    return letter + pl.Series(number).cast(pl.String).str.zfill(digits)


def company_codes(index: Ints) -> pl.Series:
    """``C000001`` for company 0 and so on; plainly no unified social credit code."""
    return codes("C", index + 1, 6)


def dates(days: Ints) -> pl.Series:
    """Days since 1970-01-01 as ``2024-01-31``; nothing where negative or NEVER."""
    known = (days >= 0) & (days < NEVER)
    column = pl.Series(np.where(known, days, 0).astype(np.int32)).cast(pl.Date).cast(pl.String)
    return only(known, column)


def times(seconds: Ints) -> pl.Series:
    """Seconds since midnight as ``23:59:59``."""
    return pl.Series(seconds * 1_000_000_000).cast(pl.Time).dt.to_string("%H:%M:%S")


def money(cents: Ints) -> pl.Series:
    """Cents as CNY with two decimals, exact (written by Arrow from 128-bit decimals of scale 2)."""
    words = np.empty((len(cents), 2), dtype="<i8")
    words[:, 0], words[:, 1] = cents, cents >> 63
    decimals = pa.Array.from_buffers(pa.decimal128(20, 2), len(cents), [None, pa.py_buffer(words)])
    return pl.Series(decimals.cast(pa.string()), dtype=pl.String)


def hashes(words: Words) -> pl.Series:
    """64-bit words as 16 hex digits."""
    return pl.Series([f"{int(word):016x}" for word in words], dtype=pl.String)


def choice(texts: tuple[str, ...], index: Ints) -> pl.Series:
    """``texts[i]`` for every i."""
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(index))
