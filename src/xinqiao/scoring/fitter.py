"""What all fitters share: scikit-learn's conventions, and scores read off the card they wrote."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from xinqiao.scoring.card import Card, Dropped, Provenance
from xinqiao.scoring.columns import Columns, Floats, binary_target, validated
from xinqiao.scoring.compiled import score


class OddsClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A binary classifier that says log odds of the greater class, called bad.

    Columns may be numbers (with NaN) or, in frames, texts. A subclass learns in ``_fit_columns``
    and scores in ``decision_function``. Attributes: ``classes_`` (bad class second).
    """

    classes_: NDArray[Any]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ANN401 - scikit-learn's own duck types
        """Fit on ``X`` (rows, columns) and the binary ``y`` (rows,); the greater class is bad."""
        columns = validated(self, X, reset=True)
        bad = binary_target(self, columns.rows, y)
        # one thread: small matrices are 20 times faster so, and sums do not hang on the machine's cores
        with threadpool_limits(1, user_api="blas"):
            self._fit_columns(columns, bad)
        return self

    @abstractmethod
    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        """Learn from checked columns and ``bad`` (rows,), 1.0 for the greater class."""

    @abstractmethod
    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Log odds of the bad class, shape (rows,)."""

    def predict_proba(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Probabilities of (good, bad), shape (rows, 2)."""
        bad = expit(self.decision_function(X))
        return np.column_stack([1 - bad, bad])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401 - scikit-learn's own duck types
        """The likelier class, shape (rows,)."""
        odds = self.decision_function(X)
        labels: NDArray[Any] = self.classes_[(odds > 0).astype(int)]
        return labels


class CardClassifier(OddsClassifier):
    """A fitter that writes a ``Card``, and scores by that card and nothing else.

    ``fitter`` names it in the card's provenance. Attributes: ``card_``, ``classes_``.
    """

    fitter: ClassVar[str]
    card_: Card

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Log odds of the bad class by the card's points, shape (rows,)."""
        check_is_fitted(self)
        points = score(self.card_, validated(self, X, reset=False))
        out: Floats = (self.card_.scale.offset - points) / self.card_.scale.factor
        return out

    def _provenance(self, dropped: Sequence[Dropped], bad: Floats, **found: float | str) -> Provenance:
        """Where the card comes from; ``found`` are settings chosen from the data."""
        plain = (int, float, str, bool)
        settings = {k: v for k, v in sorted(self.get_params(deep=False).items()) if isinstance(v, plain)}
        return Provenance(
            fitter=self.fitter,
            rows=len(bad),
            bads=int(bad.sum()),
            dropped=tuple(sorted(dropped, key=lambda d: d.name)),
            settings={**settings, **found},
        )
