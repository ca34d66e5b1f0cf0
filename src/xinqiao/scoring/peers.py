"""Other libraries' ways from a table to probabilities, as their manuals show them, nothing tuned.

They are installed for comparisons only, so each is imported when it is fitted.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from importlib import import_module
from typing import Any, Self

import numpy as np
import pandas as pd

from xinqiao.scoring.columns import Columns, Floats, is_text

STEPS = 2_000
"""Most steps of a peer's logistic regression; its default of 100 often ends too early."""


class Peer:
    """A method that learns from a pandas frame; ``package`` must be importable."""

    package = ""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: Columns, y: Floats) -> Self:
        """Fit on ``X`` and ``y`` (rows,), 1.0 = bad."""
        with _quiet():
            self._fit(self._frame(X, learn=True), y.astype(int))
        return self

    def predict_proba(self, X: Columns) -> Floats:
        """Probabilities of (good, bad), shape (rows, 2)."""
        with _quiet():
            bad = np.asarray(self._bad(self._frame(X, learn=False)), dtype=np.float64)
        return np.column_stack([1 - bad, bad])

    def _frame(self, X: Columns, *, learn: bool) -> pd.DataFrame:
        data = {f"v{i}": X.column(name) for i, name in enumerate(X.names)}  # names some peers can't read
        if learn:
            self.texts = [k for k, v in data.items() if is_text(v)]
        return pd.DataFrame(data)

    def _fit(self, frame: pd.DataFrame, y: Any) -> None:  # noqa: ANN401 - the peers have no types
        raise NotImplementedError

    def _bad(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        raise NotImplementedError


class Optbinning(Peer):
    """optbinning: BinningProcess with empirical WOE of missing, then logistic regression."""

    package = "optbinning"

    def _fit(self, frame: pd.DataFrame, y: Any) -> None:  # noqa: ANN401 - the peers have no types
        module = import_module("optbinning")
        self.process = module.BinningProcess(list(frame.columns), categorical_variables=self.texts)
        self.process.fit(frame, y)
        self.model = _logistic().fit(self._woe(frame), y)

    def _woe(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        return self.process.transform(
            frame, metric="woe", metric_missing="empirical", metric_special="empirical"
        )

    def _bad(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        return self.model.predict_proba(self._woe(frame))[:, 1]


class Toad(Peer):
    """toad: chi-merge with a bin for missing, WOE, then logistic regression."""

    package = "toad"

    def _fit(self, frame: pd.DataFrame, y: Any) -> None:  # noqa: ANN401 - the peers have no types
        module = import_module("toad")
        self.combiner = module.transform.Combiner()
        self.combiner.fit(frame, y, method="chi", min_samples=0.05, empty_separate=True)
        self.woe = module.transform.WOETransformer()
        self.model = _logistic().fit(self.woe.fit_transform(self.combiner.transform(frame), y), y)

    def _bad(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        return self.model.predict_proba(self.woe.transform(self.combiner.transform(frame)))[:, 1]


class Lightgbm(Peer):
    """LightGBM with its defaults, texts as categories."""

    package = "lightgbm"

    def _frame(self, X: Columns, *, learn: bool) -> pd.DataFrame:
        frame = super()._frame(X, learn=learn)
        if learn:
            self.words = {n: sorted(set(frame[n].dropna())) for n in self.texts}
        return frame.assign(**{n: pd.Categorical(frame[n], categories=w) for n, w in self.words.items()})

    def _fit(self, frame: pd.DataFrame, y: Any) -> None:  # noqa: ANN401 - the peers have no types
        module = import_module("lightgbm")
        self.model = module.LGBMClassifier(n_jobs=1, random_state=self.seed, verbosity=-1).fit(frame, y)

    def _bad(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        return self.model.predict_proba(frame)[:, 1]


class Ebm(Peer):
    """interpret's explainable boosting machine with its defaults."""

    package = "interpret"
    more: dict[str, Any] = {}  # noqa: RUF012 - a constant of the class

    def _fit(self, frame: pd.DataFrame, y: Any) -> None:  # noqa: ANN401 - the peers have no types
        module = import_module("interpret.glassbox")
        self.model = module.ExplainableBoostingClassifier(n_jobs=1, random_state=self.seed, **self.more)
        self.model.fit(frame, y)

    def _bad(self, frame: pd.DataFrame) -> Any:  # noqa: ANN401 - the peers have no types
        return self.model.predict_proba(frame)[:, 1]


class EbmSingle(Ebm):
    """The same without interactions: one term a variable, as a points card has."""

    more = {"interactions": 0}  # noqa: RUF012 - a constant of the class


def _logistic() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    return import_module("sklearn.linear_model").LogisticRegression(max_iter=STEPS)


@contextlib.contextmanager
def _quiet() -> Any:  # noqa: ANN401 - a generator made a context
    """Peers warn and print of their own affairs; neither belongs into our output."""
    said = logging.getLogger("__cvxpy__")  # optbinning's solver tells on stderr of solvers it did not find
    said.addFilter(_silence)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        said.removeFilter(_silence)


def _silence(_record: logging.LogRecord) -> bool:
    return False
