"""Columns as scoring reads them, from any frame: float64 with NaN, or texts, each distinct one once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
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
BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts, each distinct one kept once: ``words[codes[i]]`` is row i, code -1 missing."""

    codes: NDArray[np.integer[Any]]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, index: NDArray[Any]) -> Texts:
        """The rows ``index`` (positions or a mask)."""
        return Texts(self.codes[index], self.words)

    def objects(self) -> Column:
        """An object array of str and None."""
        out: Column = np.asarray([*self.words, None], dtype=object)[self.codes]
        return out


class Columns:
    """Named columns of one length, each read once.

    Engines read ``coded``: float64 with NaN for missing, or ``Texts``. ``column`` and ``data`` give
    texts as object arrays (None = missing), made when first asked for.
    """

    def __init__(self, names: Sequence[str], data: Sequence[Column | Texts], rows: int) -> None:
        self.names = tuple(names)
        self.rows = rows
        self._place = {name: i for i, name in enumerate(self.names)}
        self._held = list(data)

    def __len__(self) -> int:
        return self.rows

    @property
    def data(self) -> tuple[Column, ...]:
        """The values of all columns."""
        return tuple(map(self.column, self.names))

    def column(self, name: str) -> Column:
        """The values of ``name``. Raises UserError SCR-COLUMN-ABSENT."""
        held = self._held[self._find([name])[0]]
        return held.objects() if isinstance(held, Texts) else held

    def coded(self, name: str) -> Floats | Texts:
        """``name`` as engines read it. Raises UserError SCR-COLUMN-ABSENT."""
        place = self._find([name])[0]
        held = self._held[place]
        if not isinstance(held, Texts) and is_text(held):
            held = self._held[place] = _factorized(held)
        return held

    def take(self, index: NDArray[Any]) -> Columns:
        """The rows ``index`` (positions or a mask)."""
        rows = int(index.sum()) if index.dtype == bool else len(index)
        held = [v.take(index) if isinstance(v, Texts) else v[index] for v in self._held]
        return Columns(self.names, held, rows)

    def select(self, names: Sequence[str]) -> Columns:
        """The columns ``names``, in that order. Raises UserError SCR-COLUMN-ABSENT for all absent ones."""
        return Columns(names, [self._held[i] for i in self._find(names)], self.rows)

    def _find(self, names: Sequence[str]) -> list[int]:
        absent = [n for n in names if n not in self._place]
        if absent:
            fail("SCR-COLUMN-ABSENT", "X", columns=", ".join(absent))
        return [self._place[n] for n in names]


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
        return Columns(tuple(values), tuple(values.values()), len(next(iter(values.values()), ())))
    frame = cast("nw.DataFrame[Any]", nw.from_native(cast("Any", X), eager_only=True))
    names = tuple(str(c) for c in frame.columns)
    columns = tuple(_from_series(str(n), frame[n]) for n in frame.columns)
    return Columns(names, columns, frame.shape[0])


def _from_array(X: NDArray[Any], names: tuple[str, ...]) -> Columns:
    matrix = np.asarray(X, dtype=np.float64)
    turned = np.empty(matrix.shape[::-1])
    for first in range(0, len(matrix), BLOCK):  # a block of rows stays in the processor's cache
        turned[:, first : first + BLOCK] = matrix[first : first + BLOCK].T
    return Columns(names, [_finite(n, v) for n, v in zip(names, turned, strict=True)], len(matrix))


def _from_series(name: str, series: nw.Series[Any]) -> Column | Texts:
    kind = series.dtype
    if kind.is_numeric() or kind == nw.Boolean:
        values = series if kind == nw.Float64 else series.cast(nw.Float64)
        if not values.implementation.is_pandas_like():  # whose gaps are NaN already
            values = values.fill_null(np.nan)
        return _finite(name, np.asarray(values.to_numpy(), dtype=np.float64))
    if isinstance(kind, nw.String | nw.Categorical | nw.Enum | nw.Object | nw.Unknown):
        return _from_texts(name, series)
    return fail("SCR-COLUMN-TYPE", "X", column=name, found=str(kind), wanted="number / text")


def _from_texts(name: str, series: nw.Series[Any]) -> Column | Texts:
    """Arrow's and pandas's own dictionaries as they are, plain texts encoded by Arrow."""
    native = series.to_native()
    if isinstance(native, pd.Series) and isinstance(native.array, pd.Categorical):
        codes, words = native.array.codes, native.array.categories.tolist()
    elif isinstance(series.dtype, nw.Object | nw.Unknown):
        return _from_objects(name, np.asarray(series.to_list(), dtype=object))
    else:
        found = series.to_arrow()
        found = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
        if isinstance(found, pa.ChunkedArray):  # each chunk may number the words in its own way
            found = found.unify_dictionaries().combine_chunks()
        codes = found.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
        words = found.dictionary.to_pylist()
    if not all(isinstance(word, str) for word in words) or len(set(words)) < len(words):
        return _from_objects(name, np.asarray(series.to_list(), dtype=object))
    return Texts(codes, tuple(words)) if (codes >= 0).any() else np.full(len(codes), np.nan)


def _from_objects(name: str, values: NDArray[Any]) -> Column | Texts:
    """Numbers if nothing else is present, else texts; a mixture is refused."""
    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        return _factorized(values)
    present = values[~pd.isna(values)].tolist()
    if all(isinstance(v, int | float | np.number | np.bool_) for v in present):
        return _finite(name, pd.Series(values, dtype=object).fillna(np.nan).to_numpy(dtype=np.float64))
    return fail("SCR-COLUMN-TYPE", "X", column=name, found="mixed", wanted="number / text")


def _factorized(values: Column) -> Texts:
    codes, words = pd.factorize(values, use_na_sentinel=True)
    return Texts(codes, tuple(words.tolist()))


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
    if labels.dtype.kind in "fiub" and len(labels):  # a look at each value; the checks below sort them
        low, high = labels.min(), labels.max()
        if low < high and low == np.floor(low) and high == np.floor(high):
            upper = labels == high
            if (upper | (labels == low)).all():
                estimator.classes_ = np.asarray([low, high], dtype=labels.dtype)
                return np.asarray(upper, dtype=np.float64)
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
