"""Measures of a score: AUC, KS, Brier, log-loss, ROC, calibration bins, stability index, intervals.

``risk`` always means: higher is riskier. ``bad`` is 1.0 for a bad company, 0.0 for a good one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.scoring.columns import Floats

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in ascending order of risk with ties grouped, so that resampled AUCs need no new sort."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, risk: Floats) -> Ranking:
        """The ranking of ``risk``, shape (rows,)."""
        order = np.argsort(risk, kind="stable")
        ordered = risk[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        return cls(order, starts)

    def groups(self, weight: Floats) -> Floats:
        """Sums of ``weight`` (..., rows) per group of ties (..., groups)."""
        out: Floats = np.add.reduceat(weight[..., self.order], self.starts, axis=-1)
        return out

    def auc(self, bad: Floats, weight: Floats) -> Floats:
        """AUC for each row of ``weight`` (samples, rows); ties count half; NaN where one class is empty."""
        bads, goods = self.groups(weight * bad), self.groups(weight * (1 - bad))
        below = np.cumsum(goods, axis=-1) - goods / 2
        total = bads.sum(axis=-1) * goods.sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            out: Floats = (bads * below).sum(axis=-1) / total
        return out


def auc(risk: Floats, bad: Floats) -> float:
    """Chance that a bad company has the higher risk than a good one, ties half (Mann-Whitney)."""
    return float(Ranking.of(risk).auc(bad, np.ones((1, len(bad))))[0])


def roc(risk: Floats, bad: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates from the riskiest down, both starting at 0 and ending at 1."""
    ranking = Ranking.of(risk)
    bads = np.cumsum(ranking.groups(bad)[::-1])
    goods = np.cumsum(ranking.groups(1 - bad)[::-1])
    return np.r_[0.0, goods / goods[-1]], np.r_[0.0, bads / bads[-1]]


def ks(risk: Floats, bad: Floats) -> float:
    """Greatest distance between the distributions of goods and bads (Kolmogorov-Smirnov)."""
    false, true = roc(risk, bad)
    return float(np.max(np.abs(true - false)))


def brier(pd: Floats, bad: Floats) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((pd - bad) ** 2))


def log_loss(pd: Floats, bad: Floats) -> float:
    """Mean log loss in nats; probabilities are kept 1e-15 away from 0 and 1."""
    p = np.clip(pd, 1e-15, 1 - 1e-15)
    return float(-np.mean(bad * np.log(p) + (1 - bad) * np.log1p(-p)))


def bootstrap_auc(risks: Floats, bad: Floats, samples: int, seed: int) -> tuple[float, float]:
    """95 % percentile interval of the mean AUC over repeats, resampling companies.

    ``risks`` has shape (repeats, rows). Samples without both classes are left out.
    """
    generator = np.random.default_rng(seed)
    rankings = [Ranking.of(risk) for risk in risks]
    share = np.full(len(bad), 1 / len(bad))
    chunk = max(1, min(samples, 4_000_000 // len(bad)))
    found: list[Floats] = []
    for start in range(0, samples, chunk):
        size = min(chunk, samples - start)
        weight = generator.multinomial(len(bad), share, size=size).astype(np.float64)
        found.append(np.mean([r.auc(bad, weight) for r in rankings], axis=0))
    values = np.concatenate(found)
    low, high = np.quantile(values[~np.isnan(values)], [0.025, 0.975])
    return float(low), float(high)


def calibration_bins(pd: Floats, bad: Floats, bins: int) -> list[tuple[int, float, float]]:
    """Companies, mean PD and share of bads in groups of equal size from safest to riskiest."""
    order = np.argsort(pd, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(len(p), float(pd[p].mean()), float(bad[p].mean())) for p in parts]


def stability_index(expected: Sequence[float] | Floats, actual: Sequence[float] | Floats) -> float:
    """Population stability index of two sets of bin counts, in nats.

    sum (a - e) ln(a / e) over shares a, e; an empty bin is given half a company. Below 0.1 is
    stable, above 0.25 shifted, by custom. Raises ValueError on unequal lengths or an empty side.
    """
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.shape != a.shape or e.sum() <= 0 or a.sum() <= 0:
        message = "both sides need the same bins and at least one company"
        raise ValueError(message)
    empty = (e == 0) | (a == 0)
    used = ~((e == 0) & (a == 0))
    e, a = np.where(empty, np.maximum(e, 0.5), e), np.where(empty, np.maximum(a, 0.5), a)
    e, a = e[used] / e[used].sum(), a[used] / a[used].sum()
    return math.fsum(((a - e) * np.log(a / e)).tolist())


def stability_of_values(expected: Floats, actual: Floats, bins: int = 10) -> float:
    """Stability index of a column or score: bins are quantiles of ``expected``, missing has its own."""
    present = np.sort(expected[~np.isnan(expected)])
    cuts = np.unique(present[(np.arange(1, bins) * len(present)) // bins]) if len(present) else np.empty(0)
    return stability_index(_counts(expected, cuts), _counts(actual, cuts))


def _counts(values: Floats, cuts: Floats) -> Floats:
    codes = np.searchsorted(cuts, values, side="right")
    codes[np.isnan(values)] = len(cuts) + 1
    return np.bincount(codes, minlength=len(cuts) + 2).astype(np.float64)
