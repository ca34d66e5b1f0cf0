"""Columns as scoring reads them, from any frame: float64 with NaN, or texts with None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from xinqiao.kernel.errors import fail

Floats = NDArray[np.float64]
FRAMES = {"pandas", "polars", "pyarrow"}
Column = NDArray[Any]  # float64, or object holding str and None


@dataclass(frozen=True, slots=True)
class Columns:
    """Named columns of one length; numeric ones float64 (NaN = missing), texts object (None = missing)."""

    names: tuple[str, ...]
    data: tuple[Column, ...]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def column(self, name: str) -> Column:
        """The values of ``name``. Raises UserError SCR-COLUMN-ABSENT."""
        if name not in self.names:
            fail("SCR-COLUMN-ABSENT", "X", columns=name)
        return self.data[self.names.index(name)]

    def take(self, index: NDArray[Any]) -> Columns:
        """The rows ``index`` (positions or a mask)."""
        values = tuple(v[index] for v in self.data)
        return Columns(self.names, values, len(np.arange(self.rows)[index]))

    def select(self, names: Sequence[str]) -> Columns:
        """The columns ``names``, in that order. Raises UserError SCR-COLUMN-ABSENT for all absent ones."""
        absent = [n for n in names if n not in self.names]
        if absent:
            fail("SCR-COLUMN-ABSENT", "X", columns=", ".join(absent))
        return Columns(tuple(names), tuple(self.column(n) for n in names), self.rows)


def is_text(column: Column) -> bool:
    """Whether ``column`` holds texts."""
    return column.dtype == object


def read_columns(X: object) -> Columns:
    """Columns of a pandas, polars or Arrow frame, a mapping of lists, or a float array (named x0, x1, ...).

    Numbers and truth values become float64, texts and categories object. Raises UserError
    SCR-INFINITE on an infinite value and SCR-COLUMN-TYPE on dates and other types.
    """
    if isinstance(X, Columns):
        return X
    if isinstance(X, np.ndarray):
        return _from_array(X, tuple(f"x{i}" for i in range(X.shape[1])))
    if isinstance(X, Mapping):
        values = {str(k): _from_objects(str(k), np.asarray(v, dtype=object)) for k, v in X.items()}
        rows = len(next(iter(values.values()), ()))
        return Columns(tuple(values), tuple(values.values()), rows)
    frame = cast("nw.DataFrame[Any]", nw.from_native(cast("Any", X), eager_only=True))
    names = tuple(str(c) for c in frame.columns)
    columns = tuple(_from_series(str(n), frame[n]) for n in frame.columns)
    return Columns(names, columns, frame.shape[0])


def _from_array(X: NDArray[Any], names: tuple[str, ...]) -> Columns:
    matrix = np.asarray(X, dtype=np.float64)
    values = tuple(_finite(n, np.ascontiguousarray(matrix[:, i])) for i, n in enumerate(names))
    return Columns(names, values, matrix.shape[0])


def _from_series(name: str, series: nw.Series[Any]) -> Column:
    kind = series.dtype
    if kind.is_numeric() or kind == nw.Boolean:
        values = np.array(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
        return _finite(name, values)
    if kind in {nw.String, nw.Categorical, nw.Enum, nw.Object, nw.Unknown}:
        return _from_objects(name, np.asarray(series.to_list(), dtype=object))
    return fail("SCR-COLUMN-TYPE", "X", column=name, found=str(kind), wanted="number / text")


def _from_objects(name: str, values: NDArray[Any]) -> Column:
    """Numbers if nothing else is present, else texts; a mixture is refused."""
    present = [v for v in values.tolist() if v is not None and v == v]  # noqa: PLR0124 - NaN differs from itself
    if present and all(isinstance(v, str) for v in present):
        out = np.empty(len(values), dtype=object)
        out[:] = [v if isinstance(v, str) else None for v in values.tolist()]
        return out
    if all(isinstance(v, int | float | np.number | np.bool_) for v in present):
        return _finite(
            name, np.array([np.nan if v is None else v for v in values.tolist()], dtype=np.float64)
        )
    return fail("SCR-COLUMN-TYPE", "X", column=name, found="mixed", wanted="number / text")


def _finite(name: str, values: Floats) -> Floats:
    if np.isinf(values).any():
        fail("SCR-INFINITE", "X", column=name)
    return values


def _is_frame(X: Any) -> bool:  # noqa: ANN401 - any library's frame
    """Whether ``X`` is a frame whose columns have names of their own (else it is read as an array)."""
    known = hasattr(X, "__narwhals_dataframe__") or type(X).__module__.split(".")[0] in FRAMES
    names = list(getattr(X, "column_names", getattr(X, "columns", ()))) if known else []
    return bool(names) and all(isinstance(n, str) for n in names) and len(set(names)) == len(names)


def validated(estimator: Any, X: Any, *, reset: bool) -> Columns:  # noqa: ANN401 - scikit-learn's own duck types
    """scikit-learn's checks of X, then its columns.

    Arrays go through ``validate_data`` (NaN allowed, infinities refused); frames keep text columns.
    Raises ValueError as scikit-learn's conventions ask, UserError for what only frames can hold.
    """
    if not reset:
        check_is_fitted(estimator)
    if isinstance(X, Columns):
        if reset:
            estimator.n_features_in_ = len(X.names)
            estimator.feature_names_in_ = np.asarray(X.names, dtype=object)
        return X
    if _is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        columns = read_columns(X)
        if not columns.rows or not columns.names:
            message = f"Found array with {columns.rows} sample(s) and {len(columns.names)} feature(s)"
            raise ValueError(message)
        return columns
    array = validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
    names = getattr(estimator, "feature_names_in_", None)
    labels = tuple(map(str, names)) if names is not None else tuple(f"x{i}" for i in range(array.shape[1]))
    return _from_array(array, labels)


def binary_target(estimator: Any, rows: int, y: Any) -> Floats:  # noqa: ANN401 - scikit-learn's own duck types
    """``y`` as 0.0/1.0 of shape (rows,); sets ``classes_`` with the bad class second.

    Raises ValueError when y is absent, not binary, or of one class.
    """
    if y is None:
        message = f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        raise ValueError(message)
    labels = column_or_1d(y, warn=True)
    check_consistent_length(np.empty(rows), labels)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y")
    classes, codes = np.unique(labels, return_inverse=True)
    if kind != "binary":
        message = f"Only binary classification is supported. The type of the target is {kind}."
        raise ValueError(message)
    if len(classes) != 2:  # noqa: PLR2004 - a binary target has two classes
        message = f"The target must have two classes, got {len(classes)} class"
        raise ValueError(message)
    estimator.classes_ = classes
    return codes.astype(np.float64)
