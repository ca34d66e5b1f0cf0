"""The prime-order group ristretto255 (RFC 9496), in batches: what our own protocols are made of.

Two implementations behind one interface, proved equal in the tests: libsodium (its library comes with
the wheel of pyzmq in the extra ``privacy``, or from the system) and plain Python
(``crypto.ristretto``), some twenty times slower and not constant in time, so that everything works
where neither is there. Points are rows of 32 bytes, scalars Python integers below ``ORDER``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import importlib.util
import secrets
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail

Points: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
"""(n, 32): n encoded points."""
POINT_BYTES = 32
ORDER = (1 << 252) + 27742317777372353535851937790883648493
"""Number of points of the group (RFC 9496, section 4)."""
_BLOCK, _DIGEST = 128, 64


class Group(Protocol):
    """Operations on batches of points. All raise UserError PRV-POINT for bytes that encode no point."""

    @property
    def name(self) -> str:
        """``libsodium`` or ``python``."""

    def from_uniform(self, data: np.ndarray[Any, np.dtype[np.uint8]]) -> Points:
        """(n, 64) uniform bytes to points: the one-way map of RFC 9496, section 4.3.4."""

    def multiply(self, scalars: int | Sequence[int], points: Points) -> Points:
        """Each point times the scalar, or times its own scalar."""

    def base(self, scalars: Sequence[int]) -> Points:
        """The generator times each scalar."""

    def add(self, one: Points, other: Points) -> Points:
        """Row by row."""

    def subtract(self, one: Points, other: Points) -> Points:
        """Row by row."""

    def check(self, points: Points, source: str) -> Points:
        """``points`` themselves, if each row encodes a point; ``source`` is the party that sent them."""


def random_scalar() -> int:
    """A uniform scalar other than 0."""
    return 1 + secrets.randbelow(ORDER - 1)


def invert(scalar: int) -> int:
    """The inverse modulo the group's order."""
    return pow(scalar, -1, ORDER)


def expand(message: bytes, domain: bytes, size: int) -> bytes:
    """Uniform bytes of ``message``: expand_message_xmd with SHA-512 (RFC 9380, section 5.3.1)."""
    tail = domain + len(domain).to_bytes(1, "big")
    first = hashlib.sha512(bytes(_BLOCK) + message + size.to_bytes(2, "big") + b"\0" + tail).digest()
    block = hashlib.sha512(first + b"\1" + tail).digest()
    told = [block]
    for number in range(2, -(-size // _DIGEST) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + number.to_bytes(1, "big") + tail).digest()
        told.append(block)
    return b"".join(told)[:size]


def hash_to_group(group: Group, messages: Sequence[bytes], domain: bytes) -> Points:
    """A point a message, whose logarithm nobody knows; ``domain`` separates uses (at most 255 bytes)."""
    data = b"".join(expand(message, domain, 64) for message in messages)
    return group.from_uniform(np.frombuffer(data, np.uint8).reshape(-1, 64))


class Libsodium:
    """ristretto255 by libsodium, constant in time."""

    name = "libsodium"

    def __init__(self, library: ctypes.CDLL) -> None:
        library.sodium_init()
        self._library = library

    def from_uniform(self, data: np.ndarray[Any, np.dtype[np.uint8]]) -> Points:
        """See Group."""
        return self._each(self._library.crypto_core_ristretto255_from_hash, len(data), (data, 64))

    def multiply(self, scalars: int | Sequence[int], points: Points) -> Points:
        """See Group."""
        times, points = self._library.crypto_scalarmult_ristretto255, np.ascontiguousarray(points)
        if not isinstance(scalars, int):
            return self._each(times, len(points), (_encoded(scalars), 32), (points, 32))
        scalar, told, at = (scalars % ORDER).to_bytes(32, "little"), np.empty_like(points), points.ctypes.data
        to = told.ctypes.data
        for start in range(0, 32 * len(points), 32):
            if times(ctypes.c_void_p(to + start), scalar, ctypes.c_void_p(at + start)):
                fail("PRV-POINT", f"{start // 32}")
        return told

    def base(self, scalars: Sequence[int]) -> Points:
        """See Group."""
        return self._each(
            self._library.crypto_scalarmult_ristretto255_base, len(scalars), (_encoded(scalars), 32)
        )

    def add(self, one: Points, other: Points) -> Points:
        """See Group."""
        return self._each(self._library.crypto_core_ristretto255_add, len(one), (one, 32), (other, 32))

    def subtract(self, one: Points, other: Points) -> Points:
        """See Group."""
        return self._each(self._library.crypto_core_ristretto255_sub, len(one), (one, 32), (other, 32))

    def check(self, points: Points, source: str) -> Points:
        """See Group."""
        valid, points = self._library.crypto_core_ristretto255_is_valid_point, np.ascontiguousarray(points)
        at = points.ctypes.data
        for start in range(0, 32 * len(points), 32):
            if not valid(ctypes.c_void_p(at + start)):
                fail("PRV-POINT", source)
        return points

    def _each(self, function: Any, count: int, *inputs: tuple[np.ndarray[Any, Any], int]) -> Points:  # noqa: ANN401 - ctypes functions have no type
        told = np.empty((count, POINT_BYTES), np.uint8)
        kept = [np.ascontiguousarray(array, np.uint8) for array, _ in inputs]
        to, at = told.ctypes.data, [(k.ctypes.data, size) for k, (_, size) in zip(kept, inputs, strict=True)]
        for n in range(count):
            if function(ctypes.c_void_p(to + 32 * n), *(ctypes.c_void_p(a + size * n) for a, size in at)):
                fail("PRV-POINT", f"{n}")
        return told


def _encoded(scalars: Sequence[int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    data = b"".join((s % ORDER).to_bytes(32, "little") for s in scalars)
    return np.frombuffer(data, np.uint8).reshape(-1, 32)


def _library() -> ctypes.CDLL | None:
    """The libsodium that the wheel of pyzmq brings, else the system's; None where there is none."""
    found: list[str] = []
    spec = importlib.util.find_spec("zmq")
    if spec is not None and spec.origin is not None:
        beside = Path(spec.origin).parent.parent
        found += [str(file) for file in sorted(beside.glob("pyzmq.libs/libsodium*"))]
    system = ctypes.util.find_library("sodium")
    for name in [*found, *([system] if system else [])]:
        library = ctypes.CDLL(name)
        if hasattr(library, "crypto_core_ristretto255_from_hash"):
            return library
    return None


@cache
def the_group() -> Group:
    """The fastest implementation that is here."""
    library = _library()
    if library is not None:
        return Libsodium(library)
    from xinqiao.privacy.crypto.ristretto import plain_python  # noqa: PLC0415 - only where libsodium is not

    return plain_python()
