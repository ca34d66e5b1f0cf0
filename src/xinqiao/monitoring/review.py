"""What a warning is worth (预警效果): a bank can look at so many borrowers a month; whom does a way name?

Every month the borrowers highest by a way's score are looked at, as many as the bank has capacity for.
Precision: how many of those named turn bad within the horizon. Recall: how many of those who turn bad were
named within the horizon before. Lead: months from the first such naming to the day of 30 and 90 days overdue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.scoring.columns import Floats

HORIZON_DAYS = 365.25
MONTH_DAYS = 30.44
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reviews:
    """Borrower-months under review, each array (rows,).

    ``company`` numbers from 0; ``at``, ``falls`` and ``warns`` are days since 1970 (NaN: not seen).
    """

    company: NDArray[np.int64]
    at: Floats
    falls: Floats
    warns: Floats

    @property
    def bad(self) -> Flags:
        """Rows whose borrower turns bad within the horizon."""
        return np.nan_to_num(self.falls - self.at, nan=np.inf) <= HORIZON_DAYS


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bootstrap interval over borrowers; NaN where it can't be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What one way did: namings, precision, recall, recall before 30 days overdue, median leads in months.

    ``gain_recall``: recall beyond the first way's, on the same resampled borrowers.
    """

    way: str
    named: int
    precision: Figure
    recall: Figure
    early: Figure
    lead_30: Figure
    lead_90: Figure
    gain_recall: Figure | None


def named(reviews: Reviews, score: Floats, capacity: float, seed: int = 0) -> Flags:
    """Who is looked at: every month the highest by ``score``, at most the share ``capacity``; NaN never.

    Equal scores are drawn from, so that no way gains by the order of rows.
    """
    luck = np.random.default_rng(seed).random(len(score))
    out = np.zeros(len(score), dtype=np.bool_)
    for month in np.unique(reviews.at):
        rows = np.flatnonzero(reviews.at == month)
        most = math.ceil(capacity * len(rows))
        rows = rows[~np.isnan(score[rows])]
        out[rows[np.lexsort((luck[rows], -score[rows]))[:most]]] = True
    return out


def worth(
    reviews: Reviews, ways: Mapping[str, Floats], capacity: float, *, samples: int = 500, seed: int = 0
) -> list[Worth]:
    """The ways (name -> score) at one capacity; the first is what the others are measured against."""
    companies = int(reviews.company.max(initial=-1)) + 1
    draws = np.random.default_rng(seed).multinomial(companies, np.full(companies, 1 / companies), samples)
    weights = np.vstack([np.ones(companies), draws])
    tallies = {
        name: _Tally.of(reviews, named(reviews, score, capacity, seed)) for name, score in ways.items()
    }
    figures = {name: tally.figures(weights) for name, tally in tallies.items()}
    first = next(iter(figures.values()), None)
    return [_worth(name, tallies[name], found, first) for name, found in figures.items()]


def _worth(name: str, tally: _Tally, found: dict[str, Floats], first: dict[str, Floats] | None) -> Worth:
    told = {key: _figure(values) for key, values in found.items()}
    gain = None if first is None or first is found else _figure(found["recall"] - first["recall"])
    return Worth(name, int(tally.flags.sum()), **told, gain_recall=gain)


def _figure(values: Floats) -> Figure:
    """The first value is that of the sample itself, the others those of resampled borrowers."""
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Figure(float(values[0]), float(low), float(high))


@dataclass(frozen=True, slots=True)
class _Tally:
    """Counts by borrower: ``flags`` namings, ``hits`` of them right, ``bad`` 1 where it turns bad.

    ``lead_30`` and ``lead_90``: months from the first right naming to so many days overdue (NaN: none).
    """

    flags: Floats
    hits: Floats
    bad: Floats
    lead_30: Floats
    lead_90: Floats

    @classmethod
    def of(cls, reviews: Reviews, flags: Flags) -> _Tally:
        n = int(reviews.company.max(initial=-1)) + 1
        right = flags & reviews.bad

        def count(rows: Flags) -> Floats:
            return np.bincount(reviews.company[rows], minlength=n).astype(np.float64)

        first = np.full(n, np.inf)
        np.minimum.at(first, reviews.company[right], reviews.at[right])
        falls, warns = np.full(n, np.nan), np.full(n, np.nan)
        falls[reviews.company[right]] = reviews.falls[right]
        warns[reviews.company[right]] = reviews.warns[right]
        leads = ((day - first) / MONTH_DAYS for day in (warns, falls))
        lead_30, lead_90 = (np.where(np.isfinite(first), lead, np.nan) for lead in leads)
        return cls(count(flags), count(right), np.minimum(count(reviews.bad), 1), lead_30, lead_90)

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Each figure for every row of ``weights`` (samples, borrowers)."""
        caught = (~np.isnan(self.lead_90)).astype(np.float64)
        early = (np.nan_to_num(self.lead_30, nan=-1) > 0).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "precision": weights @ self.hits / (weights @ self.flags),
                "recall": weights @ caught / (weights @ self.bad),
                "early": weights @ early / (weights @ self.bad),
                "lead_30": _medians(self.lead_30, weights),
                "lead_90": _medians(self.lead_90, weights),
            }


def _medians(values: Floats, weights: Floats) -> Floats:
    """The weighted median of the values that are known, for every row of ``weights``."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(len(weights), np.nan)
    order = known[np.argsort(values[known], kind="stable")]
    totals = np.cumsum(weights[:, order], axis=1)
    places = (totals < totals[:, -1:] / 2).sum(axis=1)
    return np.where(totals[:, -1] > 0, values[order][np.minimum(places, len(order) - 1)], np.nan)
