"""Okamoto and Uchiyama's encryption: sums as with Paillier's, some three times faster.

T. Okamoto, S. Uchiyama: A new public-key cryptosystem as secure as factoring (Eurocrypt 1998), n = p^2 q.
Its owner only encrypts here: modulo p^2 by 1 + mp, modulo q by nothing, and by a power of h, an n-th power
and a square, in both; so the public key is n and h. Nothing about numbers can be told from ciphertexts if
the subgroup of order p can't be told (the p-subgroup assumption), and blinding hides as in
``crypto.paillier``. Unlike Paillier's it falls to a party that deviates: whoever learns what a ciphertext
of a number beyond p decrypts to learns p. So it is for parties that follow the protocol.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import cached_property

from xinqiao.privacy.crypto.paillier import (
    KEY_BITS,
    SLOT_BITS,
    SPARE,
    Integer,
    Powers,
    PrivateKey,
    PublicKey,
    integer,
    power,
    primes,
)


class OkamotoPublicKey(PublicKey):
    """The modulus ``n`` and ``residue``, h."""

    @property
    def width(self) -> int:
        """Bytes of a ciphertext."""
        return (self.n.bit_length() + 7) // 8

    @property
    def slots(self) -> int:
        """Signed 64-bit sums that one ciphertext holds: p has a third of n's bits."""
        return (self.n.bit_length() // 3 - 2) // SLOT_BITS

    @cached_property
    def modulus(self) -> Integer:
        """Ciphertexts are integers modulo this: n."""
        return integer(self.n)


class OkamotoUchiyama(PrivateKey):
    """A key pair, made from two primes of equal length, both 3 modulo 4."""

    def __init__(self, p: int, q: int) -> None:
        self._p, self._q, self._square = integer(p), integer(q), integer(p) ** 2
        n = p * p * q
        h = power(integer(2 + secrets.randbelow(n - 3)), 2 * n, integer(n))
        self.public = OkamotoPublicKey(n, int(h))
        size = p.bit_length() // 8 + SPARE
        self._powers = Powers(h % self._square, self._square, size), Powers(h % self._q, self._q, size)
        self._back = power(self._square % self._q, -1, self._q)
        self._scale = power(self._logarithm(1 + self._p), -1, self._p)

    @classmethod
    def generate(cls, bits: int = KEY_BITS) -> OkamotoUchiyama:
        """A fresh key of at least ``bits`` bits. Fewer than 2048 are for tests only."""
        return cls(*primes(-(-bits // 3) + 1))

    def encrypt(self, values: Sequence[int]) -> list[Integer]:
        """See PrivateKey."""
        (first, second), p, q, square = self._powers, self._p, self._q, self._square
        told = []
        for value in values:
            low = (1 + value * p) * first.random() % square
            told.append(low + square * ((second.random() - low) * self._back % q))
        return told

    def decrypt(self, ciphertexts: Sequence[Integer]) -> list[int]:
        """See PrivateKey."""
        p, told = int(self._p), []
        for ciphertext in ciphertexts:
            value = int(self._logarithm(ciphertext % self._square) * self._scale % p)
            told.append(value - p if 2 * value > p else value)
        return told

    def _logarithm(self, ciphertext: Integer) -> Integer:
        return (power(ciphertext, self._p - 1, self._square) - 1) // self._p
