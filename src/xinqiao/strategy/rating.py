"""Bank ratings from PDs (评级对应): which PDs belong to A, B, C and D, learned from rated companies.

The bank's rating was given by its staff and is never a feature of the model. Here it only says where on
the PD axis the classes lie: PDs of the rated companies by models that never saw them (out of fold) are
sorted, and cut so that as many fall into each class as the bank rated so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.strategy.applicant import rating_of
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.terms import RATINGS, REFUSED

CLASSES = (*RATINGS, REFUSED)


@dataclass(frozen=True)
class Agreement:
    """How the ratings by PD agree with the bank's.

    ``matrix``: shape (4, 4), rows the bank's A-D, columns by PD. ``exact``, ``within_one``: shares;
    ``kappa``: Cohen's kappa with quadratic weights (1 perfect, 0 chance).
    """

    bounds: tuple[float, ...]
    matrix: NDArray[np.int64]
    exact: float
    within_one: float
    kappa: float

    @property
    def companies(self) -> int:
        """Rated companies."""
        return int(self.matrix.sum())


def calibrate_ratings(pd: Floats, ratings: Sequence[str]) -> Agreement | None:
    """Bounds and agreement for the out-of-fold ``pd`` of rated companies; None unless every class occurs."""
    counts = [sum(r == each for r in ratings) for each in CLASSES]
    if not all(counts):
        return None
    ordered = np.sort(pd)
    cuts = np.cumsum(counts)[:-1]
    bounds = tuple(float(np.sqrt(ordered[c - 1] * ordered[c])) for c in cuts)
    if not 0 < bounds[0] < bounds[1] < bounds[2] < 1:
        return None
    matrix = np.zeros((4, 4), dtype=np.int64)
    for p, rating in zip(pd.tolist(), ratings, strict=True):
        matrix[CLASSES.index(rating), CLASSES.index(rating_of(p, bounds))] += 1
    return Agreement(bounds, matrix, *_measures(matrix))


def _measures(matrix: NDArray[np.int64]) -> tuple[float, float, float]:
    total = matrix.sum()
    apart = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    chance = np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / total
    kappa = 1 - float((apart**2 * matrix).sum() / max((apart**2 * chance).sum(), 1e-12))
    return float(np.trace(matrix) / total), float(matrix[apart <= 1].sum() / total), kappa
