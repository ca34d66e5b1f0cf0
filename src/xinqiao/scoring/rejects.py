"""Reject inference (拒绝推断): learning from applicants whose outcome nobody saw.

A card learned from accepted firms alone is asked about all who apply. Parcelling (分包法; Siddiqi,
2006) scores the rejected with a first card, gives them outcomes in the proportion the card expects,
made worse by a stated factor, and learns the second card from all. The factor is an assumption:
the data hold nothing that could prove it, so a report shows several.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import clone

from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Column, Columns, Floats, is_text, read_columns
from xinqiao.scoring.fitter import CardClassifier
from xinqiao.scoring.scorecard import Scorecard


class RejectInference(CardClassifier):
    """A card learned from accepted firms and, by parcelling, from the ``rejected``.

    ``estimator`` is any classifier with ``card_`` once fitted (``Scorecard`` by default); ``rejected``
    a frame with the columns of X, None for nobody; ``odds`` how many times the odds of bad of a
    rejected firm exceed those of an accepted one with the same score (1: no worse). Only the rows
    given to ``fit`` have outcomes, so cross-validation around this tests on seen outcomes alone.

    Attributes: ``card_``, ``first_`` (fitted on the accepted), ``inferred_`` (outcomes given to the
    rejected, shape (rejected rows,)), ``classes_``.
    """

    fitter = "reject-inference"

    def __init__(
        self,
        estimator: Any = None,  # noqa: ANN401 - any classifier with card_
        *,
        rejected: Any = None,  # noqa: ANN401 - any frame
        odds: float = 1.5,
    ) -> None:
        self.estimator = estimator
        self.rejected = rejected
        self.odds = odds

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        """Fit on the accepted, score the rejected, fit on both.

        Raises ValueError when ``odds`` is not above 0.
        """
        if not self.odds > 0:
            message = f"odds must be above 0, got {self.odds}"
            raise ValueError(message)
        base = Scorecard() if self.estimator is None else self.estimator
        self.first_ = clone(base).fit(columns, bad)
        self.card_, self.inferred_ = self.first_.card_, np.empty(0)
        if self.rejected is not None:
            others = read_columns(self.rejected).select(columns.names)
            self.inferred_ = self._parcel(others)
            both = np.concatenate([bad, self.inferred_])
            self.card_ = self._noted(clone(base).fit(_stacked(columns, others), both).card_, bad)

    def _parcel(self, others: Columns) -> Floats:
        """Outcomes of the rejected: in order of risk, bad whenever the expected count of bads gains one.

        No dice: each stretch of scores gets the bads it is expected to have, to within one.
        """
        log_odds = np.asarray(self.first_.decision_function(others), dtype=np.float64)
        order = np.argsort(log_odds, kind="stable")
        expected = np.cumsum(expit(log_odds[order] + np.log(self.odds)))
        out = np.empty(others.rows)
        out[order] = np.diff(np.floor(expected + 0.5), prepend=0.0)
        return np.minimum(out, 1.0)

    def _noted(self, card: Card, bad: Floats) -> Card:
        """The card, saying that only ``bad`` was seen and how the rest was inferred."""
        origin = card.provenance
        assumed = {"rejected_rows": len(self.inferred_), "rejected_odds": float(self.odds)}
        noted = origin.model_copy(
            update={
                "fitter": f"{origin.fitter}+{self.fitter}",
                "rows": len(bad),
                "bads": int(bad.sum()),
                "settings": {**origin.settings, **assumed},
            }
        )
        return card.model_copy(update={"provenance": noted})


def _stacked(a: Columns, b: Columns) -> Columns:
    """The rows of ``a``, then those of ``b``."""
    data = tuple(_joined(left, right) for left, right in zip(a.data, b.data, strict=True))
    return Columns(a.names, data, a.rows + b.rows)


def _joined(left: Column, right: Column) -> Column:
    """Both columns as one; an all-missing column of numbers joins texts as missing texts."""
    if is_text(left) and not is_text(right):
        right = np.full(len(right), None, dtype=object)
    if is_text(right) and not is_text(left):
        left = np.full(len(left), None, dtype=object)
    return np.concatenate([left, right])
