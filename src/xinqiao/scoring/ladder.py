"""What each source adds (逐源增益): one card after another, each with the columns of one more group.

Every rung is judged on companies its card has not seen: out of fold at one date, and out of time, learned
at an earlier date. Gains are paired: the same resampled companies judge a rung and the one below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xinqiao.kernel.text import Text
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.compiled import woe_matrix
from xinqiao.scoring.metrics import DIGITS, Ranking, auc
from xinqiao.scoring.validation import log_odds_of, out_of_fold
from xinqiao.scoring.woe_binner import WOEBinner

LEAK = 0.90
"""An AUC from which on a credit model has probably seen the outcome."""
SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Cases:
    """Columns and outcomes (rows,), 1.0 bad, of companies at one date."""

    X: Columns
    bad: Floats


@dataclass(frozen=True, slots=True)
class Measured:
    """An AUC with its 95 % bootstrap interval over companies, and its gain over the rung below."""

    auc: float
    low: float
    high: float
    gain: float | None
    gain_low: float | None
    gain_high: float | None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: the group added, how many columns have values by now, and how good the card is.

    ``out_of_time`` is None without an earlier date. ``leak``: an AUC of ``LEAK`` or more.
    """

    name: Text
    columns: int
    added: int
    out_of_fold: Measured
    out_of_time: Measured | None

    @property
    def leak(self) -> bool:
        """Whether the AUC is too good to be true."""
        return max(m.auc for m in (self.out_of_fold, self.out_of_time) if m is not None) >= LEAK

    def without_gain(self) -> Rung:
        """The rung when its group told nothing new."""
        later = None if self.out_of_time is None else _still(self.out_of_time)
        return replace(self, out_of_fold=_still(self.out_of_fold), out_of_time=later)


def _still(measured: Measured) -> Measured:
    return replace(measured, gain=None, gain_low=None, gain_high=None)


def climb(
    groups: Sequence[tuple[Text, Sequence[str]]],
    now: Cases,
    before: Cases | None,
    make: Callable[[], Any],
    *,
    folds: int = 5,
    seed: int = 0,
    tick: Callable[[Text], None] = lambda _: None,
) -> list[Rung]:
    """A rung a group of columns, in order; a group without any value adds a rung that says so.

    ``make()`` gives an unfitted classifier; ``before`` holds the cases an out-of-time card learns from.
    """
    names: list[str] = []
    out: list[Rung] = []
    last: tuple[Floats | None, Floats | None] = (None, None)
    for name, columns in groups:
        tick(name)
        added = [c for c in columns if _tells(now.X, c)]
        names += added
        if added:
            seen = _scores(names, now, before, make, folds=folds, seed=seed)
            inside = _measured(seen[0], last[0], now.bad, seed)
            later = None if seen[1] is None else _measured(seen[1], last[1], now.bad, seed)
            out.append(Rung(name, len(names), len(added), inside, later))
            last = seen
        elif out:
            out.append(replace(out[-1], name=name, added=0).without_gain())
    return out


def _tells(X: Columns, name: str) -> bool:
    column = X.column(name)
    return column.dtype != object and bool((~np.isnan(column)).any())


def _scores(
    names: Sequence[str], now: Cases, before: Cases | None, make: Callable[[], Any], *, folds: int, seed: int
) -> tuple[Floats, Floats | None]:
    """Log odds of the companies of ``now``, out of fold and out of time."""
    X = now.X.select(names)
    unseen = out_of_fold(make, X, now.bad, folds=folds, repeats=1, seed=seed).log_odds[0]
    if before is None:
        return unseen, None
    return unseen, log_odds_of(make().fit(before.X.select(names), before.bad), X)


def _measured(risk: Floats, below: Floats | None, bad: Floats, seed: int) -> Measured:
    drawn = resampled_auc([risk, *([] if below is None else [below])], bad, seed)
    low, high = _interval(drawn[0])
    if below is None:
        return Measured(round(auc(risk, bad), DIGITS), low, high, None, None, None)
    gain_low, gain_high = _interval(drawn[0] - drawn[1])
    gain = round(auc(risk, bad) - auc(below, bad), DIGITS)
    return Measured(round(auc(risk, bad), DIGITS), low, high, gain, gain_low, gain_high)


def resampled_auc(risks: Sequence[Floats], bad: Floats, seed: int, samples: int = SAMPLES) -> Floats:
    """AUC of every score on the same resampled companies, shape (scores, samples)."""
    generator, rankings = np.random.default_rng(seed), [Ranking.of(risk) for risk in risks]
    chunk = max(1, min(samples, 2_000_000 // len(bad)))
    parts = []
    for start in range(0, samples, chunk):
        size = min(chunk, samples - start)
        weight = generator.multinomial(len(bad), np.full(len(bad), 1 / len(bad)), size=size).astype(
            np.float64
        )
        parts.append(np.array([ranking.auc(bad, weight) for ranking in rankings]))
    return np.concatenate(parts, axis=1)


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values[~np.isnan(values)], [0.025, 0.975])
    return round(float(low), DIGITS), round(float(high), DIGITS)


def strongest(cases: Cases, signs: Mapping[str, int], limit: int = 5) -> list[tuple[str, float]]:
    """The columns that alone tell most, with the AUC of their binned WOE on the same companies."""
    binner = WOEBinner(signs=signs)
    variables = binner.fit(cases.X, cases.bad).variables_
    woe = woe_matrix(tuple(variables), cases.X)
    found = [(v.name, round(auc(-woe[:, i], cases.bad), DIGITS)) for i, v in enumerate(variables)]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]
