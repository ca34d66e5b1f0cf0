"""Keys of one length in order, several times as fast as text is sorted: compared as whole numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

Positions: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
BYTES_AT_MOST = 64
_WORD = 8


def key_order(keys: pa.StringArray) -> Positions | None:
    """Positions of ``keys`` in the order of their UTF-8, where they are of one length and distinct.

    None where they are not, or one is null: then they have to be sorted as text.
    """
    if keys.null_count or not len(keys):
        return None
    _, places, data = keys.buffers()
    ends = np.frombuffer(places, np.int32)[keys.offset : keys.offset + len(keys) + 1]
    length = int(ends[1] - ends[0])
    if not 0 < length <= BYTES_AT_MOST or (np.diff(ends) != length).any():
        return None
    text = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].reshape(-1, length)
    words = _words(text[:, (text != text[0]).any(axis=0)])
    order = np.argsort(words[0]) if len(words) == 1 else np.lexsort(words[::-1])
    same = np.ones(len(keys) - 1, bool)
    for word in words:
        ordered = word[order]
        same &= ordered[1:] == ordered[:-1]
    return None if same.any() else order


def arrow(positions: Positions) -> pa.Int64Array:
    """Positions for pyarrow, which would load pandas to take them from numpy: half a second, once a job."""
    data = np.ascontiguousarray(positions, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])


def positions(array: pa.Int64Array) -> Positions:
    """The reverse, of an array without nulls."""
    data = array.buffers()[1]
    return np.frombuffer(data or b"", np.int64)[array.offset : array.offset + len(array)]


def _words(text: np.ndarray[Any, np.dtype[np.uint8]]) -> list[np.ndarray[Any, np.dtype[np.uint64]]]:
    """Rows of bytes as whole numbers, the first of which weighs most."""
    rows, width = text.shape
    count = max(-(-width // _WORD), 1)
    padded = np.zeros((rows, count * _WORD), np.uint8)
    padded[:, :width] = text
    told = padded.view(">u8").astype(np.uint64)
    return [np.ascontiguousarray(told[:, at]) for at in range(count)]
