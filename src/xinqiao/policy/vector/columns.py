"""The columns of a batch as a tape reads them: doubles, and whole numbers for texts and reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import Input
from xinqiao.policy.vector.program import OTHER, Program
from xinqiao.policy.vector.trees import Vocabulary
from xinqiao.policy.wording import NOT_GIVEN

Array = npt.NDArray[Any]
ABSENT, INVALID = -1, -2
"""Numbers of a text that is missing, and of one that is not allowed."""
EXACT = 2.0**53
"""All whole numbers below this one are doubles."""
SHORT = 15
"""Decimals of so many digits keep them all in a double."""
_SMALL = 100


@dataclass(slots=True)
class Columns:
    """What was read: ``arrays`` in the order of the program's columns, and rows a double can't hold."""

    rows: int
    arrays: list[Array] = field(default_factory=list)
    doubtful: list[Array] = field(default_factory=list)


def read_columns(
    policy: Policy, program: Program, given: Mapping[str, Any], missing: Mapping[str, Any], rows: int
) -> Columns:
    """Read the columns a program needs; raises UserError POL-CASE on a value of another type."""
    out = Columns(rows)
    texts = Vocabulary(program.vocabulary.grades, dict(program.vocabulary.texts))
    for column in program.columns:
        part, name = column.split(":", 1)
        if part == "reason":
            out.arrays.append(_reasons(missing.get(name), program.reasons, rows))
            continue
        item, where = policy.file.inputs[name], f"{policy.file.id}: {name}"
        if name not in given:
            word = item.type in ("text", "grade", "date")
            out.arrays.append(np.broadcast_to(np.int32(ABSENT) if word else np.float64(np.nan), (rows,)))
        elif item.type in ("text", "grade", "date"):
            out.arrays.append(_words(given[name], item, texts, where))
        else:
            out.arrays.append(_numbers(given[name], item, where, out.doubtful))
    return out


def as_arrow(column: object, where: str) -> pa.Array:
    """Any array as one of Arrow's; NaN among Python values counts as missing."""
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.Array):
        return column
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise user_error("POL-CASE", where, detail=str(error)[:200]) from error


# numbers --------------------------------------------------------------------------------------


def _numbers(column: object, item: Input, where: str, doubtful: list[Array]) -> Array:
    """Doubles, NaN where missing."""
    if isinstance(column, np.ndarray) and column.dtype == np.float64:
        return column
    array = as_arrow(column, where)
    kind = array.type
    if pa.types.is_boolean(kind) and item.type == "bool":
        return _doubles(pc.cast(array, pa.int8()))
    if pa.types.is_null(kind) or pa.types.is_floating(kind):
        return _doubles(array)
    if pa.types.is_integer(kind):
        values = _doubles(array)
        doubtful.append(np.abs(values) >= EXACT)
        return values
    if pa.types.is_decimal(kind):
        values = _doubles(pc.cast(array, pa.string()))  # Arrow reads the digits right, a division may not
        doubtful.append(~(np.isnan(values) | _short(array, values)))
        return values
    return fail("POL-CASE", where, detail=f"a column of {kind} is not of type {item.type}")


def _doubles(array: pa.Array) -> Array:
    found: Array = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found


def _short(array: pa.Array, values: Array) -> Array:
    """Which decimals have few enough digits to be what the nearest double is written as."""
    fits = np.zeros(len(values), np.bool_)
    for places in (2, SHORT - 6):
        whole = pc.equal(pc.round(array, places) if array.type.scale > places else array, array)
        most = 10.0 ** (SHORT - min(places, array.type.scale))
        fits |= pc.fill_null(whole, fill_value=False).to_numpy(zero_copy_only=False) & (np.abs(values) < most)
    return fits


# texts, grades, dates -------------------------------------------------------------------------


def _words(column: object, item: Input, texts: Vocabulary, where: str) -> Array:
    """The numbers of texts; ABSENT where there is none, INVALID where it is not allowed."""
    array = as_arrow(column, where)
    if pa.types.is_null(array.type):
        return np.full(len(array), ABSENT, np.int32)
    if item.type == "date" and (pa.types.is_date(array.type) or pa.types.is_timestamp(array.type)):
        array = pc.cast(pc.cast(array, pa.date32(), safe=False), pa.string())
    array = array if pa.types.is_dictionary(array.type) else _encoded(array, item, where)
    words = array.dictionary.to_pylist()
    if not all(word is None or isinstance(word, str) for word in words):
        fail("POL-CASE", where, detail=f"a column of {array.type.value_type} is not of type {item.type}")
    used = _used(array) if item.type == "date" else range(len(words))
    number = _numbering(item, texts, where)
    codes = np.full(len(words) + 1, ABSENT, np.int32)
    for i in used:
        codes[i] = ABSENT if words[i] is None else number(words[i])
    small = len(texts.grades) < _SMALL and item.type == "grade"
    return np.take(codes.astype(np.int8) if small else codes, _indices(array), mode="clip")


def _encoded(array: pa.Array, item: Input, where: str) -> pa.DictionaryArray:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        fail("POL-CASE", where, detail=f"a column of {array.type} is not of type {item.type}")
    return array.dictionary_encode()


def _used(array: pa.DictionaryArray) -> list[int]:
    return [i for i in pc.unique(array.indices).to_pylist() if i is not None]


def _indices(array: pa.DictionaryArray) -> Array:
    """The places of a dictionary's words; one behind its end where there is none."""
    indices = array.indices
    if indices.null_count:
        indices = pc.fill_null(pc.cast(indices, pa.int32()), len(array.dictionary))
    found: Array = indices.to_numpy(zero_copy_only=False)
    return found


def _numbering(item: Input, texts: Vocabulary, where: str) -> Callable[[str], int]:
    match item.type:
        case "grade":
            return lambda word: texts.grades.get(word, INVALID)
        case "date":
            return lambda word: _day(word, where)
        case _:
            allowed = None if item.values is None else set(item.values)
            return lambda word: INVALID if allowed and word not in allowed else texts.code("text", word)


def _day(text: str, where: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        fail("POL-CASE", where, detail=f"{text!r} is not a date like 2020-12-31")


# reasons --------------------------------------------------------------------------------------


def _reasons(column: object, numbers: Mapping[str, int], rows: int) -> Array:
    """The number of every reason code."""
    if column is None:
        return np.broadcast_to(np.uint8(numbers[NOT_GIVEN]), (rows,))
    array = as_arrow(column, "missing")
    if pa.types.is_null(array.type):
        return np.broadcast_to(np.uint8(numbers[NOT_GIVEN]), (rows,))
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    words = [NOT_GIVEN if word is None else word for word in array.dictionary.to_pylist()]
    found = [numbers.get(word, numbers[OTHER]) for word in (*words, NOT_GIVEN)]
    kind = np.uint8 if len(numbers) <= np.iinfo(np.uint8).max else np.uint16
    return np.take(np.array(found, kind), _indices(array), mode="clip")
