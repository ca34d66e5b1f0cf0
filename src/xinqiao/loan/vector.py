"""Many schedules at once (批量还款计划): the engine's plain schedules in whole cents, a column an instalment.

Equal to the engine to the cent (a test holds them together): interest is integer arithmetic; a level
instalment that floats can't settle is worked out as the engine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.errors import fail
from xinqiao.loan.terms import Way

Cents = NDArray[np.int64]
PPM = 1_000_000
"""Rates are whole millionths a year."""
CLOSE = 1e-3
"""Cents: how near half a cent a level instalment must be to be worked out exactly."""
LARGEST = 2**62
LEVEL: Way = "equal_instalment"


@dataclass(frozen=True, slots=True)
class Schedules:
    """Principal and interest in cents: a row a loan, a column an instalment."""

    principal: Cents
    interest: Cents


def schedules(
    principal: Cents, rate_ppm: Cents, days: Sequence[int] | Cents, basis: int, way: Way = LEVEL
) -> Schedules:
    """The schedules of loans drawn at once, half up, that repay the same number of times.

    ``principal`` in cents, ``rate_ppm`` in millionths a year, one a loan; ``days`` of every period, for all
    or a row a loan, over ``basis`` a year (months over 12 where interest counts by months). Raises LON-TERMS
    for sums whose products leave 64 bits.
    """
    counted = np.atleast_2d(np.asarray(days, np.int64))
    if float(principal.max(initial=0)) * float(rate_ppm.max(initial=0)) * float(counted.max()) > LARGEST / 2:
        fail("LON-TERMS", "principal", detail="principal * rate * days")
    count = counted.shape[1]
    level = _levels(principal, rate_ppm, counted, basis) if way == LEVEL else principal
    part = _half_up(principal, np.int64(count))
    left = principal.copy()
    out = Schedules(*(np.empty((len(principal), count), np.int64) for _ in range(2)))
    carried = np.zeros_like(principal)
    for k in range(count):
        last = k == count - 1
        base = principal if way == "flat" else left
        interest = _half_up(base * rate_ppm * counted[:, k], np.int64(basis * PPM)) + carried
        paid = left if last else _part(way, left, level, part, interest)
        if way == "bullet" and not last:
            carried, interest = interest, np.zeros_like(interest)
        elif way == LEVEL and not last:
            carried = np.maximum(interest - level, 0)
            interest = np.minimum(interest, level)
        out.principal[:, k], out.interest[:, k] = paid, interest
        left = left - paid
    return out


def _part(way: Way, left: Cents, level: Cents, part: Cents, interest: Cents) -> Cents:
    """The principal part of an instalment that isn't the last."""
    if way == LEVEL:
        wanted: Cents = np.minimum(np.maximum(level - interest, 0), left)
        return wanted
    if way in ("equal_principal", "flat"):
        equal: Cents = np.minimum(part, left)
        return equal
    return np.zeros_like(left)


def _half_up(top: Cents, bottom: np.int64) -> Cents:
    found: Cents = (2 * top + bottom) // (2 * bottom)
    return found


def _levels(principal: Cents, rate_ppm: Cents, days: Cents, basis: int) -> Cents:
    """Level instalments in cents; where floats come near half a cent, exactly."""
    factors = rate_ppm[:, None] * days / (basis * PPM)
    growth, below = 1 + factors[:, 0], np.ones(len(principal))
    for k in range(1, factors.shape[1]):
        growth = growth * (1 + factors[:, k])
        below = 1 + below * (1 + factors[:, k])
    raw = principal * growth / below
    out = np.floor(raw + 0.5).astype(np.int64)
    close = np.abs(raw - np.floor(raw) - 0.5) < np.maximum(CLOSE, raw * 1e-13)
    for i in np.flatnonzero(close):
        own = days[i if len(days) > 1 else 0]
        out[i] = _exact_level(int(principal[i]), int(rate_ppm[i]), own.tolist(), basis)
    return out


def _exact_level(principal: int, rate_ppm: int, days: Sequence[int], basis: int) -> int:
    growth, below = Fraction(1), Fraction(0)
    for each in days:
        step = 1 + Fraction(rate_ppm * each, basis * PPM)
        growth, below = growth * step, 1 + below * step
    found = principal * growth / below
    exact = Decimal(found.numerator) / Decimal(found.denominator)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
