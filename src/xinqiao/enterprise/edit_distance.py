"""Edit distance of many pairs of short texts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MOST_CHARS = 24
"""Longer texts are compared by their first characters."""


def edit_distances(left: Sequence[str], right: Sequence[str]) -> npt.NDArray[np.int64]:
    """Distance of each pair (n,): insertions, deletions, substitutions and exchanges of neighbours.

    An exchanged pair is not edited again (optimal string alignment). The table of the usual dynamic
    program is filled a cell at a time, for all pairs together.
    """
    a, of_a = _padded(left, 1)
    b, of_b = _padded(right, 2)
    count, width_a, width_b = len(a), a.shape[1], b.shape[1]
    table = np.zeros((width_a + 1, width_b + 1, count), dtype=np.int8)
    table[:, 0, :] = np.arange(width_a + 1, dtype=np.int8)[:, None]
    table[0, :, :] = np.arange(width_b + 1, dtype=np.int8)[:, None]
    for i in range(1, width_a + 1):
        for j in range(1, width_b + 1):
            same = a[:, i - 1] == b[:, j - 1]
            cell = np.minimum(table[i - 1, j], table[i, j - 1]) + np.int8(1)
            cell = np.minimum(cell, table[i - 1, j - 1] + ~same)
            if i > 1 and j > 1:
                crossed = (a[:, i - 1] == b[:, j - 2]) & (a[:, i - 2] == b[:, j - 1])
                cell = np.where(crossed, np.minimum(cell, table[i - 2, j - 2] + np.int8(1)), cell)
            table[i, j] = cell
    return np.asarray(table[of_a, of_b, np.arange(count)], dtype=np.int64)


def _padded(texts: Sequence[str], filling: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Code points (n, longest), filled up with what no text holds and the other side's filling is not."""
    cut = [text[:MOST_CHARS] for text in texts]
    lengths = np.array([len(text) for text in cut], dtype=np.int64)
    width = int(lengths.max(initial=0))
    codes = np.full((len(cut), width), -filling, dtype=np.int32)
    inside = np.arange(width) < lengths[:, None]
    codes[inside] = np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), dtype=np.int32)
    return codes, lengths
