"""Character n-grams of many texts at once, hashed, weighed by TF-IDF.

The texts of a batch are one array of code points; an n-gram's hash is a few array operations, so
the cost is some tens of nanoseconds a character.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
BITS = 18
ORDERS = (1, 2, 3)
LEAST_TEXTS = 2  # texts an n-gram must be in to count
_SEED, _MIX, _LAST = 0x9E3779B97F4A7C15, np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


def counts(texts: Sequence[str], salt: int = 0) -> sparse.csr_array:
    """How often each hashed n-gram is in each text, (texts, 2^18); ``salt`` keeps fields apart.

    Multiply-xor-shift hashing (the mixing steps of MurmurHash3's 64-bit finaliser).
    """
    lengths = np.array([len(t) for t in texts], dtype=np.int64)
    points = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    text = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    rows, columns = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
    for order in ORDERS:
        if len(points) >= order:
            inside = text[: len(text) - order + 1] == text[order - 1 :]
            rows.append(text[: len(inside)][inside])
            columns.append(_hashes(points, order, salt)[inside])
    cells = (np.concatenate(rows), np.concatenate(columns))
    out = sparse.csr_array((np.ones(len(cells[0])), cells), shape=(len(texts), 2**BITS))
    out.sum_duplicates()
    return out


def _hashes(points: NDArray[np.uint64], order: int, salt: int) -> NDArray[np.int32]:
    size = len(points) - order + 1
    now = np.full(size, np.uint64(_SEED * (order + 8 * salt) % 2**64))
    for place in range(order):
        now = (now ^ points[place : place + size]) * _MIX
        now ^= now >> np.uint64(32)
    return ((now * _LAST) >> np.uint64(64 - BITS)).astype(np.int32)


def rarity(found: sparse.csr_array) -> Floats:
    """Smoothed inverse document frequency of each n-gram, 0 for those in fewer than 2 texts."""
    texts = np.bincount(found.indices, minlength=found.shape[1])
    weight: Floats = np.log((1 + found.shape[0]) / (1 + texts)) + 1
    weight[texts < LEAST_TEXTS] = 0.0
    return weight


def vectors(found: sparse.csr_array, weight: Floats) -> sparse.csr_array:
    """TF-IDF rows of length 1 with a logarithmic term frequency; empty texts stay 0."""
    out = found.copy()
    out.data = (1 + np.log(out.data)) * weight[out.indices]
    squares = (
        np.add.reduceat(np.r_[out.data**2, 0.0], out.indptr[:-1]) if len(out.data) else np.zeros(out.shape[0])
    )
    length = np.where(np.diff(out.indptr) > 0, np.sqrt(squares), 1.0)
    out.data /= np.repeat(np.where(length > 0, length, 1.0), np.diff(out.indptr))
    out.indices, out.indptr = out.indices.astype(np.int32), out.indptr.astype(np.int32)
    return out
