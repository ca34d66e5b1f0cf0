"""64 bits of each row of a table under a secret: equal rows alike in every run, and nothing told without it.

CBC-MAC with AES-128 (FIPS 197, FIPS 113's chaining) over an encoding that no row's is the beginning of
another's (each column: its length, then its bytes), so it is a pseudorandom function; all rows at once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
BLOCK = 16
KEY_BYTES = 16
ROWS_AT_ONCE = 1 << 16
_NULL = np.uint64(2**64 - 1)


def row_hashes(secret: bytes, table: pa.Table) -> Words:
    """One word a row; ``secret``: 32 bytes. Columns are texts, numbers, dates and truth values."""
    parts = [
        _hashed(secret[:KEY_BYTES], table.slice(start, ROWS_AT_ONCE))
        for start in range(0, table.num_rows, ROWS_AT_ONCE)
    ]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _hashed(key: bytes, table: pa.Table) -> Words:
    state = np.zeros((table.num_rows, 2), np.uint64)
    for column in table.columns:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            state = _text(key, state, array.cast(pa.large_string()))
        else:
            state = _number(key, state, array)
    return state[:, 0].copy()


def _number(key: bytes, state: Words, array: pa.Array) -> Words:
    kind = pa.float64() if pa.types.is_floating(array.type) else pa.int64()
    if pa.types.is_date32(array.type):
        array = array.cast(pa.int32())
    values = array.cast(kind).fill_null(0).to_numpy(zero_copy_only=False)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    block = np.stack([values.view(np.uint64), missing.astype(np.uint64)], axis=1)
    return _encrypted(key, state ^ block)


def _text(key: bytes, state: Words, array: pa.Array) -> Words:
    """Each text's length in bytes, then its bytes, zeros at the end."""
    missing = array.is_null().to_numpy(zero_copy_only=False)
    _, offsets_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(data_buffer or b"", np.uint8)
    lengths = np.diff(offsets)
    told = np.where(missing, _NULL, lengths.astype(np.uint64))
    state = _encrypted(key, state ^ np.stack([told, np.zeros_like(told)], axis=1))
    for first in range(0, int(lengths.max(initial=0)), BLOCK):
        rows = np.flatnonzero(lengths > first)
        at = offsets[rows, None] + first + np.arange(BLOCK)
        inside = at < offsets[rows + 1, None]
        block = np.where(inside, data[np.minimum(at, len(data) - 1)], np.uint8(0))
        state[rows] = _encrypted(key, state[rows] ^ np.ascontiguousarray(block).view(np.uint64))
    return state


def _encrypted(key: bytes, blocks: Words) -> Words:
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - the chaining is ours, a row at a time
    data = encryptor.update(np.ascontiguousarray(blocks).tobytes()) + encryptor.finalize()
    return np.frombuffer(data, np.uint64).reshape(-1, 2).copy()
