"""The dealer of correlated randomness: what members of a sharing (``protocol.sharing``) need besides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np

from xinqiao.privacy.crypto.sine_series import ANGLE_BITS, Series
from xinqiao.privacy.crypto.stream import SEED_BYTES, Stream
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.sharing import WAVE_BITS, Held, Ring, Shape, constant, encode, multiplied

AHEAD = 4
"""Steps a dealer may run ahead of the members, so that what waits stays small."""


class Dealer:
    """The dealer's side: every operation as the members call it."""

    def __init__(self, link: Link, members: Sequence[str]) -> None:
        self._link, self._members, self._behind = link, tuple(members), 0
        seeds = {name: os.urandom(SEED_BYTES) for name in members}
        self._streams = {name: Stream(seed) for name, seed in seeds.items()}
        for name, seed in seeds.items():
            link.send(name, "seed", pack({"seed": seed}))

    def pace(self) -> None:
        """Wait for the members where they are more than a few steps behind."""
        self._behind += 1
        if self._behind > AHEAD:
            self._caught_up()

    def settle(self) -> None:
        """Wait until the members have done all steps."""
        while self._behind:
            self._caught_up()

    def _caught_up(self) -> None:
        unpack(self._link.receive(self._members[0], "pace"), self._members[0], step=int)
        self._behind -= 1

    def hold(self, owner: str, shape: Shape) -> Held:
        """The mask of a matrix that ``owner`` holds."""
        return Held(owner, self._streams[owner].words(shape))

    def products(self, factors: Iterable[tuple[Held, int]], *, transposed: bool = False) -> None:
        """Of each matrix (or its transpose) with a shared one of so many columns."""
        for held, columns in factors:
            mask = held.values.T if transposed else held.values
            shape = (mask.shape[1], columns)
            pads, blinds = np.zeros(shape, np.uint64), np.zeros((mask.shape[0], columns), np.uint64)
            for name in self._members:
                if name != held.owner:
                    pads += self._streams[name].words(shape)
                    blinds += self._streams[name].words(blinds.shape)
            self._send(held.owner, "product", multiplied(mask, pads) - blinds)

    def truncated(self, shape: Shape, bits: int) -> None:
        """Of a shared value."""
        mask = self._sum(shape)
        whole = np.stack([mask >> np.uint64(bits), mask >> np.uint64(63)])
        self._send(self._members[0], "truncation", whole - self._others(whole.shape))

    def logistic(self, shape: Shape, series: Series) -> None:
        """Of shared log odds."""
        mask = (self._sum(shape) & constant((1 << ANGLE_BITS) - 1)).astype(np.float64)
        waves = np.exp(1j * series.unit * mask)
        square, found = waves * waves, []
        for _ in series.weights:
            found += [encode(waves.real, WAVE_BITS), encode(waves.imag, WAVE_BITS)]
            waves = waves * square
        whole = np.stack(found)
        self._send(self._members[0], "waves", whole - self._others(whole.shape))

    def _sum(self, shape: Shape) -> Ring:
        total = np.zeros(shape, np.uint64)
        for stream in self._streams.values():
            total += stream.words(shape)
        return total

    def _others(self, shape: Shape) -> Ring:
        total = np.zeros(shape, np.uint64)
        for name in self._members[1:]:
            total += self._streams[name].words(shape)
        return total

    def _send(self, to: str, tag: str, values: Ring) -> None:
        self._link.send(to, tag, pack({"values": values}))
