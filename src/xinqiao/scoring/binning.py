"""Supervised monotone binning with weight of evidence (WOE), as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted

from xinqiao.kernel.text import Text
from xinqiao.scoring.card import MISSING, OTHER, Bin, Kind, Variable
from xinqiao.scoring.codes import Codes
from xinqiao.scoring.columns import Column, Columns, Floats, binary_target, is_text, validated
from xinqiao.scoring.compiled import variable_codes, woe_matrix
from xinqiao.scoring.merging import Block, EmptyMissing, Rules, Totals, merge_blocks
from xinqiao.scoring.trend import trend_rates

Specials = tuple[tuple[float | str, ...], ...]
Sign = Literal[-1, 0, 1]
DIGITS = 6  # decimals kept of WOE, IV and coefficients, so that a card's bytes do not hang on the last bit


def fit_variable(
    name: str, column: Column, y: Floats, *, sign: int, rules: Rules, specials: Specials = ()
) -> Variable:
    """Bin one column against ``y`` (1 = bad); both of shape (rows,).

    The result carries counts, WOE and IV; points are still 0.
    """
    if is_text(column):
        return _fit_categorical(name, column, y, rules=rules, specials=specials)
    totals = Totals(float(len(y)), float(y.sum()))
    special = np.isin(column, [v for group in specials for v in group])
    plain = ~(np.isnan(column) | special)
    soft = y
    edges: tuple[float, ...] = ()
    if plain.any():
        fine = _Fine(column[plain], rules.prebins)
        soft = y.copy()
        soft[plain] = fine.soften(y[plain], sign, rules.trend)
        edges = fine.edges(soft[plain], sign, totals, rules)
    shape = unfilled(name, specials, sign=sign, edges=edges)
    return filled(shape, column, y, soft, rules)


def _groups(specials: Sequence[Sequence[float | str]]) -> Specials:
    return tuple(tuple(group) for group in specials)


class _Fine:
    """Quantile bins of the ordinary values of one column, at least one."""

    def __init__(self, x: Floats, prebins: int) -> None:
        self.ordered = np.sort(x)
        starts = np.unique(self.ordered[(np.arange(prebins) * len(x)) // prebins])
        if len(starts) == 1 and starts[0] < self.ordered[-1]:
            second = self.ordered[np.searchsorted(self.ordered, starts[0], side="right")]
            starts = np.append(starts, second)
        self.starts = starts
        self.codes = np.searchsorted(starts, x, side="right") - 1
        self.rows: list[float] = np.bincount(self.codes, minlength=len(starts)).astype(float).tolist()

    def bads(self, y: Floats) -> list[float]:
        """Sums of ``y`` per fine bin."""
        sums: list[float] = np.bincount(self.codes, weights=y, minlength=len(self.starts)).tolist()
        return sums

    def soften(self, y: Floats, sign: int, weight: float) -> Floats:
        """Outcomes mixed with the trend's rate, as if ``weight`` companies lay on the trend."""
        if weight == 0:
            return y
        rates = np.asarray(trend_rates(self.rows, self.bads(y), sign))
        share = weight / (weight + len(y))
        out: Floats = (1 - share) * y + share * rates[self.codes]
        return out

    def edges(self, y: Floats, sign: int, totals: Totals, rules: Rules) -> tuple[float, ...]:
        """Cuts between the merged bins, each a short decimal between two neighbouring values."""
        blocks = merge_blocks(list(zip(self.rows, self.bads(y), strict=True)), sign, totals, rules)
        highs = [float(self.starts[b.first]) for b in blocks[1:]]
        below = [float(self.ordered[np.searchsorted(self.ordered, high, side="left") - 1]) for high in highs]
        return tuple(short_cut(low, high) for low, high in zip(below, highs, strict=True))


def short_cut(low: float, high: float) -> float:
    """The number with the fewest digits in (low, high], near the middle; low < high."""
    middle = low + (high - low) / 2
    for digits in range(1, 17):
        cut = float(f"{middle:.{digits}g}")
        if low < cut <= high:
            return cut
    return high


def _range_labels(edges: Sequence[float]) -> list[Text]:
    if not edges:
        return [Text(zh="任意值", en="any value")]
    shown = [f"{e:.12g}" for e in edges]
    middle = [f"[{a}, {b})" for a, b in pairwise(shown)]
    return [Text(zh=t, en=t) for t in (f"< {shown[0]}", *middle, f"≥ {shown[-1]}")]


def _fit_categorical(name: str, column: Column, y: Floats, *, rules: Rules, specials: Specials) -> Variable:
    """Common categories are ordered by bad rate and merged; rare and unseen ones fall in ``other``."""
    totals = Totals(float(len(y)), float(y.sum()))
    place, distinct = pd.factorize(column)
    known = place >= 0
    n = np.bincount(place[known], minlength=len(distinct))
    bad = np.bincount(place[known], weights=y[known], minlength=len(distinct))
    taken = {v for group in specials for v in group}
    common = [i for i, c in enumerate(distinct) if c not in taken and n[i] >= totals.n * rules.min_share]
    common.sort(key=lambda i: (bad[i] / n[i], str(distinct[i])))
    counts = [(float(n[i]), float(bad[i])) for i in common]
    blocks = merge_blocks(counts, 0, totals, rules) if counts else []
    groups = tuple(_members(b, common, distinct) for b in blocks)
    shape = unfilled(name, specials, categories=groups)
    return filled(shape, column, y, y, rules)


def _members(block: Block, common: list[int], distinct: NDArray[Any]) -> tuple[str, ...]:
    return tuple(sorted(str(distinct[i]) for i in common[block.first : block.last + 1]))


def unfilled(
    name: str,
    specials: Specials = (),
    *,
    sign: int = 0,
    edges: tuple[float, ...] = (),
    categories: tuple[tuple[str, ...], ...] | None = None,
) -> Variable:
    """A variable with its bins named but not yet counted; ``categories`` None: numeric, cut at ``edges``."""
    if categories is None:
        labels = _range_labels(edges)
        kinds: list[Kind] = ["range"] * len(labels)
    else:
        labels = [*(Text(zh="、".join(g), en=", ".join(g)) for g in categories), OTHER]
        kinds = ["category"] * len(categories)
        kinds.append("other")
    bins = [Bin(kind=kind, label=label) for kind, label in zip(kinds, labels, strict=True)]
    for group in specials:
        shown = ", ".join(f"{v:g}" if isinstance(v, int | float) else v for v in group)
        bins.append(Bin(kind="special", label=Text(zh=f"特殊值 {shown}", en=f"special {shown}")))
    bins.append(Bin(kind="missing", label=MISSING))
    return Variable(
        name=name,
        sign=cast("Sign", sign),
        kind="numeric" if categories is None else "categorical",
        edges=edges,
        categories=categories or (),
        specials=specials,
        bins=tuple(bins),
    )


def filled(shape: Variable, column: Column, y: Floats, soft: Floats, rules: Rules) -> Variable:
    """``shape`` with counts of ``y``, WOE and IV of the softened outcomes ``soft``."""
    totals = Totals(float(len(y)), float(y.sum()))
    codes = variable_codes(shape, column)
    n = np.bincount(codes, minlength=len(shape.bins)).tolist()
    bad = np.bincount(codes, weights=y, minlength=len(shape.bins)).tolist()
    sums = np.bincount(codes, weights=soft, minlength=len(shape.bins)).tolist()
    woe = [round(totals.woe(a, b, rules.smoothing), DIGITS) + 0.0 for a, b in zip(n, sums, strict=True)]
    worst = min((w for w, a in zip(woe, n, strict=True) if a), default=0.0)
    bins = []
    for i, empty in enumerate(shape.bins):
        pessimistic = n[i] == 0 and rules.empty_missing == "pessimistic" and i >= shape.first_special
        value = min(worst, 0.0) if pessimistic else woe[i]
        bins.append(empty.model_copy(update={"count": int(n[i]), "bad": int(bad[i]), "woe": value}))
    goods, bads = totals.n - totals.bad, totals.bad
    shares = (((a - b) / goods - b / bads) * w for a, b, w in zip(n, sums, woe, strict=True))
    return shape.model_copy(update={"bins": tuple(bins), "iv": round(sum(shares), DIGITS)})


class WOEBinner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Monotone supervised binning; ``transform`` gives WOE, higher is better.

    Columns may be numbers (with NaN) or, in frames, texts. Missing and special values have bins of
    their own, always. ``signs`` maps column name to the a-priori direction (+1 higher is better,
    -1 higher is worse, 0 or absent: not stated); the WOE of ordinary bins follows it without
    exception. The other settings are those of ``merging.Rules``.

    Attributes: ``variables_`` (one ``Variable`` per column), ``classes_`` (bad class second).
    """

    def __init__(
        self,
        *,
        signs: Mapping[str, int] | None = None,
        specials: Mapping[str, Specials] | None = None,
        prebins: int = 20,
        max_bins: int = 8,
        min_share: float = 0.05,
        smoothing: float = 2.0,
        trend: float = 100.0,
        merge_chi2: float = 2.7,
        empty_missing: EmptyMissing = "neutral",
    ) -> None:
        self.signs = signs
        self.specials = specials
        self.prebins = prebins
        self.max_bins = max_bins
        self.min_share = min_share
        self.smoothing = smoothing
        self.trend = trend
        self.merge_chi2 = merge_chi2
        self.empty_missing = empty_missing

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ANN401 - scikit-learn's own duck types
        """Bin every column of ``X`` (rows, columns) against the binary ``y`` (rows,)."""
        columns = validated(self, X, reset=True)
        bad = binary_target(self, columns.rows, y)
        self.variables_ = self.bin_columns(columns, bad)
        self._n_features_out = len(self.variables_)
        return self

    def bin_columns(self, columns: Columns, bad: Floats) -> tuple[Variable, ...]:
        """The variables ``fit`` would make, without the checks and without changing the estimator."""
        signs, specials = self.signs or {}, self.specials or {}
        rules = Rules(
            prebins=self.prebins,
            max_bins=self.max_bins,
            min_share=self.min_share,
            smoothing=self.smoothing,
            trend=self.trend,
            merge_chi2=self.merge_chi2,
            empty_missing=self.empty_missing,
        )
        return tuple(
            fit_variable(
                name,
                column,
                bad,
                sign=signs.get(name, 0),
                rules=rules,
                specials=_groups(specials.get(name, ())),
            )
            for name, column in zip(columns.names, columns.data, strict=True)
        )

    def transform(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """WOE of every cell, shape (rows, columns)."""
        check_is_fitted(self)
        return np.ascontiguousarray(woe_matrix(self.variables_, validated(self, X, reset=False)))

    def transform_codes(self, X: Any) -> Codes:  # noqa: ANN401 - scikit-learn's own duck types
        """Bin codes of every cell, uint8, shape (rows, columns)."""
        columns = validated(self, X, reset=False)
        pairs = zip(self.variables_, columns.data, strict=True)
        return np.column_stack([variable_codes(v, c) for v, c in pairs])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ANN401 - scikit-learn's own duck types
        """One output per input column, with the column's name."""
        check_is_fitted(self)
        names = np.asarray([v.name for v in self.variables_], dtype=object)
        if input_features is not None and list(input_features) != list(names):
            message = "input_features is not equal to feature_names_in_"
            raise ValueError(message)
        return names
