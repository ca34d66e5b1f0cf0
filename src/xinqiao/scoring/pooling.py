"""One card for all, one an industry, or overlays between: which serves industries best, by sample size.

Complete, no and partial pooling (Gelman and Hill, 2006, ch. 12). Each repeat splits the companies anew:
three tenths are judged, the models learn from the first n of the others. Within an industry a common
shift does not change the order, so the AUC tells whether weights fit it and the calibration error whether
levels do. Intervals are Student's over repeats, of each method and of its difference from one card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as student
from sklearn.base import clone

from xinqiao.scoring.columns import Column, Columns, Floats
from xinqiao.scoring.metrics import DIGITS, auc
from xinqiao.scoring.overlay import LEVELS, fit_overlays, industry_path, overlaid, texts
from xinqiao.scoring.segment import FACTS, INDUSTRY
from xinqiao.scoring.segmented import SegmentedCard
from xinqiao.scoring.training import MIN_OUTCOMES

Way = Literal["global", "separate", "overlay", "segmented"]
WAYS: tuple[Way, ...] = ("global", "separate", "overlay", "segmented")
HELD_OUT = 0.3
JUDGED = 5
"""Bad and good companies an industry needs among those held out, to be judged."""


@dataclass(frozen=True, slots=True)
class Firms:
    """Columns with the facts of the register, outcomes and, where known, true PDs, shape (rows,)."""

    X: Columns
    bad: Floats
    truth: Floats | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over repeats and its 95 % interval; equal ends with a single repeat."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How one way did at one sample size, over all repeats.

    ``auc``: mean AUC within industries, weighted by their bad companies; ``error``: mean distance of an
    industry's mean PD from its bad rate (from its true PD where that is known), weighted by companies;
    ``overlays``: industries that had points of their own.
    """

    rows: int
    way: Way
    auc: Spread
    auc_gain: Spread
    error: Spread
    error_gain: Spread
    overlays: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """Risk of the held-out companies by one way, and how many industries had points of their own."""

    log_odds: Floats
    own: int


def pooled(
    firms: Firms,
    estimator: Any,  # noqa: ANN401 - any classifier with card_
    sources: Mapping[str, str],
    sizes: Sequence[int],
    *,
    repeats: int = 5,
    seed: int = 0,
    tick: Callable[[int, Way], None] = lambda _rows, _way: None,
) -> list[Standing]:
    """Every way at every size (those beyond what is left to learn from count as all of it).

    ``sources``: column -> its source, which says what a segment may use.
    """
    room = len(firms.bad) - round(HELD_OUT * len(firms.bad))
    out = []
    for rows in sorted({min(size, room) for size in sizes}):
        found: dict[Way, list[tuple[float, float, int]]] = {way: [] for way in WAYS}
        for repeat in range(repeats):
            order = np.random.default_rng([seed, repeat]).permutation(len(firms.bad))
            train, test = order[-room:][:rows], order[:-room]
            for way, trial in _trials(firms, train, test, estimator, sources):
                tick(rows, way)
                found[way].append((*_judged(firms, test, trial.log_odds), trial.own))
        out += [_standing(rows, way, np.array(found[way]), np.array(found["global"])) for way in WAYS]
    return out


def _trials(
    firms: Firms,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    estimator: Any,  # noqa: ANN401 - as above
    sources: Mapping[str, str],
) -> Iterator[tuple[Way, _Trial]]:
    seen, unseen, bad = firms.X.take(train), firms.X.take(test), firms.bad[train]
    plain = [name for name in seen.names if name not in FACTS]
    inner, outer = seen.select(plain), unseen.select(plain)
    industries = texts(seen, INDUSTRY), texts(unseen, INDUSTRY)
    one = clone(estimator).fit(inner, bad)
    base = np.asarray(one.decision_function(outer), dtype=np.float64)
    yield "global", _Trial(base, 0)
    yield "separate", _separate(estimator, (inner, outer), bad, base, industries)
    overlays = fit_overlays(one.card_, inner, bad, industries[0])
    points, _ = overlaid(one.card_, overlays, outer, industries[1])
    scale = one.card_.scale
    yield "overlay", _Trial((scale.offset - points) / scale.factor, len(overlays))
    segmented = SegmentedCard(estimator, sources=sources).fit(seen, bad)
    own = sum(len(route.overlays) for route in segmented.model_.routes)
    yield "segmented", _Trial(segmented.decision_function(unseen), own)


def _separate(
    estimator: Any,  # noqa: ANN401 - any classifier with card_
    X: tuple[Columns, Columns],
    bad: Floats,
    base: Floats,
    industries: tuple[Column, Column],
) -> _Trial:
    """A card a division, learned from its companies alone; where none can be, the card of all.

    ``X`` and ``industries`` are those to learn from and those to score, ``base`` what one card says of these.
    """
    risk, own = base.copy(), 0
    inner, outer = X
    mine, other = map(_divisions, industries)
    for code in sorted(set(mine.tolist()) - {""}):
        rows, places = mine == code, other == code
        bads = bad[rows].sum()
        if min(bads, rows.sum() - bads) < MIN_OUTCOMES or not places.any():
            continue
        card = clone(estimator).fit(inner.take(rows), bad[rows])
        risk[places] = card.decision_function(outer.take(places))
        own += 1
    return _Trial(risk, own)


def _divisions(industries: Column) -> NDArray[np.str_]:
    """The division of each company, empty where unknown."""
    found = [
        next((c for c in industry_path(code) if len(c) == LEVELS[1]), "") for code in industries.tolist()
    ]
    return np.array(found, dtype=np.str_)


def _judged(firms: Firms, test: NDArray[np.intp], log_odds: Floats) -> tuple[float, float]:
    """AUC within industries and calibration error of industries, of the held-out companies."""
    bad, pd = firms.bad[test], expit(log_odds)
    wanted = bad if firms.truth is None else firms.truth[test]
    codes = _divisions(texts(firms.X.take(test), INDUSTRY))
    aucs, bads, errors, sizes = [], [], [], []
    for code in sorted(set(codes.tolist()) - {""}):
        rows = codes == code
        if min(bad[rows].sum(), (1 - bad[rows]).sum()) < JUDGED:
            continue
        aucs.append(auc(log_odds[rows], bad[rows]))
        bads.append(bad[rows].sum())
        errors.append(abs(float(np.nanmean(pd[rows]) - np.nanmean(wanted[rows]))))
        sizes.append(rows.sum())
    if not aucs:
        return np.nan, np.nan
    return float(np.average(aucs, weights=bads)), float(np.average(errors, weights=sizes))


def _standing(rows: int, way: Way, found: Floats, base: Floats) -> Standing:
    return Standing(
        rows=rows,
        way=way,
        auc=_spread(found[:, 0]),
        auc_gain=_spread(found[:, 0] - base[:, 0]),
        error=_spread(found[:, 1]),
        error_gain=_spread(found[:, 1] - base[:, 1]),
        overlays=round(float(found[:, 2].mean()), 1),
    )


def _spread(values: Floats) -> Spread:
    """Mean and Student interval of the repeats that could be judged."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return Spread(np.nan, np.nan, np.nan)
    mean, half = float(known.mean()), 0.0
    if len(known) > 1:
        half = float(student.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Spread(round(mean, DIGITS), round(mean - half, DIGITS), round(mean + half, DIGITS))
