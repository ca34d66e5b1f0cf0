"""An oblivious key-value store: values under secret tokens, looking random to whoever has not the tokens.

Each token names three cells, one in each third of the store; the value is the XOR of the three cells and
of a mask that only the token gives (Garimella, Pinkas, Rosulek, Trieu, Yanai: Oblivious key-value stores,
CRYPTO 2021; cells are assigned by peeling: Botelho, Pagh, Ziviani, WADS 2007). Tokens must be
unguessable to the reader, outputs of an oblivious PRF for instance: then it reads nothing from cells
whose tokens it has not, and whether a seed had to be drawn again tells nothing about the keys.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np

Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
"""(n, 2): n values of 16 bytes."""
_Cells: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
SEED_BYTES = 16
_CELLS_A_TOKEN, _WORDS = 3, 2
_ROOM = 1.35
"""Cells a value; below 1.23 peeling fails for large stores."""
_SPARE_CELLS = 12
_SEEDS_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Store:
    """What is handed over."""

    seed: bytes
    cells: Words

    @property
    def well_formed(self) -> bool:
        """Whether a store that was received can be read."""
        return (
            len(self.seed) == SEED_BYTES
            and self.cells.dtype == np.dtype("<u8")
            and self.cells.ndim == _WORDS
            and self.cells.shape[1] == _WORDS
            and len(self.cells) == cells_of(len(self.cells))
        )


def cells_of(cells: int) -> int:
    """``cells`` as a number of cells that a store may have: a multiple of three, not 0."""
    return max(cells // _CELLS_A_TOKEN, 1) * _CELLS_A_TOKEN


def size(values: int) -> int:
    """Cells of a store of so many values."""
    return _CELLS_A_TOKEN * (int(_ROOM * values / _CELLS_A_TOKEN) + _SPARE_CELLS)


def encode(tokens: Sequence[bytes], values: Words) -> Store:
    """A store in which each token, all distinct, finds its value. Raises ValueError where tokens repeat."""
    cells = size(len(tokens))
    for _ in range(_SEEDS_AT_MOST):
        seed = os.urandom(SEED_BYTES)
        places, masks = _spread(tokens, seed, cells)
        rounds = _peel(places, cells)
        if rounds is not None:
            return Store(seed, _filled(rounds, places, values ^ masks, cells))
    message = "tokens repeat"
    raise ValueError(message)


def decode(store: Store, tokens: Sequence[bytes]) -> Words:
    """The value of each token; for one that was not encoded, 16 bytes that nobody chose."""
    places, masks = _spread(tokens, store.seed, len(store.cells))
    found: Words = np.bitwise_xor.reduce(store.cells[places], axis=1) ^ masks
    return found


def _spread(tokens: Sequence[bytes], seed: bytes, cells: int) -> tuple[_Cells, Words]:
    """Each token's three cells and its mask."""
    data = b"".join(
        blake2b(token, digest_size=40, salt=seed, person=b"xq-store").digest() for token in tokens
    )
    words = np.frombuffer(data, "<u8").reshape(-1, _CELLS_A_TOKEN + _WORDS)
    third = cells // _CELLS_A_TOKEN
    places = words[:, :_CELLS_A_TOKEN] % np.uint64(third)
    return places.astype(np.int64) + third * np.arange(_CELLS_A_TOKEN), words[:, _CELLS_A_TOKEN:]


def _peel(places: _Cells, cells: int) -> list[tuple[_Cells, _Cells]] | None:
    """Rounds of (rows, the cell that is each one's alone once earlier rounds are gone); None where stuck."""
    left, rounds = np.arange(len(places)), []
    users = np.bincount(places.ravel(), minlength=cells)
    while len(left):
        alone = users[places[left]] == 1
        ready = alone.any(axis=1)
        if not ready.any():
            return None
        rows = left[ready]
        rounds.append((rows, places[rows, alone[ready].argmax(axis=1)]))
        users -= np.bincount(places[rows].ravel(), minlength=cells)
        left = left[~ready]
    return rounds


def _filled(rounds: list[tuple[_Cells, _Cells]], places: _Cells, values: Words, cells: int) -> Words:
    """Cells in which every row's three XOR to its value; cells that nothing decides are random."""
    filled = np.frombuffer(os.urandom(16 * cells), "<u8").reshape(-1, _WORDS).copy()
    for rows, own in reversed(rounds):
        filled[own] ^= np.bitwise_xor.reduce(filled[places[rows]], axis=1) ^ values[rows]
    return filled
