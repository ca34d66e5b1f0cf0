"""Industry overlays (行业叠加): one points card, its points moved for an industry as far as its data carry.

An overlay multiplies the points of each variable by a weight >= 0 and shifts the base; bins, signs and
codes stay those of the card. Weights and shift are a logistic regression on what the card's variables
say, with the parent's weights as the mean of a Gaussian prior: the card itself for a section of GB/T
4754, the section for a division, the division for a group. The prior's two standard deviations of a
level, of the shift and of the weights, are those under which the outcomes of all its industries are
likeliest (empirical Bayes, by Laplace's approximation at the parent; Efron and Morris, 1975). Where no
deviation makes them likelier, where an industry is thin, or where rounded points come out alike, the
parent serves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from xinqiao.scoring.card import Card, Frozen, Variable
from xinqiao.scoring.codes import Codes
from xinqiao.scoring.columns import Column, Columns, Floats, validated
from xinqiao.scoring.compiled import compile_card
from xinqiao.scoring.fitter import OddsClassifier
from xinqiao.scoring.logistic import Fit, Penalty, fit_logistic
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segment import INDUSTRY

LEVELS = (1, 3, 4)
"""Lengths of the codes of a section, a division and a group: C, C13, C131."""
LEAST_ROWS, LEAST_BADS = 50, 5
"""A thinner industry is its parent, without asking the data."""
SHIFTS = (0.0, 0.1, 0.2, 0.4, 0.8)
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Prior standard deviations, in log odds: of the shift, and of an effect per standard deviation of it."""
EVIDENCE = 1.0
"""Nats by which deviations must make the outcomes of a level likelier than none."""
NONE = 1e-6
DIGITS = 6


class Overlay(Frozen):
    """What one industry changes of a card.

    ``industry``: code of GB/T 4754; ``parent``: that of the overlay it was drawn towards, None for the
    card itself. ``points``: variable -> points by bin, for the variables that differ. ``weights``: what
    the card's points were multiplied by before they were rounded.
    """

    industry: str
    parent: str | None = None
    rows: int = 0
    bads: int = 0
    base_points: float
    points: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    weights: dict[str, float] = Field(default_factory=dict)

    def on(self, card: Card) -> Card:
        """``card`` with the points of this overlay; raises ValueError when it is of another card."""
        by_name = {v.name: v for v in card.variables}
        if any(name not in by_name or len(p) != len(by_name[name].bins) for name, p in self.points.items()):
            message = f"overlay {self.industry} does not fit the bins of its card"
            raise ValueError(message)
        variables = tuple(_with_points(v, self.points.get(v.name)) for v in card.variables)
        return card.model_copy(update={"base_points": self.base_points, "variables": variables})


def _with_points(variable: Variable, points: Sequence[float] | None) -> Variable:
    if points is None:
        return variable
    bins = (b.model_copy(update={"points": p}) for b, p in zip(variable.bins, points, strict=True))
    return variable.model_copy(update={"bins": tuple(bins)})


@cache
def _sections() -> dict[str, str]:
    """Two digits of a division -> its section's letter (GB/T 4754-2017)."""
    text = files("xinqiao").joinpath("catalog", "codes", "industries_2017.csv").read_text("utf-8-sig")
    codes = (line.partition(",")[0] for line in text.splitlines())
    return {code[1:]: code[0] for code in codes if len(code) == LEVELS[1] and code[0].isalpha()}


@cache
def industry_path(code: str | None) -> tuple[str, ...]:
    """Section, division and group of a code of GB/T 4754, with or without its letter, as far as it goes.

    ``C1310`` and ``1310`` give C, C13, C131. A code whose division the standard does not know gives its
    letter, or nothing.
    """
    if not code:
        return ()
    letter, digits = (code[0], code[1:]) if code[0].isalpha() else ("", code)
    section = _sections().get(digits[:2], "")
    if not section or (letter and letter != section):
        return (letter,) if letter in _sections().values() and not digits else ()
    full = section + digits
    return tuple(full[:n] for n in LEVELS if n <= len(full))


def deepest(code: str | None, known: Collection[str]) -> str | None:
    """The finest industry of ``code`` that is in ``known``; None where none is."""
    return next((level for level in reversed(industry_path(code)) if level in known), None)


@dataclass(frozen=True, slots=True)
class _Effects:
    """Log odds of bad that the card's variables give each row, in standard deviations, (rows, variables).

    ``at`` are the places of the variables on the card; those that give every row the same are left out.
    """

    x: Floats
    spread: Floats
    at: NDArray[np.intp]

    @classmethod
    def of(cls, card: Card, codes: Codes) -> _Effects:
        x = np.zeros(codes.shape)
        for i, v in enumerate(card.variables):
            x[:, i] = (np.array([b.points for b in v.bins]) / -card.scale.factor)[codes[:, i]]
        spread = x.std(axis=0)
        at = np.flatnonzero(spread > 0)
        return cls(x[:, at] / spread[at], spread[at], at)


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one industry and the fit it is drawn towards."""

    x: Floats
    bad: Floats
    parent: Fit


@dataclass(frozen=True, slots=True)
class _Prior:
    """Standard deviations of shift and weights, and the nats of evidence for them over none."""

    shift: float
    weights: float
    evidence: float

    def penalty(self, parent: Fit) -> Penalty:
        """The prior around ``parent``, as a penalty on shift and weights."""
        level = (max(self.shift, NONE) ** -2, parent.intercept)
        return Penalty(max(self.weights, NONE) ** -2, mean=parent.coefficients, level=level)


def fit_overlays(card: Card, X: Columns, bad: Floats, industries: Column) -> tuple[Overlay, ...]:
    """Overlays of ``card`` for the industries of its rows, parents before children.

    ``X`` holds the card's columns, ``bad`` and ``industries`` (codes, None unknown) have shape (rows,).
    Raises ValueError for a card with two-way terms.
    """
    if card.pairs:
        message = "an overlay needs a card without two-way terms"
        raise ValueError(message)
    effects = _Effects.of(card, compile_card(card).codes(X))
    start = Fit(card.log_odds(card.base_points), effects.spread)
    paths = [industry_path(code) for code in industries.tolist()]
    fits: dict[str, Fit] = {}
    found: dict[str, Overlay] = {}
    for length in LEVELS:
        groups = {}
        for code, rows in _members(paths, length, bad).items():
            parent = fits.get(deepest(code, fits) or "", start)
            groups[code] = _Group(effects.x[rows], bad[rows], parent)
        prior = _likeliest(list(groups.values()))
        if prior.evidence < EVIDENCE:
            continue
        drawn = {code: _drawn(group, prior) for code, group in groups.items()}
        for code, fit in drawn.items():
            overlay = _overlay(card, effects, fit, code, parent=deepest(code, found), bad=groups[code].bad)
            if _moves(overlay, found.get(overlay.parent or ""), card):
                fits[code], found[code] = fit, overlay
    return tuple(found.values())


def _members(paths: Sequence[tuple[str, ...]], length: int, bad: Floats) -> dict[str, NDArray[np.intp]]:
    """Industry of one level -> its rows, for those that are not too thin."""
    places: dict[str, list[int]] = {}
    for row, path in enumerate(paths):
        for code in path:
            if len(code) == length:
                places.setdefault(code, []).append(row)
    out = {}
    for code in sorted(places):
        rows = np.asarray(places[code], dtype=np.intp)
        bads = bad[rows].sum()
        if len(rows) >= LEAST_ROWS and min(bads, len(rows) - bads) >= LEAST_BADS:
            out[code] = rows
    return out


def _likeliest(groups: Sequence[_Group]) -> _Prior:
    """The prior under which the outcomes of all ``groups`` are likeliest; none where no deviation helps."""
    local = [_local(group) for group in groups]
    none = _Prior(0.0, 0.0, 0.0)
    if not local:
        return none
    tried = [
        _Prior(shift, weights, sum(_evidence(score, hessian, shift, weights) for score, hessian in local))
        for shift, weights in product(SHIFTS, WEIGHTS)
        if shift or weights
    ]
    return max([none, *tried], key=lambda prior: prior.evidence)


def _local(group: _Group) -> tuple[Floats, Floats]:
    """Score and information of shift and weights at the parent, shapes (1 + p,) and (1 + p, 1 + p)."""
    x = np.column_stack([np.ones(len(group.bad)), group.x])
    p = expit(group.parent.log_odds(group.x))
    return x.T @ (group.bad - p), (x.T * (p * (1 - p))) @ x


def _evidence(score: Floats, information: Floats, shift: float, weights: float) -> float:
    """Log of the likelihood with deviations integrated out, over that without any (Laplace)."""
    strength = np.full(len(score), max(weights, NONE) ** -2)
    strength[0] = max(shift, NONE) ** -2
    factor = cho_factor(information + np.diag(strength), lower=True)
    spread = np.log(strength).sum() / 2 - np.log(np.diag(factor[0])).sum()
    return float(score @ cho_solve(factor, score) / 2 + spread)


def _drawn(group: _Group, prior: _Prior) -> Fit:
    """Shift and weights of one industry, drawn towards its parent's."""
    return fit_logistic(group.x, group.bad, prior.penalty(group.parent), start=group.parent)


def _overlay(
    card: Card, effects: _Effects, fit: Fit, code: str, *, parent: str | None, bad: Floats
) -> Overlay:
    """The fit of an industry as points."""
    points, weights = {}, {}
    for place, weight in zip(effects.at.tolist(), (fit.coefficients / effects.spread).tolist(), strict=True):
        variable = card.variables[place]
        weights[variable.name] = round(weight, DIGITS)
        before = tuple(b.points for b in variable.bins)
        after = tuple(round(p * weight, card.digits) + 0.0 for p in before)
        if after != before:
            points[variable.name] = after
    return Overlay(
        industry=code,
        parent=parent,
        rows=len(bad),
        bads=int(bad.sum()),
        base_points=round(card.scale.offset - card.scale.factor * fit.intercept, card.digits),
        points=points,
        weights=weights,
    )


def _moves(overlay: Overlay, parent: Overlay | None, card: Card) -> bool:
    """Whether rounded points differ from those of the parent."""
    base, points = (card.base_points, {}) if parent is None else (parent.base_points, parent.points)
    return overlay.base_points != base or overlay.points != points


class OverlayCard(OddsClassifier):
    """A card and its industry overlays, learned together; scores by them and nothing else.

    ``estimator`` is any classifier with ``card_`` once fitted (``Scorecard`` by default). The column
    ``industry`` of X holds codes of GB/T 4754 and is no variable of the card.

    Attributes: ``card_``, ``overlays_`` (parents before children), ``classes_``.
    """

    def __init__(
        self,
        estimator: Any = None,  # noqa: ANN401 - any classifier with card_
        *,
        industry: str = INDUSTRY,
    ) -> None:
        self.estimator = estimator
        self.industry = industry

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        inner = columns.select([n for n in columns.names if n != self.industry])
        base = Scorecard() if self.estimator is None else self.estimator
        self.card_ = clone(base).fit(inner, bad).card_
        self.overlays_ = fit_overlays(self.card_, inner, bad, texts(columns, self.industry))

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Log odds of the bad class by the points of each row's industry, shape (rows,)."""
        check_is_fitted(self)
        columns = validated(self, X, reset=False)
        points, _ = overlaid(self.card_, self.overlays_, columns, texts(columns, self.industry))
        out: Floats = (self.card_.scale.offset - points) / self.card_.scale.factor
        return out


def texts(columns: Columns, name: str) -> Column:
    """A column of texts; a column without any value holds None only."""
    column = columns.column(name)
    out = np.full(columns.rows, None, dtype=object)
    if column.dtype == object:
        present = ~pd.isna(column)
        out[present] = column[present]
    return out


def overlaid(
    card: Card, overlays: Sequence[Overlay], X: Columns, industries: Column
) -> tuple[Floats, NDArray[np.intp]]:
    """Points of every row and the place of its overlay (-1: the card itself), each of shape (rows,).

    Codes are worked out once; each industry has its own row in every variable's table of points.
    """
    ready = compile_card(card)
    place = _places(overlays, industries)
    cards = [card, *(overlay.on(card) for overlay in overlays)]
    total = np.array([c.units(c.base_points) for c in cards], dtype=np.int64)[place + 1]
    codes = ready.codes(X)
    for i, variables in enumerate(zip(*(c.variables for c in cards), strict=True)):
        table = np.array([[card.units(b.points) for b in v.bins] for v in variables], dtype=np.int64)
        total += table[place + 1, codes[:, i]]
    for left, right, grid in ready.grids:
        total += np.array(grid, dtype=np.int64)[codes[:, left], codes[:, right]]
    return ready.points(total), place


def _places(overlays: Sequence[Overlay], industries: Column) -> NDArray[np.intp]:
    """Place of each row's overlay, -1 for none, shape (rows,)."""
    known = {overlay.industry: i for i, overlay in enumerate(overlays)}
    numbers, words = pd.factorize(industries, use_na_sentinel=True)
    found = [known[at] if (at := deepest(word, known)) is not None else -1 for word in words.tolist()]
    out: NDArray[np.intp] = np.array([*found, -1], dtype=np.intp)[numbers]
    return out
