"""Where doubles are not enough: bounds of their error, and the exact decimal behind a close call.

A single decision reckons with 34 decimal digits, a batch with doubles and a bound ``e`` of their
error. Away from an edge by more than ``e`` both say the same. On the edge (a limit of exactly
300,000) the exact value is often plain to see: if every input has few decimals, so has the result,
and of all numbers with that many decimals only one lies within ``e``. Where that fails the row is
doubtful, and is decided alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.policy.format import Rounding
from xinqiao.policy.logic import exact, round_to
from xinqiao.policy.vector.recipe import Cook

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

LEVELS = (0, 2, 4, 6, 9)
"""Decimals the inputs may have, tried one after the other."""
Decimals = tuple[int, ...]
"""Decimals of a value if its inputs have as many as each of ``LEVELS``."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a column of values was made of: its own decimals, the inputs with theirs, and how.

    ``decimals`` is None where the exact value may have any number of them (after a division);
    ``cook`` reckons a row again from ``columns``.
    """

    decimals: Decimals | None
    leaves: Sequence[tuple[Floats, Decimals]]
    cook: Cook
    columns: Sequence[npt.NDArray[Any]]


UNIT = 2.0**-53
"""Largest relative error of one rounding to the nearest double."""
MAX_DIGITS = 1e15
"""Below it a decimal's digits and its nearest double tell each other apart (15 digits survive a double)."""
MAX_DECIMALS = 22
"""Powers of ten up to this one are doubles."""
SEARCH_FROM = 24
"""From as many edges on a search beats comparing with each."""


def is_plain(value: float) -> bool:
    """Whether the double nearest to ``value`` is written like it (its shortest decimal is ``value``)."""
    return exact(float(value)) == exact(value)


def decimals_of(value: Decimal) -> int:
    """How many decimals a number is written with, final zeros left out."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def grid(rows: Rows, value: Floats, error: Floats, origin: Origin) -> tuple[Floats, Flags, Rows]:
    """The exact values of ``rows`` as the doubles nearest to them, which are sure, and their decimals.

    A value is sure when all leaves there are have at most a level's decimals and the grid of the value's
    decimals is coarser than four times its error, so that one point of it only is near.
    """
    found, off = value[rows], error[rows]
    sure, places_found = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.intp)
    left = np.arange(len(rows))
    for level, places in enumerate(origin.decimals or ()):
        if places > MAX_DECIMALS or not left.size:
            break
        power = 10.0**places
        whole = np.rint(found[left] * power)
        fits = (off[left] * power < 0.25) & (np.abs(whole) < MAX_DIGITS)  # noqa: PLR2004 - see above: four times
        for column, own in origin.leaves:
            leaf, unit = column[rows[left]], 10.0 ** own[level]
            digits = np.rint(leaf * unit)
            fits &= ((digits / unit == leaf) & (np.abs(digits) < MAX_DIGITS)) | np.isnan(leaf)
        new = left[fits]
        found[new], places_found[new], sure[new] = whole[fits] / power, places, True
        left = left[~fits]
    return found, sure, places_found


def settle(
    near: Flags,
    value: Floats,
    error: Floats,
    doubt: Flags,
    origin: Origin,
    *,
    out: Floats,
) -> None:
    """``value`` made exact in the rows ``near`` an edge, or the row marked in ``doubt``."""
    np.copyto(out, value)
    rows = np.flatnonzero(near)
    if rows.size:
        found, sure, _ = grid(rows, value, error, origin)
        out[rows] = found
        doubt[rows[~sure]] = True


def near_edges(value: Floats, error: Floats, edges: Floats, out: Flags) -> None:
    """Where ``value`` lies within ``error`` of one of ``edges`` (sorted)."""
    if len(edges) < SEARCH_FROM:
        np.less(error, 0.0, out=out)
        for edge in edges:
            out |= np.abs(value - edge) <= error
        return
    low = np.searchsorted(edges, value - error, side="left")
    out[:] = low != np.searchsorted(edges, value + error, side="right")


def codes(value: npt.NDArray[Any], edges: Floats, out: npt.NDArray[Any]) -> None:
    """How many of ``edges`` (sorted) are at most ``value``."""
    if len(edges) < SEARCH_FROM:
        count = np.zeros(len(value), np.uint8)
        for edge in edges:
            count += (value >= edge).view(np.uint8)
        np.copyto(out, count)
    else:
        out[:] = np.searchsorted(edges, value, side="right")


class Steps:
    """Rounding to whole multiples of ``step`` (a number above 0)."""

    def __init__(self, step: Decimal, mode: Rounding) -> None:
        self.size = step
        self.step = float(step)
        self.mode = mode
        self.places = decimals_of(step)
        self.units = int(step.scaleb(self.places))  # the step is units / 10**places
        self.rounder = _ROUND[mode]

    def counts(
        self,
        value: Floats,
        error: Floats,
        doubt: Flags,
        origin: Origin,
        *,
        within: tuple[float, float] = (-np.inf, np.inf),
        of: Rows | None = None,
    ) -> Floats:
        """How many steps each value (or those ``of`` some rows) is rounded to.

        Exact where it matters, between ``within`` counts, or the row is marked in ``doubt``.
        """
        steps = (value if of is None else value[of]) / self.step
        bound = (error if of is None else error[of]) / self.step
        edge = np.rint(steps) if self.mode in ("down", "up") else np.floor(steps) + 0.5
        near = np.abs(steps - edge) <= bound * 1.001 + 4 * UNIT * np.abs(steps)
        near &= (steps > within[0] - 1) & (steps < within[1] + 1)
        counts: Floats = self.rounder(steps)
        close = np.flatnonzero(near)
        if close.size:
            rows = close if of is None else of[close]
            found, sure, places = grid(rows, value, error, origin)
            counts[close] = self._exactly(found, sure, places)
            self._again(rows, sure, counts, close, doubt, origin)
        if of is None:  # a value on its own: its digits have to fit in a double
            doubt |= np.abs(counts) * self.units >= MAX_DIGITS
        counts += 0.0  # no negative zero
        return counts

    def _again(  # noqa: PLR0917 - one call, the state of ``counts``
        self, rows: Rows, sure: Flags, counts: Floats, close: Rows, doubt: Flags, origin: Origin
    ) -> None:
        """Count the rows that are not ``sure`` in decimals, or mark them in ``doubt``."""
        unsure = np.flatnonzero(~sure)
        values = origin.cook.values(origin.columns, rows[unsure]) if unsure.size else []
        for place, value in zip(unsure.tolist(), values, strict=True):
            if value is None:
                doubt[rows[place]] = True
            else:
                counts[close[place]] = float(round_to(value, self.size, self.mode) / self.size)

    def values(self, counts: Floats) -> Floats:
        """``counts`` steps as the doubles nearest to the decimals."""
        amounts: Floats = counts * self.units / 10.0**self.places
        return amounts

    def _exactly(self, found: Floats, sure: Flags, places: Rows) -> Floats:
        """Counts of exact values with ``places`` decimals, by whole numbers; ``sure`` where they fit."""
        both = np.maximum(places, self.places)
        scale, wide = 10.0**both, self.units * 10.0 ** (both - self.places)
        sure &= (np.abs(found) * scale < MAX_DIGITS) & (wide < MAX_DIGITS)
        whole = np.where(sure, np.rint(found * scale), 0.0).astype(np.int64)
        step = np.where(sure, wide, 1.0).astype(np.int64)
        count, rest = np.divmod(np.abs(whole), step)
        match self.mode:
            case "up":
                count += rest > 0
            case "half_up":
                count += 2 * rest >= step
            case "half_even":
                count += (2 * rest > step) | ((2 * rest == step) & (count % 2 == 1))
        signed: Floats = np.sign(found) * count
        return signed


def _up(steps: Floats) -> Floats:
    away: Floats = np.copysign(np.ceil(np.abs(steps)), steps)
    return away


_ROUND: dict[Rounding, Callable[[Any], Any]] = {
    "down": np.trunc,
    "up": _up,
    "half_up": np.rint,  # ties are near an edge and counted exactly
    "half_even": np.rint,
}


class End:
    """A limit or a price: whole steps from ``least`` to ``most``, for the rows approved."""

    def __init__(self, steps: Steps, least: Decimal, most: Decimal) -> None:
        self.steps = steps
        self.least, self.most = (round(float(bound) / steps.step) for bound in (least, most))

    def give(
        self,
        value: Floats,
        error: Floats,
        doubt: Flags,
        origin: Origin,
        *,
        outcome: npt.NDArray[np.uint8],
        out: Floats,
    ) -> None:
        """Write the ends of approved rows to ``out``; NaN elsewhere."""
        out.fill(np.nan)
        rows = np.flatnonzero(outcome == 0)
        if rows.size:
            within = (self.least, self.most)
            counts = self.steps.counts(value, error, doubt, origin, within=within, of=rows)
            out[rows] = self.steps.values(np.clip(counts, self.least, self.most))
