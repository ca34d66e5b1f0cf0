"""Churn by rate (客户流失率): the share of offered customers who leave at a yearly rate, for each rating.

A table gives it at some rates. The smooth form is 1 - exp(-a (r - r0)^b), the distribution function of
a Weibull law of the highest rate above r0 that a customer accepts: rising in r and 0 at r0, the lowest
rate, whatever a, b > 0. It is fitted by least squares on the table's churn.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import openpyxl
from numpy.typing import NDArray
from openpyxl.utils.exceptions import InvalidFileException
from scipy.optimize import curve_fit

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.mandate import Mandate
from xinqiao.strategy.terms import RATINGS

Floats = NDArray[np.float64]
LEAST_RATES = 2
_RATING = re.compile(r"([A-C])\s*$")


@dataclass(frozen=True)
class Fit:
    """How well the smooth curve of one rating fits: R², root mean square and largest departure of churn."""

    rating: str
    a: float
    b: float
    r2: float
    rmse: float
    largest: float
    falls: int
    """How often the table falls from one rate to the next higher one: noise of the survey."""


@dataclass(frozen=True)
class Churn:
    """Churn, shape (ratings, rates), at rising yearly ``rates``; ``generated``: made by a program."""

    rates: tuple[Decimal, ...]
    table: Floats
    generated: bool = False

    @property
    def at(self) -> Floats:
        """The rates as floats."""
        return np.array([float(rate) for rate in self.rates])

    def fits(self) -> tuple[Fit, ...]:
        """The smooth curve of every rating."""
        return tuple(_fit(rating, self.at, row) for rating, row in zip(RATINGS, self.table, strict=True))

    def smooth(self) -> Churn:
        """The same rates with the smooth curves' churn."""
        rows: Floats = np.array([_weibull(self.at - self.at[0], fit.a, fit.b) for fit in self.fits()])
        return Churn(self.rates, rows, self.generated)

    def within(self, mandate: Mandate, where: str) -> Churn:
        """The rates that the mandate allows. Raises UserError STR-CHURN when fewer than two are."""
        low, high = mandate.rate
        keep = [i for i, rate in enumerate(self.rates) if low <= rate <= high]
        if len(keep) < LEAST_RATES:
            fail("STR-CHURN", where, detail=f"{len(keep)} rates within {low}..{high}")
        return Churn(tuple(self.rates[i] for i in keep), self.table[:, keep], self.generated)


def _weibull(above: Floats, a: float, b: float) -> Floats:
    out: Floats = 1 - np.exp(-a * np.maximum(above, 0) ** b)
    return out


def _fit(rating: str, rates: Floats, churn: Floats) -> Fit:
    above = rates - rates[0]
    (a, b), _ = curve_fit(_weibull, above, churn, p0=(15.0, 1.0), bounds=((1e-6, 0.1), (1e6, 5.0)))
    error = churn - _weibull(above, a, b)
    spread = float(((churn - churn.mean()) ** 2).sum()) or 1.0
    return Fit(
        rating=rating,
        a=round(float(a), 9),
        b=round(float(b), 9),
        r2=1 - float((error**2).sum()) / spread,
        rmse=float(np.sqrt((error**2).mean())),
        largest=float(np.abs(error).max()),
        falls=int((np.diff(churn) < 0).sum()),
    )


def generated_churn() -> Churn:
    """Curves made up for the demo: better firms have more choice and leave sooner."""
    rates = tuple(Decimal(400 + 25 * i) / 10_000 for i in range(45))
    above = np.array([float(rate) for rate in rates]) - 0.04
    rows: Floats = np.array([_weibull(above, a, 1.0) for a in (23.0, 20.0, 18.0)])
    return Churn(rates, rows.round(6), generated=True)


def read_churn(path: Path) -> Churn:
    """The table in an XLSX (first sheet) or CSV file; raises UserError STR-FILE, STR-CHURN.

    The head's last line names the rating of a column by its final letter (A, 信誉评级A).
    """
    rows = list(_xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path))
    first = next((i for i, row in enumerate(rows) if _number(row[:1]) is not None), None)
    if not first:  # 0: no head
        fail("STR-CHURN", str(path), detail="no head line or no numbers / 没有表头或没有数字")
    places = _places(rows[first - 1], path)
    body = [(i, row) for i, row in enumerate(rows[first:], start=first + 1) if any(c != "" for c in row)]
    rates = [_checked(row, 0, f"{path}:{line}") for line, row in body]
    columns = [[_checked(row, places[r], f"{path}:{line}") for line, row in body] for r in RATINGS]
    if len(rates) < LEAST_RATES or any(b <= a for a, b in pairwise(rates)):
        fail("STR-CHURN", str(path), detail="rates must rise / 利率须递增")
    return Churn(tuple(rates), np.array([[float(cell) for cell in column] for column in columns]))


def _places(head: Sequence[str], path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, word in enumerate(head[1:], start=1):
        match = _RATING.search(word)
        if match and found.setdefault(match[1], place) != place:
            fail("STR-CHURN", str(path), detail=f"two columns / 两列: {match[1]}")
    if set(found) != set(RATINGS):
        fail("STR-CHURN", str(path), detail=f"columns / 列: {', '.join(sorted(found)) or '-'}")
    return found


def _checked(row: Sequence[str], place: int, where: str) -> Decimal:
    value = _number(row[place : place + 1])
    if value is None or not 0 <= value <= 1:
        shown = row[place] if place < len(row) else ""
        fail("STR-CHURN", where, detail=f"{shown!r} is not in 0..1 / 不在 0 到 1 之间")
    return value


def _number(cells: Sequence[str]) -> Decimal | None:
    try:
        value = Decimal(cells[0].strip())
    except (InvalidOperation, IndexError):
        return None
    return value if value.is_finite() else None


def _xlsx(path: Path) -> Iterable[list[str]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield ["" if cell is None else str(cell) for cell in row]
        book.close()
    except (
        OSError,
        BadZipFile,
        KeyError,
        ValueError,
        InvalidFileException,
    ) as error:
        raise user_error("STR-FILE", str(path), detail=str(error)) from error


def _csv(path: Path) -> Iterable[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from csv.reader(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise user_error("STR-FILE", str(path), detail=str(error)) from error
