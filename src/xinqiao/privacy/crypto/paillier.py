"""Paillier's encryption: whoever has only the public key can add what is encrypted and reads nothing of it.

Paillier (Eurocrypt 1999) with generator n + 1 and decryption by the Chinese remainder theorem. Random
factors are powers of a fixed h^n, raised by a table, after Damgard, Jurik and Nielsen (IJIS 9, 2010,
section 4.2), but with h a square, so that the groups modulo p and q have odd orders without a common
factor, and with exponents longer than the orders. So a blinded ciphertext tells the key's owner nothing
but the plaintext, and an encryption is safe under decisional composite residuosity. Numbers are gmpy2's
where it is installed, else Python's: equal, but slower.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail

Integer: TypeAlias = Any
"""gmpy2's mpz or Python's int."""
Bytes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
"""(n, width): n ciphertexts, big-endian."""
KEY_BITS = 2048
KEY_BITS_MOST = 4096
SLOT_BITS = 64
ROUNDS = 40
"""Of Miller and Rabin's test: a composite passes with a chance below 2^-80."""
PAYS = 30
"""Powers of one base from which a table of it costs less."""
_WINDOW = 8
SPARE = 8
"""Bytes by which exponents exceed the order of a group, so that powers are uniform but for 2^-64."""
_gmpy2 = importlib.import_module("gmpy2") if importlib.util.find_spec("gmpy2") else None
_SMALL = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2)))


def integer(value: int) -> Integer:
    """``value`` as the fastest kind of integer that is here."""
    return _gmpy2.mpz(value) if _gmpy2 else value


def power(base: Integer, exponent: Integer, modulus: Integer) -> Integer:
    """base^exponent modulo ``modulus``, not constant in time."""
    return _gmpy2.powmod(base, exponent, modulus) if _gmpy2 else pow(base, exponent, modulus)


def is_prime(candidate: int) -> bool:
    """Whether an odd number above 2000 is a prime, but for a chance below 2^-80 (Miller and Rabin)."""
    if any(candidate % small == 0 for small in _SMALL):
        return False
    if _gmpy2:
        return bool(_gmpy2.is_prime(candidate, ROUNDS))
    odd = candidate - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    whole = integer(candidate)
    return all(_passes(whole, odd, twos, 2 + secrets.randbelow(candidate - 3)) for _ in range(ROUNDS))


def _passes(candidate: Integer, odd: int, twos: int, witness: int) -> bool:
    x = power(witness, odd, candidate)
    if x in {1, candidate - 1}:
        return True
    for _ in range(twos - 1):
        x = x * x % candidate
        if x == candidate - 1:
            return True
    return False


class Powers:
    """A fixed base to any power of ``size`` bytes: by a table of 256 entries a byte once it pays."""

    def __init__(self, base: Integer, modulus: Integer, size: int) -> None:
        self._base, self._size, self._modulus = base, size, modulus
        self._rows: list[list[Integer]] = []
        self._drawn = 0

    def random(self) -> Integer:
        """The base to a uniform power below 256^size."""
        self._drawn += 1
        exponent = secrets.token_bytes(self._size)
        if self._drawn <= PAYS:
            return power(self._base, int.from_bytes(exponent, "little"), self._modulus)
        told, modulus = integer(1), self._modulus
        for row, digit in zip(self._rows or self._table(), exponent, strict=True):
            told = told * row[digit] % modulus
        return told

    def _table(self) -> list[list[Integer]]:
        base, modulus = self._base, self._modulus
        for _ in range(self._size):
            row = [integer(1)]
            for _ in range((1 << _WINDOW) - 1):
                row.append(row[-1] * base % modulus)
            self._rows.append(row)
            base = row[-1] * base % modulus
        return self._rows


@dataclass(frozen=True)
class PublicKey:
    """The modulus ``n`` and ``residue``, h^n, whose powers blind. All that adding needs."""

    n: int
    residue: int

    @property
    def width(self) -> int:
        """Bytes of a ciphertext."""
        return (2 * self.n.bit_length() + 7) // 8

    @property
    def slots(self) -> int:
        """Signed 64-bit sums that one ciphertext holds; the topmost bit pair of n stays free for signs."""
        return (self.n.bit_length() - 2) // SLOT_BITS

    @cached_property
    def modulus(self) -> Integer:
        """Ciphertexts are integers modulo this: n^2."""
        return integer(self.n) ** 2

    @cached_property
    def _powers(self) -> Powers:
        return Powers(integer(self.residue), self.modulus, self.n.bit_length() // 8 + SPARE)

    def blind(self, ciphertext: Integer) -> Integer:
        """The same plaintext in a fresh ciphertext, unlinkable to the first."""
        return ciphertext * self._powers.random() % self.modulus

    def joined(self, ciphertexts: Sequence[Integer]) -> list[Integer]:
        """The plaintexts of ``ciphertexts``, signed 64-bit numbers, as slots of as few ciphertexts as can be.

        The first is in the lowest slot. Each is blinded, so only the plaintexts remain.
        """
        told, modulus, shift = list[Integer](), self.modulus, 1 << SLOT_BITS
        for start in range(0, len(ciphertexts), self.slots):
            held = integer(1)
            for ciphertext in reversed(ciphertexts[start : start + self.slots]):
                held = power(held, shift, modulus) * ciphertext % modulus
            told.append(self.blind(held))
        return told

    def to_bytes(self, ciphertexts: Sequence[Integer]) -> Bytes:
        """For the wire."""
        data = b"".join(int(c).to_bytes(self.width, "big") for c in ciphertexts)
        return np.frombuffer(data, np.uint8).reshape(-1, self.width)

    def from_bytes(self, data: Bytes, source: str) -> list[Integer]:
        """Ciphertexts that ``source`` sent. Raises UserError PRV-PAILLIER unless all are units modulo n^2."""
        if data.ndim != 2 or data.shape[1] != self.width or data.dtype != np.uint8:  # noqa: PLR2004 - rows of bytes
            fail("PRV-PAILLIER", source, detail=f"{data.dtype} {data.shape}")
        told = [integer(int.from_bytes(row.tobytes(), "big")) for row in data]
        product = integer(1)
        for ciphertext in told:
            if not 0 < ciphertext < self.modulus:
                fail("PRV-PAILLIER", source, detail="range")
            product = product * ciphertext % self.n
        if math.gcd(int(product), self.n) != 1:
            fail("PRV-PAILLIER", source, detail="unit")
        return told


class PrivateKey(ABC):
    """What the owner of a key does, whatever the scheme."""

    public: PublicKey

    @abstractmethod
    def encrypt(self, values: Sequence[int]) -> list[Integer]:
        """Each of ``values``, by the way that only the owner of the primes can go."""

    @abstractmethod
    def decrypt(self, ciphertexts: Sequence[Integer]) -> list[int]:
        """The plaintexts, as many below 0 as above."""

    def parted(self, ciphertexts: Sequence[Integer], count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The ``count`` signed 64-bit numbers that ``PublicKey.joined`` put into ``ciphertexts``."""
        told: list[int] = []
        for value in self.decrypt(ciphertexts):
            rest = value
            for _ in range(min(self.public.slots, count - len(told))):
                number = (rest + (1 << 63)) % (1 << SLOT_BITS) - (1 << 63)
                told.append(number)
                rest = (rest - number) >> SLOT_BITS
        return np.array(told, np.int64)


class Paillier(PrivateKey):
    """A key pair, made from two primes of equal length, both 3 modulo 4."""

    def __init__(self, p: int, q: int) -> None:
        h = pow(2 + secrets.randbelow(p * q - 2), 2, p * q)
        self.public = PublicKey(p * q, int(power(integer(h), p * q, integer(p * q) ** 2)))
        self._sides = (_Side(p, q, self.public.residue), _Side(q, p, self.public.residue))
        square = self._sides[0].square
        self._back = power(square, -1, self._sides[1].square)
        self._half = power(integer(p), -1, integer(q))

    @classmethod
    def generate(cls, bits: int = KEY_BITS) -> Paillier:
        """A fresh key of ``bits`` bits. Fewer than 2048 are for tests only."""
        return cls(*primes(bits // 2))

    def encrypt(self, values: Sequence[int]) -> list[Integer]:
        """See PrivateKey."""
        (first, second), n, modulus = self._sides, integer(self.public.n), self.public.modulus
        told = []
        for value in values:
            low = first.powers.random()
            factor = low + first.square * ((second.powers.random() - low) * self._back % second.square)
            told.append((1 + value * n) * factor % modulus)
        return told

    def decrypt(self, ciphertexts: Sequence[Integer]) -> list[int]:
        """See PrivateKey."""
        first, second = self._sides
        n, told = self.public.n, []
        for ciphertext in ciphertexts:
            low = first.plain(ciphertext)
            value = int(low + first.prime * ((second.plain(ciphertext) - low) * self._half % second.prime))
            told.append(value - n if 2 * value > n else value)
        return told


class _Side:
    """What the owner does modulo the square of one prime."""

    def __init__(self, prime: int, other: int, residue: int) -> None:
        self.prime, self.square = integer(prime), integer(prime) ** 2
        self._residue, self._bytes = residue % self.square, prime.bit_length() // 8 + SPARE
        n = integer(prime * other)
        self._scale = power(self._logarithm(power(1 + n, prime - 1, self.square)), -1, self.prime)

    @cached_property
    def powers(self) -> Powers:
        return Powers(self._residue, self.square, self._bytes)

    def plain(self, ciphertext: Integer) -> Integer:
        root = power(ciphertext % self.square, self.prime - 1, self.square)
        return self._logarithm(root) * self._scale % self.prime

    def _logarithm(self, root: Integer) -> Integer:
        return (root - 1) // self.prime


def primes(bits: int) -> tuple[int, int]:
    """Two primes whose groups of squares have odd orders without a common factor."""
    while True:
        p, q = _prime(bits), _prime(bits)
        if p != q and math.gcd(p - 1, q - 1) == 2 and math.gcd(p * q, (p - 1) * (q - 1)) == 1:  # noqa: PLR2004 - both are even
            return p, q


def _prime(bits: int) -> int:
    """A random prime, 3 modulo 4, with its two topmost bits set so that a product has twice its length."""
    while True:
        candidate = secrets.randbits(bits) | 3 << (bits - 2) | 3
        if is_prime(candidate):
            return candidate


def checked_key(key: PublicKey, source: str, bits: int = KEY_BITS) -> PublicKey:
    """``key`` as ``source`` sent it. Raises UserError PRV-PAILLIER where it can't be one.

    A key that its owner built to be weak harms its owner's secrets; what must not pass is one of a size
    that would break off, or whose residue is no unit.
    """
    n, residue = key.n, key.residue
    if not bits <= n.bit_length() <= KEY_BITS_MOST or n % 2 == 0 or is_prime(n):
        fail("PRV-PAILLIER", source, detail="key")
    if not 1 < residue < key.modulus or math.gcd(residue, n) != 1:
        fail("PRV-PAILLIER", source, detail="residue")
    return key
