"""A card a segment, with industry overlays: the 3+N of a segmented model, learned together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Columns, Floats, validated
from xinqiao.scoring.fitter import OddsClassifier
from xinqiao.scoring.model import Model, Route
from xinqiao.scoring.overlay import Overlay, OverlayCard
from xinqiao.scoring.rating import master_scale
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segment import FACTS, GENERAL, INDUSTRY, Router, Segment, segments


class SegmentedCard(OddsClassifier):
    """A general card, and for each segment a card with industry overlays on the sources its firms have.

    ``estimator`` is any classifier with ``card_`` once fitted (``Scorecard`` by default). ``kinds`` are
    the segments in their order (the catalog's by default). ``sources``: column -> its source; without it
    every column may be used by every segment. X holds the columns ``company_kind`` and ``industry`` too.

    Attributes: ``card_`` (general), ``model_`` (the routes, not calibrated), ``classes_``.
    """

    def __init__(
        self,
        estimator: Any = None,  # noqa: ANN401 - any classifier with card_
        *,
        kinds: Sequence[Segment] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        self.estimator = estimator
        self.kinds = kinds
        self.sources = sources

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that must be given even where they tell nothing: facts, and what conditions read."""
        return tuple(dict.fromkeys((*FACTS, *self._router().names)))

    def _kinds(self) -> tuple[Segment, ...]:
        return segments() if self.kinds is None else tuple(self.kinds)

    def _router(self) -> Router:
        kinds = self._kinds()
        return Router([kind.when for kind in kinds], [kind.id for kind in kinds])

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        inner = columns.select([name for name in columns.names if name not in FACTS])
        base = Scorecard() if self.estimator is None else self.estimator
        self.card_ = clone(base).fit(inner, bad).card_
        place = self._router().of_columns(columns)
        own: dict[str, tuple[Card, tuple[Overlay, ...]]] = {}
        for i, kind in enumerate(self._kinds()):
            rows = place == i
            bads = bad[rows].sum()
            if min(bads, rows.sum() - bads) >= kind.least_bads:
                fitted = OverlayCard(base).fit(self._given(kind, columns).take(rows), bad[rows])
                if fitted.card_.variables:
                    own[kind.id] = (fitted.card_, fitted.overlays_)
        routes = tuple(self._route(kind, own) for kind in self._kinds())
        self.model_ = Model(version=2, card=self.card_, scale=master_scale(), routes=routes)

    def _given(self, kind: Segment, columns: Columns) -> Columns:
        """What the firms of a segment are judged by, and their industry."""
        names = [name for name in columns.names if name not in FACTS]
        if self.sources is not None:
            known = kind.columns({name: self.sources.get(name, "") for name in names})
            names = [name for name in names if name in known]
        return columns.select([*names, INDUSTRY])

    def _route(self, kind: Segment, own: Mapping[str, tuple[Card, tuple[Overlay, ...]]]) -> Route:
        by_id = {each.id: each for each in self._kinds()}
        serves = kind.id
        while serves not in own and serves != GENERAL:
            serves = by_id[serves].fallback
        card, overlays = own.get(serves, (self.card_, ()))
        fallback = None if serves == kind.id else serves
        return Route(
            segment=kind.id, name=kind.name, when=kind.when, fallback=fallback, card=card, overlays=overlays
        )

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Log odds of the bad class by the points of each row's segment and industry, shape (rows,)."""
        check_is_fitted(self)
        return self.model_.claimed(validated(self, X, reset=False))
