"""Stability and drift (稳定性与漂移): a model's companies then and now, by segment and industry.

Three things may move: the score, the values it rests on, and how many turn bad of those it expects. The
first two compare two snapshots of companies, the third one needs outcomes and is told by vintage (批次).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from xinqiao.scoring.card import Frozen
from xinqiao.scoring.columns import Columns, Floats, read_columns
from xinqiao.scoring.compiled import bin_codes
from xinqiao.scoring.metrics import DIGITS, stability_index, stability_of_values
from xinqiao.scoring.model import Model
from xinqiao.scoring.overlay import LEVELS, industry_path, texts
from xinqiao.scoring.segment import INDUSTRY

TENTHS = 10
LEAST = 50
"""Companies a group needs on both sides; of fewer, an index tells chance."""


class Moved(Frozen):
    """Stability index (PSI, in nats) of one variable's bins."""

    variable: str
    index: float


class Shift(Frozen):
    """How a group of companies moved between two snapshots.

    ``segment`` and ``industry`` (a division of GB/T 4754) name the group, None: all. ``score``: index of
    the log odds the card claims, by tenths; ``chance``: what it stays below 19 times in 20 where nothing
    moved, chi-squared of 9 degrees by 1/before + 1/after (Yurdakul, 2018). ``variables``: those of the
    segment's card, the most moved first.
    """

    segment: str | None
    industry: str | None
    before: int
    after: int
    score: float
    chance: float
    variables: tuple[Moved, ...]


class Vintage(Frozen):
    """Bad companies seen and expected of one snapshot's companies; ``learned``: the model learned from them.

    ``ratio`` is seen over expected, ``low`` and ``high`` its exact 95 % Poisson interval (Garwood, 1936).
    """

    as_of: str
    learned: bool
    segment: str | None
    industry: str | None
    companies: int
    seen: int
    expected: float
    ratio: float
    low: float
    high: float


class Drift(Frozen):
    """A report of both; ``before`` and ``after`` are the dates of the snapshots that ``shifts`` compare."""

    before: str
    after: str
    shifts: tuple[Shift, ...]
    vintages: tuple[Vintage, ...]


class Outcomes(NamedTuple):
    """Companies of a snapshot and what became of them, 1.0 bad; ``learned``: used to train."""

    X: object
    bad: Floats
    learned: bool


_Rows = NDArray[np.intp]


def shifts(model: Model, before: object, after: object) -> tuple[Shift, ...]:
    """Every segment and industry large enough in both frames, which hold facts beside indicators."""
    sides = [read_columns(before), read_columns(after)]
    groups = [dict(_groups(model, side)) for side in sides]
    scores = [model.claimed(side) for side in sides]
    out = []
    for key in groups[0]:
        old, new = (groups[i].get(key, np.empty(0, dtype=np.intp)) for i in (0, 1))
        if min(len(old), len(new)) < LEAST:
            continue
        segment, industry = key
        out.append(
            Shift(
                segment=segment,
                industry=industry,
                before=len(old),
                after=len(new),
                score=round(stability_of_values(scores[0][old], scores[1][new], TENTHS), DIGITS),
                chance=round(float(chi2.ppf(0.95, TENTHS - 1)) * (1 / len(old) + 1 / len(new)), DIGITS),
                variables=_moved(model, segment, sides[0].take(old), sides[1].take(new)),
            )
        )
    return tuple(out)


def _moved(model: Model, segment: str | None, old: Columns, new: Columns) -> tuple[Moved, ...]:
    """Index of every variable of the card that serves the group, by its bins."""
    if segment is None and model.routes:
        return ()  # all companies together are scored by no one card
    card = model.part_named(segment).card
    codes = bin_codes(card, old), bin_codes(card, new)
    out = []
    for i, variable in enumerate(card.variables):
        counts = [np.bincount(c[:, i], minlength=len(variable.bins)).astype(np.float64) for c in codes]
        out.append(Moved(variable=variable.name, index=round(stability_index(*counts), DIGITS)))
    return tuple(sorted(out, key=lambda moved: (-moved.index, moved.variable)))


def _groups(model: Model, X: Columns) -> Iterator[tuple[tuple[str | None, str | None], _Rows]]:
    """All companies, each segment, and the divisions within: (segment, industry) -> rows."""
    every = np.arange(X.rows)
    yield (None, None), every
    if not model.routes:
        yield from _divisions(None, every, X)
        return
    place = model.route_places(X)
    for i, route in enumerate(model.routes):
        rows = np.flatnonzero(place == i)
        yield (route.segment, None), rows
        yield from _divisions(route.segment, rows, X)


def _divisions(
    segment: str | None, rows: _Rows, X: Columns
) -> Iterator[tuple[tuple[str | None, str | None], _Rows]]:
    codes = texts(X, INDUSTRY)[rows].tolist()
    found = np.array([next((c for c in industry_path(code) if len(c) == LEVELS[1]), "") for code in codes])
    for code in sorted(set(found.tolist()) - {""}):
        yield (segment, code), rows[found == code]


def vintages(model: Model, outcomes: Mapping[str, Outcomes]) -> tuple[Vintage, ...]:
    """Seen and expected bads of every snapshot (date -> companies), by segment and industry."""
    out = []
    for as_of, (X, bad, learned) in sorted(outcomes.items()):
        columns = read_columns(X)
        pd = model.score_frame(columns)["pd"].to_numpy()
        for (segment, industry), rows in _groups(model, columns):
            if len(rows) >= LEAST:
                told = {"as_of": as_of, "learned": learned, "segment": segment, "industry": industry}
                out.append(
                    Vintage(
                        **told, companies=len(rows), **_ratio(int(bad[rows].sum()), float(pd[rows].sum()))
                    )
                )
    return tuple(out)


def _ratio(seen: int, expected: float) -> dict[str, float | int]:
    low = chi2.ppf(0.025, 2 * seen) / 2 if seen else 0.0
    high = chi2.ppf(0.975, 2 * (seen + 1)) / 2
    found = {"expected": expected, "ratio": seen / expected, "low": low / expected, "high": high / expected}
    return {"seen": seen, **{name: round(float(value), DIGITS) for name, value in found.items()}}
