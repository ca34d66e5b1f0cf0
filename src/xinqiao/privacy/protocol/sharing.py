"""Additive secret sharing on the integers modulo 2^64, with a dealer's correlated randomness.

Members hold shares that add up to a value; each share alone is uniform. A dealer, which has no data,
sends randomness that is correlated between members: a product with a member's private matrix (Beaver,
CRYPTO 1991, of which only the cross terms are left), truncation without a chance of a wrong wrap (the
dealer shares r, r >> bits and r's top bit, by which the wrap is a linear correction; cf. Escudero et al.,
CRYPTO 2020) and the logistic function in one round (a sine series: sines and cosines of the mask are
shared, the masked angle is opened).

Against members and a dealer that follow the protocol; the dealer and a member together learn what the
others put in, members alone do not. Randomness common to the dealer and a member is a ChaCha20 stream
from a fresh seed. Members and dealer (``protocol.dealer``) must call the same operations in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xinqiao.privacy.crypto.sine_series import ANGLE_BITS, Series
from xinqiao.privacy.crypto.stream import Stream
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, whole_array
from xinqiao.privacy.protocol.common_stream import seed_in

Ring: TypeAlias = NDArray[np.uint64]
"""Integers modulo 2^64; values between -2^63 and 2^63 in two's complement."""
Shape: TypeAlias = tuple[int, ...]
WAVE_BITS = 13
"""Bits after the point of shared sines, and of the factors they are multiplied with."""


def encode(values: NDArray[Any], bits: int) -> Ring:
    """Real ``values`` with ``bits`` bits after the point. Raises ValueError beyond 62 bits in all."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * 2.0**bits)
    if not np.all(np.abs(scaled) < 2.0**62):
        message = f"values beyond {62 - bits} bits before the point"
        raise ValueError(message)
    return scaled.astype(np.int64).view(np.uint64)


def decode(ring: Ring, bits: int) -> NDArray[np.float64]:
    """Real values of whole shares' sum."""
    return ring.view(np.int64).astype(np.float64) / 2.0**bits


def constant(value: int) -> np.uint64:
    """A public integer in the ring."""
    return np.uint64(value % (1 << 64))


@dataclass(frozen=True, slots=True)
class Held:
    """A member's private matrix: whole at its owner, masked at other members; at the dealer the mask."""

    owner: str
    values: Ring


class Member:
    """A computing member's side. ``x`` and results are this member's shares, at least one-dimensional."""

    def __init__(self, link: Link, members: Sequence[str], dealer: str) -> None:
        self._link, self._members, self._dealer = link, tuple(members), dealer
        self.me, self.first = link.me, link.me == members[0]
        self._stream, self._steps = Stream(seed_in(link.receive(dealer, "seed"), dealer)), 0

    @property
    def others(self) -> tuple[str, ...]:
        """The other members."""
        return tuple(name for name in self._members if name != self.me)

    def pace(self) -> None:
        """Tell the dealer that a step is done."""
        self._steps += 1
        if self.first:
            self._link.send(self._dealer, "pace", pack({"step": self._steps}))

    def hold(self, owner: str, shape: Shape, matrix: Ring | None = None) -> Held:
        """A matrix of ``shape`` that ``owner`` gives and nobody else learns."""
        if owner != self.me:
            return Held(owner, self._take(owner, "matrix", shape))
        if matrix is None or matrix.shape != shape:
            message = "the owner gives the matrix"
            raise ValueError(message)
        self._give(self.others, "matrix", matrix - self._stream.words(shape))
        return Held(owner, matrix)

    def products(self, factors: Sequence[tuple[Held, Ring]], *, transposed: bool = False) -> list[Ring]:
        """Shares of each matrix (or its transpose) times a shared matrix, all in one round."""
        made: list[Ring | None] = [self._foreign(held, x, transposed=transposed) for held, x in factors]
        for place, (held, x) in enumerate(factors):
            if held.owner == self.me:
                made[place] = self._own(held.values.T if transposed else held.values, x)
        return [product for product in made if product is not None]

    def _foreign(self, held: Held, x: Ring, *, transposed: bool) -> Ring | None:
        if held.owner == self.me:
            return None
        matrix = held.values.T if transposed else held.values
        pad, blind = self._stream.words(x.shape), self._stream.words((matrix.shape[0], x.shape[1]))
        self._give([held.owner], "factor", x - pad)
        return multiplied(matrix, pad) + blind

    def _own(self, matrix: Ring, x: Ring) -> Ring:
        total = x.copy()
        for name in self.others:
            total += self._take(name, "factor", x.shape)
        return multiplied(matrix, total) + self._take(self._dealer, "product", (matrix.shape[0], x.shape[1]))

    def opened(self, x: Ring, tag: str = "open") -> Ring:
        """The whole value, to every member; ``x`` must be masked or meant to be known."""
        self._give(self.others, tag, x)
        total = x.copy()
        for name in self.others:
            total += self._take(name, tag, x.shape)
        return total

    def told(self, owner: str, x: Ring) -> Ring | None:
        """The whole value to ``owner`` alone; None at the others."""
        if owner != self.me:
            self._give([owner], "told", x)
            return None
        total = x.copy()
        for name in self.others:
            total += self._take(name, "told", x.shape)
        return total

    def truncated(self, x: Ring, bits: int) -> Ring:
        """Shares of x / 2^bits, rounded down or up as chance has it, right on average; x within ±2^62."""
        mask = self._stream.words(x.shape)
        down, top = self._correlated("truncation", (2, *x.shape))
        lift = constant((1 << 62) if self.first else 0)
        seen = self.opened(x + mask + lift)
        wrapped = np.uint64(1) - (seen >> np.uint64(63))
        share: Ring = top * wrapped * constant(1 << (64 - bits)) - down
        if self.first:
            share += (seen >> np.uint64(bits)) - constant(1 << (62 - bits))
        return share

    def logistic(self, x: Ring, bits: int, series: Series, factor: float = 1.0) -> Ring:
        """Shares, 2 * WAVE_BITS after the point, of ``factor`` times the logistic function of x.

        x has ``bits`` after the point; it must stay within half a turn of ``series``.
        """
        drop = bits + round(np.log2(series.turn)) - ANGLE_BITS
        mask = self._stream.words(x.shape)
        waves = self._correlated("waves", (2 * len(series.weights), *x.shape))
        low = constant((1 << (ANGLE_BITS + drop)) - 1)
        angle = self._angle(((x & low) >> np.uint64(drop)) + mask)
        turned = np.exp(1j * series.unit * angle)
        square, total = turned * turned, np.zeros(x.shape, np.uint64)
        for place, weight in enumerate(series.weights):
            size = weight * factor
            total += encode(turned.imag * size, WAVE_BITS) * waves[2 * place]
            total -= encode(turned.real * size, WAVE_BITS) * waves[2 * place + 1]
            turned = turned * square
        total += encode(np.full(1, factor / 2 if self.first else 0.0), 2 * WAVE_BITS)
        return total

    def _angle(self, masked: Ring) -> NDArray[np.float64]:
        """The opened angle: 32 bits of each share are all that travels."""
        mine = masked.astype(np.uint32)
        for name in self.others:
            self._link.send(name, "angle", pack({"values": mine}))
        total = mine.copy()
        for name in self.others:
            total += self._read(name, "angle", mine.shape, "<u4")
        return total.astype(np.float64)

    def _correlated(self, tag: str, shape: Shape) -> Ring:
        return self._take(self._dealer, tag, shape) if self.first else self._stream.words(shape)

    def _give(self, names: Iterable[str], tag: str, values: Ring) -> None:
        payload = pack({"values": values})
        for name in names:
            self._link.send(name, tag, payload)

    def _take(self, source: str, tag: str, shape: Shape) -> Ring:
        taken: Ring = self._read(source, tag, shape, "<u8")
        return taken

    def _read(self, source: str, tag: str, shape: Shape, dtype: str) -> NDArray[Any]:
        return whole_array(self._link.receive(source, tag), source, shape, dtype)


def multiplied(matrix: Ring, x: Ring) -> Ring:
    """Matrix product modulo 2^64."""
    product: Ring = matrix @ x
    return product
