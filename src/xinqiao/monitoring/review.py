"""What a warning is worth (预警效果): a bank can look at so many borrowers a month; whom does a way name?

Every month the borrowers highest by a way's score are looked at, as many as the bank has capacity for; who
was looked at is not named again for some months. All are less than 30 days overdue when they are named.
Precision: how many of those named are 90 days overdue within a year. Recall: of those who reach 30 days
overdue, how many were named within the year before. Lead: months from the first such naming to that day.
Recall and lead are judged on those who reach it after the first half-year of the test, so that every way
had six months at least to see them coming.
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
LOOK_BACK_DAYS = 183.0
FAR_MONTHS = 3.0
REST_MONTHS = 3
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
    """What one way did: namings, precision, recall, recall three months ahead, median leads in months.

    ``gain_far``: recall three months ahead beyond the first way's, on the same resampled borrowers.
    """

    way: str
    named: int
    precision: Figure
    recall: Figure
    far: Figure
    lead_30: Figure
    lead_90: Figure
    gain_far: Figure | None


def named(
    reviews: Reviews, score: Floats, capacity: float, *, rest: int = REST_MONTHS, seed: int = 0
) -> Flags:
    """Who is looked at: every month the highest by ``score``, at most the share ``capacity``; NaN never.

    Who was named rests for the next ``rest`` months. Equal scores are drawn from, so that no way gains by the
    order of rows.
    """
    luck = np.random.default_rng(seed).random(len(score))
    free = np.full(int(reviews.company.max(initial=-1)) + 1, -np.inf)
    out = np.zeros(len(score), dtype=np.bool_)
    for number, month in enumerate(np.unique(reviews.at)):
        rows = np.flatnonzero(reviews.at == month)
        most = math.ceil(capacity * len(rows))
        able = rows[~np.isnan(score[rows]) & (free[reviews.company[rows]] <= number)]
        chosen = able[np.lexsort((luck[able], -score[able]))[:most]]
        out[chosen] = True
        free[reviews.company[chosen]] = number + rest + 1
    return out


def worth(
    reviews: Reviews, ways: Mapping[str, Floats], capacity: float, *, samples: int = 500, seed: int = 0
) -> list[Worth]:
    """The ways (name -> score) at one capacity; the first is what the others are measured against."""
    companies = int(reviews.company.max(initial=-1)) + 1
    draws = np.random.default_rng(seed).multinomial(companies, np.full(companies, 1 / companies), samples)
    weights = np.vstack([np.ones(companies), draws])
    tallies = {
        name: _Tally.of(reviews, named(reviews, score, capacity, seed=seed)) for name, score in ways.items()
    }
    figures = {name: tally.figures(weights) for name, tally in tallies.items()}
    first = next(iter(figures.values()), None)
    return [_worth(name, tallies[name], found, first) for name, found in figures.items()]


def _worth(name: str, tally: _Tally, found: dict[str, Floats], first: dict[str, Floats] | None) -> Worth:
    told = {key: _figure(values) for key, values in found.items()}
    gain = None if first is None or first is found else _figure(found["far"] - first["far"])
    return Worth(name, int(tally.flags.sum()), **told, gain_far=gain)


def _figure(values: Floats) -> Figure:
    """The first value is that of the sample itself, the others those of resampled borrowers."""
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Figure(float(values[0]), float(low), float(high))


def judged(reviews: Reviews) -> Flags:
    """By borrower: whether it reaches 30 days overdue when every way has had half a year to see it coming."""
    out = np.zeros(int(reviews.company.max(initial=-1)) + 1, dtype=np.bool_)
    if len(reviews.at):
        begins, ends = reviews.at.min() + LOOK_BACK_DAYS, reviews.at.max() + MONTH_DAYS
        within = (reviews.warns > begins) & (reviews.warns <= ends)
        out[reviews.company[within]] = True
    return out


@dataclass(frozen=True, slots=True)
class _Tally:
    """Counts by borrower: ``flags`` namings, ``hits`` of them right, ``late`` 1 where it counts for recall.

    ``lead_30``, ``lead_90``: months from its first naming within a year to so many days overdue (NaN: none).
    """

    flags: Floats
    hits: Floats
    late: Floats
    lead_30: Floats
    lead_90: Floats

    @classmethod
    def of(cls, reviews: Reviews, flags: Flags) -> _Tally:
        late = judged(reviews)
        ahead = flags & late[reviews.company] & (reviews.warns - reviews.at <= HORIZON_DAYS)
        first = np.full(len(late), np.nan)
        np.fmin.at(first, reviews.company[ahead], reviews.at[ahead])
        days = []
        for day in (reviews.warns, reviews.falls):
            of = np.full(len(late), np.nan)
            of[reviews.company[ahead]] = day[ahead]
            days.append((of - first) / MONTH_DAYS)
        found, hits = (
            np.bincount(reviews.company[rows], minlength=len(late)).astype(np.float64)
            for rows in (flags, flags & reviews.bad)
        )
        return cls(found, hits, late.astype(np.float64), days[0], days[1])

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Each figure for every row of ``weights`` (samples, borrowers)."""
        caught = (~np.isnan(self.lead_30)).astype(np.float64)
        far = (np.nan_to_num(self.lead_30, nan=-1) >= FAR_MONTHS).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "precision": weights @ self.hits / (weights @ self.flags),
                "recall": weights @ caught / (weights @ self.late),
                "far": weights @ far / (weights @ self.late),
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
