"""Uniform bytes, words and orders: of a seed that some parties have in common, or of the system alone."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]
Order: TypeAlias = NDArray[np.intp]
SEED_BYTES = 32


class Stream:
    """The ChaCha20 key stream of a seed, the same at all who have it; no other use of the seed is safe."""

    def __init__(self, seed: bytes) -> None:
        self._cipher = Cipher(ChaCha20(seed, bytes(16)), mode=None).encryptor()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        return self._cipher.update(bytes(size))

    def words(self, shape: tuple[int, ...]) -> Words:
        """The next words."""
        return np.frombuffer(self.read(8 * int(np.prod(shape))), "<u8").reshape(shape)

    def order(self, count: int) -> Order:
        """A uniform order of ``count`` rows (ties of 64-bit keys are as good as never)."""
        return np.argsort(self.words((count,)), kind="stable")


def shuffled(count: int) -> Order:
    """A uniform order that nobody else knows."""
    return Stream(os.urandom(SEED_BYTES)).order(count)
