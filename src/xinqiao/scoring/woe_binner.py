"""Supervised monotone binning with weight of evidence (WOE), as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted

from xinqiao.kernel.errors import fail
from xinqiao.scoring.binning import Prebins, Specials, counted, cut, prebins
from xinqiao.scoring.codes import Codes, histograms, joint_terms
from xinqiao.scoring.columns import Columns, Floats, binary_target, validated
from xinqiao.scoring.compiled import variable_codes, woe_matrix
from xinqiao.scoring.merging import EmptyMissing, Rules
from xinqiao.scoring.periods import Periods

SAMPLE = 50_000
"""Rows from which quantiles are taken; with fewer rows from all of them."""


def sample_rows(rows: int, most: int) -> NDArray[np.intp]:
    """``most`` of ``rows`` positions, ascending, the same every time; all when there are no more."""
    if rows <= most:
        return np.arange(rows)
    return np.unique(np.random.default_rng(0).integers(0, rows, most))


class Binned:
    """Columns cut and joined: ``cuts`` and, row by row, the ``codes`` of their fine bins."""

    def __init__(
        self, columns: Columns, bad: Floats, fine: Sequence[Prebins], rules: Rules, period: object = None
    ) -> None:
        self.fine = fine
        self.codes = self.codes_of(columns)
        tables = zip(fine, self._counts(bad), self._periods(bad, period), strict=True)
        self.cuts = [cut(p, rows, bads, rules, by_period) for p, (rows, bads), by_period in tables]

    def _periods(self, bad: Floats, period: object) -> Iterator[Periods | None]:
        """Rows and bads of every column by period, None where no period is given."""
        places = None if period is None else np.unique(np.asarray(period), return_inverse=True)[1]
        if places is not None and places.shape != bad.shape:
            fail("SCR-SETTING", "period", name="period", value=places.shape, wanted=str(bad.shape))
        for fine, codes in zip(self.fine, self.codes, strict=True):
            if places is None:
                yield None
                continue
            shape = (int(places.max()) + 1, fine.size)
            both = [
                counted(places * fine.size + codes, w, shape[0] * shape[1]) for w in (np.ones(len(bad)), bad)
            ]
            yield Periods(both[0].reshape(shape), both[1].reshape(shape))

    def codes_of(self, columns: Columns) -> list[NDArray[Any]]:
        """Fine codes of every column of other rows."""
        return [p.codes(columns.coded(p.shape.name)) for p in self.fine]

    def _counts(self, bad: Floats) -> list[tuple[Floats, Floats]]:
        """Rows and bads by fine code, of every column."""
        narrow = [i for i, codes in enumerate(self.codes) if codes.dtype == np.uint8]
        terms = joint_terms([np.zeros(self.fine[i].size) for i in narrow])
        tables = zip(*histograms(terms, [self.codes[i] for i in narrow], [None, bad]), strict=True)
        found = dict(zip(narrow, tables, strict=True))
        for i in set(range(len(self.codes))) - set(narrow):
            codes, size = self.codes[i], self.fine[i].size
            found[i] = counted(codes, np.ones(len(bad)), size), counted(codes, bad, size)
        return [found[i] for i in range(len(self.codes))]

    def narrow(self, i: int) -> tuple[Codes, Floats]:
        """Codes of column i that fit in uint8, and its WOE by them."""
        codes, found = self.codes[i], self.cuts[i]
        if codes.dtype == np.uint8:
            return codes, found.table
        return found.place.astype(np.uint8)[codes], np.asarray(found.woe)

    def woe(self, codes: Sequence[NDArray[Any]], chosen: Sequence[int]) -> Floats:
        """WOE of the columns ``chosen``, shape (rows, chosen)."""
        out = np.empty((len(codes[0]) if codes else 0, len(chosen)), order="F")
        for k, i in enumerate(chosen):
            np.take(self.cuts[i].table, codes[i], out=out[:, k])
        return out


class WOEBinner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Monotone supervised binning; ``transform`` gives WOE, higher is better.

    Columns may be numbers (with NaN) or, in frames, texts. Missing and special values have bins of
    their own, always. ``signs`` maps column name to the a-priori direction (+1 higher is better,
    -1 higher is worse, 0 or absent: not stated); the WOE of ordinary bins follows it without
    exception. The other settings are those of ``merging.Rules``.

    Attributes: ``variables_`` (one ``Variable`` per column), ``classes_`` (bad class second),
    ``stability_`` (what was joined to last through all periods, by column).
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

    def fit(self, X: Any, y: Any = None, period: Any = None) -> Self:  # noqa: ANN401 - scikit-learn's own duck types
        """Bin every column of ``X`` (rows, columns) against the binary ``y`` (rows,).

        ``period`` (rows,), e.g. the year of each row: bins are joined until they last through all
        periods (see ``periods``). Raises UserError SCR-SETTING when it has another length.
        """
        columns = validated(self, X, reset=True)
        bad = binary_target(self, columns.rows, y)
        cuts = self.bin_columns(columns, bad, period).cuts
        self.variables_ = tuple(cut.variable() for cut in cuts)
        self.stability_ = {cut.name: cut.note for cut in cuts if cut.note}
        self._n_features_out = len(self.variables_)
        return self

    def bin_columns(self, columns: Columns, bad: Floats, period: object = None) -> Binned:
        """What ``fit`` learns, without its checks and without changing the estimator."""
        signs, specials = self.signs or {}, self.specials or {}
        settings = self.get_params(deep=False)
        rules = Rules(**{field.name: settings[field.name] for field in fields(Rules)})
        rows = sample_rows(columns.rows, SAMPLE)
        seen = columns.take(rows) if len(rows) < columns.rows else columns
        fine = [
            prebins(
                name,
                seen.coded(name),
                sign=signs.get(name, 0),
                specials=tuple(tuple(group) for group in specials.get(name, ())),
                most=self.prebins,
            )
            for name in columns.names
        ]
        return Binned(columns, bad, fine, rules, period)

    def transform(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """WOE of every cell, shape (rows, columns)."""
        check_is_fitted(self)
        return np.ascontiguousarray(woe_matrix(self.variables_, validated(self, X, reset=False)))

    def transform_codes(self, X: Any) -> Codes:  # noqa: ANN401 - scikit-learn's own duck types
        """Bin codes of every cell, uint8, shape (rows, columns)."""
        columns = validated(self, X, reset=False)
        return np.column_stack([variable_codes(v, columns.coded(v.name)) for v in self.variables_])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ANN401 - scikit-learn's own duck types
        """One output per input column, with the column's name."""
        check_is_fitted(self)
        names = np.asarray([v.name for v in self.variables_], dtype=object)
        if input_features is not None and list(input_features) != list(names):
            message = "input_features is not equal to feature_names_in_"
            raise ValueError(message)
        return names
