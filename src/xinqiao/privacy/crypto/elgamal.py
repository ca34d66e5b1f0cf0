"""Exponential ElGamal on ristretto255, in batches, under keys that several parties hold in shares.

A ciphertext of the point M under the key X = xG is (tG, M + tX) with a fresh t. The joint key of several
parties is the sum of their X_i; nobody knows its x, and each takes its own layer off (``turn``). Counts
are encrypted as v·G, so that ciphertexts add up; v comes back by a table of small multiples.

Sources: ElGamal, "A public key cryptosystem and a signature scheme based on discrete logarithms", 1985;
Cramer, Gennaro, Schoenmakers, "A secure and optimally efficient multi-authority election scheme", 1997
(in the exponent, threshold); proof of a share: Schnorr, 1991, made non-interactive by Fiat and Shamir.
Ciphertexts are indistinguishable from pairs of random points under the decisional Diffie-Hellman
assumption to whoever lacks one share.

libsodium refuses to multiply when the product is the neutral element. It never comes up in honest runs:
t, keys and scalars are not 0, and a message of 0 only shows as the neutral element after the last
subtraction, which does not multiply. Sent by a peer it ends the job with PRV-POINT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import ORDER, POINT_BYTES, Group, Points, random_scalar

ZERO: Points = np.zeros((1, POINT_BYTES), np.uint8)
"""The neutral element's encoding (RFC 9496)."""


@dataclass(frozen=True, slots=True)
class Ciphers:
    """n ciphertexts: ``one`` holds tG, ``two`` M + tX."""

    one: Points
    two: Points

    def __len__(self) -> int:
        return len(self.one)

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Ciphers:
        """Those rows, in that order."""
        return Ciphers(self.one[rows], self.two[rows])


@dataclass(frozen=True, slots=True)
class Share:
    """One party's part of a joint key."""

    secret: int
    public: Points


def checked_points(group: Group, points: Points, count: int, source: str) -> Points:
    """``count`` points that came from ``source``. Raises UserError PRV-MESSAGE, PRV-POINT."""
    if points.dtype != np.uint8 or points.shape != (count, POINT_BYTES):
        fail("PRV-MESSAGE", source, detail=f"{points.shape}, not {count} points")
    return group.check(points, source)


def checked(group: Group, one: Points, two: Points, count: int, source: str) -> Ciphers:
    """``count`` ciphertexts that came from ``source``. Raises UserError PRV-MESSAGE, PRV-POINT."""
    return Ciphers(checked_points(group, one, count, source), checked_points(group, two, count, source))


def new_share(group: Group) -> Share:
    """A fresh share."""
    secret = random_scalar()
    return Share(secret, group.base([secret]))


def joint(group: Group, publics: Sequence[Points]) -> Points:
    """The key of all who hold ``publics``: their sum."""
    key = ZERO
    for public in publics:
        key = group.add(key, public)
    return key


def prove(group: Group, share: Share, context: bytes) -> bytes:
    """That the secret of ``share`` is known, bound to ``context``: 64 bytes (Schnorr)."""
    nonce = random_scalar()
    commitment = group.base([nonce])
    answer = (nonce + _challenge(share.public, commitment, context) * share.secret) % ORDER
    return commitment.tobytes() + answer.to_bytes(32, "little")


def verify(group: Group, public: Points, proof: bytes, context: bytes, source: str) -> Points:
    """``public``, if its sender ``source`` proves to know the secret. Raises UserError PRV-LIST-KEY.

    Without it the last to publish could choose its share so that the sum is a key of its own.
    """
    commitment = np.frombuffer(proof, np.uint8)[:POINT_BYTES].reshape(1, -1)
    answer = int.from_bytes(proof[POINT_BYTES:], "little")
    fits = public.dtype == np.uint8 and public.shape == (1, POINT_BYTES) and len(proof) == 2 * POINT_BYTES
    if not fits or not 0 < answer < ORDER:
        fail("PRV-LIST-KEY", source)
    group.check(np.concatenate([public, commitment]), source)
    if not public.any():
        fail("PRV-LIST-KEY", source)
    told = group.add(commitment, group.multiply(_challenge(public, commitment, context), public))
    if told.tobytes() != group.base([answer]).tobytes():
        fail("PRV-LIST-KEY", source)
    return public


def _challenge(public: Points, commitment: Points, context: bytes) -> int:
    told = hashlib.sha512(b"xinqiao/schnorr" + public.tobytes() + commitment.tobytes() + context).digest()
    return int.from_bytes(told, "little") % ORDER


def multiples(group: Group, at_most: int) -> Points:
    """0·G, 1·G, … ``at_most``·G."""
    told = np.zeros((at_most + 1, POINT_BYTES), np.uint8)
    told[1:2] = group.base([1])
    for n in range(2, at_most + 1):
        told[n : n + 1] = group.add(told[n - 1 : n], told[1:2])
    return told


def scalars(count: int) -> list[int]:
    """Uniform scalars other than 0."""
    return [random_scalar() for _ in range(count)]


def encrypt(group: Group, key: Points, messages: Points) -> Ciphers:
    """Fresh ciphertexts of ``messages`` under ``key``."""
    hidden = scalars(len(messages))
    return Ciphers(group.base(hidden), group.add(messages, _times(group, hidden, key)))


def rerandomise(group: Group, key: Points, ciphers: Ciphers) -> Ciphers:
    """Other ciphertexts of the same messages under the same key; nobody else can tell which of which."""
    hidden = scalars(len(ciphers))
    one = group.add(ciphers.one, group.base(hidden))
    return Ciphers(one, group.add(ciphers.two, _times(group, hidden, key)))


def add(group: Group, some: Ciphers, others: Ciphers) -> Ciphers:
    """Ciphertexts of the sums."""
    return Ciphers(group.add(some.one, others.one), group.add(some.two, others.two))


def opened(group: Group, secret: int, ciphers: Ciphers) -> Points:
    """The messages, where ``secret`` belongs to all of the key."""
    return group.subtract(ciphers.two, group.multiply(secret, ciphers.one))


def turn(
    group: Group, ciphers: Ciphers, factors: int | Sequence[int], secret: int, after: Points | None
) -> Ciphers:
    """One party's turn on ciphertexts under its own key plus ``after``.

    Messages are multiplied by ``factors``, the party's layer is taken off, and what is left is randomised
    anew under ``after``, the sum of the keys still on it. ``after`` None: no layer is left, and ``two``
    holds the messages themselves. The layer goes off before fresh randomness comes on, which saves a
    multiplication: (fA + tG, fB - xfA + tZ).
    """
    one = group.multiply(factors, ciphers.one)
    two = group.multiply(factors, ciphers.two)
    two = group.subtract(two, group.multiply(secret, one))
    return Ciphers(one, two) if after is None else rerandomise(group, after, Ciphers(one, two))


def _times(group: Group, factors: Sequence[int], point: Points) -> Points:
    return group.multiply(factors, np.repeat(point, len(factors), axis=0))
