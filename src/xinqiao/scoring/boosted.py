"""The challenger: gradient-boosted trees (LightGBM) with monotone constraints, stored as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import user_error
from xinqiao.scoring.columns import Columns, Floats, is_text, validated
from xinqiao.scoring.fitter import OddsClassifier
from xinqiao.scoring.validation import OutOfFold, Splits, folds_of

DEPTHS = (2, 4, 8)
MOST_LEAVES = 31
MOST_TREES = 2_000
PATIENCE = 30  # rounds without a gain before boosting stops


class BoostedTrees(OddsClassifier):
    """Boosted trees whose risk follows the stated ``signs`` (+1 higher is better, -1 worse, 0 free).

    With ``folds`` the depth (of ``DEPTHS``) and the number of trees are those with the least
    out-of-fold log-loss, and ``unseen_`` holds the out-of-fold scores; ``trees`` and ``depth`` serve
    where folds are impossible.

    One thread and fixed seeds: the same data give the same model, bit for bit. Texts are category
    codes in sorted order, unseen ones count as missing. Attributes: ``booster_``, ``categories_``
    (sorted texts per text column), ``classes_``.
    """

    def __init__(
        self,
        *,
        signs: Mapping[str, int] | None = None,
        trees: int = 150,
        learning_rate: float = 0.05,
        depth: int = 3,
        min_leaf: int = 20,
        ridge: float = 5.0,
        column_share: float = 0.7,
        folds: int = 0,
        random_state: int = 0,
    ) -> None:
        self.signs = signs
        self.trees = trees
        self.learning_rate = learning_rate
        self.depth = depth
        self.min_leaf = min_leaf
        self.ridge = ridge
        self.column_share = column_share
        self.folds = folds
        self.random_state = random_state

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        self.names_ = columns.names
        self.categories_ = {
            n: _distinct(v) for n, v in zip(columns.names, columns.data, strict=True) if is_text(v)
        }
        settings = self._parameters(columns, len(bad))
        data = lgb.Dataset(
            self._matrix(columns),
            params=settings,
            label=bad,
            feature_name=[f"f{i}" for i in range(len(columns.names))],
            categorical_feature=[i for i, n in enumerate(columns.names) if n in self.categories_],
            free_raw_data=not self.folds,
        )
        trees = self.trees
        splits = folds_of(bad, self.folds, 1, self.random_state)
        if splits:
            settings, trees = self._tune(data, bad, settings, splits)
        self.booster_ = lgb.train(settings, data, num_boost_round=trees)

    def _tune(
        self, data: lgb.Dataset, bad: Floats, settings: dict[str, Any], splits: Splits
    ) -> tuple[dict[str, Any], int]:
        """The settings and the number of trees with the least out-of-fold log-loss."""
        data.construct()
        x = np.asarray(data.get_data())
        best, least = (settings, self.trees), np.inf
        for depth in DEPTHS:
            tried = {**settings, "max_depth": depth, "num_leaves": min(2**depth, MOST_LEAVES)}
            stop = lgb.early_stopping(PATIENCE, verbose=False)
            found = lgb.cv(
                tried,
                data,
                MOST_TREES,
                folds=splits,
                metrics="binary_logloss",
                callbacks=[stop],
                return_cvbooster=True,
            )
            loss = cast("list[float]", found["valid binary_logloss-mean"])[-1]
            if loss < least:
                ensemble = cast("lgb.CVBooster", found["cvbooster"])
                best, least = (tried, ensemble.best_iteration), loss
                self.unseen_ = _unseen(ensemble, x, bad, splits)
        return best

    def _parameters(self, columns: Columns, rows: int) -> dict[str, Any]:
        signs = self.signs or {}
        constraints = [0 if n in self.categories_ else -signs.get(n, 0) for n in columns.names]
        return {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "max_depth": self.depth,
            "num_leaves": 2**self.depth,
            "min_data_in_leaf": max(1, min(self.min_leaf, rows // 10)),
            "lambda_l2": self.ridge,
            "feature_fraction": self.column_share,
            "monotone_constraints": constraints if any(constraints) else None,
            "monotone_constraints_method": "basic",
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "seed": self.random_state,
            "verbosity": -1,
        }

    def _matrix(self, columns: Columns) -> Floats:
        parts = [self._numbers(n, v) for n, v in zip(columns.names, columns.data, strict=True)]
        return np.column_stack(parts)

    def _numbers(self, name: str, column: NDArray[Any]) -> Floats:
        if name not in self.categories_:
            return column.astype(np.float64)
        codes = (
            pd.Index(self.categories_[name], dtype=object)
            .get_indexer(pd.Index(column, dtype=object))
            .astype(np.float64)
        )
        out: Floats = np.where(codes < 0, np.nan, codes)
        return out

    def decision_function(self, X: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
        """Log odds of the bad class, shape (rows,)."""
        check_is_fitted(self)
        matrix = self._matrix(validated(self, X, reset=False))
        return np.asarray(self.booster_.predict(matrix, raw_score=True, num_threads=1), dtype=np.float64)

    def to_json(self) -> bytes:
        """Canonical JSON; the trees are LightGBM's own readable text, line by line."""
        check_is_fitted(self)
        return canonical_json(
            {
                "format": "xinqiao.boosted",
                "version": 1,
                "names": list(self.names_),
                "categories": self.categories_,
                "classes": self.classes_.tolist(),
                "trees": self.booster_.model_to_string().splitlines(),
            }
        )

    @classmethod
    def from_json(cls, data: bytes | str) -> BoostedTrees:
        """Read a challenger for scoring. Raises UserError SCR-CARD-FORMAT."""
        try:
            content = _checked(json.loads(data))
            model = cls()
            model.names_ = tuple(content["names"])
            model.n_features_in_ = len(model.names_)
            model.feature_names_in_ = np.asarray(model.names_, dtype=object)
            model.categories_ = content["categories"]
            model.classes_ = np.asarray(content["classes"])
            model.booster_ = lgb.Booster(model_str="\n".join(content["trees"]) + "\n")
        except (ValueError, KeyError, TypeError, lgb.basic.LightGBMError) as error:
            raise user_error("SCR-CARD-FORMAT", "boosted", detail=repr(error)) from error
        return model


def _unseen(ensemble: lgb.CVBooster, x: Floats, bad: Floats, splits: Splits) -> OutOfFold:
    scores = np.empty(len(bad))
    for booster, (_, test) in zip(ensemble.boosters, splits, strict=True):
        scores[test] = booster.predict(
            x[test], raw_score=True, num_iteration=ensemble.best_iteration, num_threads=1
        )
    return OutOfFold(scores[None, :], bad)


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    if (content["format"], content["version"]) != ("xinqiao.boosted", 1):
        message = "another format or version"
        raise ValueError(message)
    return content


def _distinct(column: NDArray[Any]) -> list[str]:
    return sorted({v for v in column.tolist() if v is not None})
