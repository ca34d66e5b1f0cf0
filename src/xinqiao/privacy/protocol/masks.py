"""Secure sums: each holder hides its numbers under masks that cancel out when all are added.

Every two holders agree on a key by X25519, fresh in every job, derive a mask from it by HKDF and ChaCha20,
and the one whose name comes first adds it, the other subtracts it (Bonawitz et al., Practical Secure
Aggregation for Privacy-Preserving Machine Learning, CCS 2017, without its recovery of lost parties: a job
that loses one fails). Whoever adds up learns the sum and nothing else, unless it and all holders but one
collude. Keys are exchanged over the link itself, never through the party that adds up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.stream import SEED_BYTES, Stream
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack, whole_array

Long: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Unsigned: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
WIDE_BYTES = 24
WIDE = 1 << (8 * WIDE_BYTES)
"""Few numbers are added modulo 2^192, so that sums of squares are exact; columns modulo 2^64."""


class Masks:
    """One holder's end of the keys it shares with each other holder."""

    def __init__(self, me: str, keys: Mapping[str, bytes]) -> None:
        self._me = me
        self._keys = dict(keys)
        self._used: set[str] = set()

    def columns(self, label: str, count: int) -> Unsigned:
        """Masks modulo 2^64; those of all holders under one ``label`` add up to 0.

        Raises ValueError for a label used before: two sums under one mask would tell their difference.
        """
        total = np.zeros(count, np.uint64)
        for adds, data in self._streams(label, 8 * count):
            mask = np.frombuffer(data, "<u8")
            total = total + mask if adds else total - mask
        return total

    def wide(self, label: str, count: int) -> list[int]:
        """The same modulo 2^192."""
        total = [0] * count
        for adds, data in self._streams(label, WIDE_BYTES * count):
            mask = _integers(data)
            total = [t + m if adds else t - m for t, m in zip(total, mask, strict=True)]
        return [t % WIDE for t in total]

    def _streams(self, label: str, size: int) -> Iterator[tuple[bool, bytes]]:
        if label in self._used:
            message = f"masks under {label} were used before"
            raise ValueError(message)
        self._used.add(label)
        for other, key in self._keys.items():
            once = HKDFExpand(SHA256(), SEED_BYTES, label.encode()).derive(key)
            yield self._me < other, Stream(once).read(size)


def agree(context: bytes, link: Link, holders: Sequence[str]) -> Masks:
    """Keys with each other holder; ``context`` is the job's digest. Called at every holder.

    Raises UserError PRV-MESSAGE for what is no key.
    """
    own = X25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    others = [name for name in holders if name != link.me]
    for name in others:
        link.send(name, "mask-key", pack({"key": public}))
    keys: dict[str, bytes] = {}
    for name in others:
        theirs: bytes = unpack(link.receive(name, "mask-key"), name, key=bytes)["key"]
        try:
            shared = own.exchange(X25519PublicKey.from_public_bytes(theirs))
        except ValueError as error:
            fail("PRV-MESSAGE", name, detail=str(error))
        both = b"".join(sorted([link.me.encode() + b"\0" + public, name.encode() + b"\0" + theirs]))
        keys[name] = HKDF(SHA256(), SEED_BYTES, context, b"xinqiao pairwise masks\0" + both).derive(shared)
    return Masks(link.me, keys)


def enough(holders: Sequence[str], receivers: Sequence[str]) -> bool:
    """Whether a sum tells no receiver one holder's number: who holds one itself needs two others."""
    return all(len(set(holders) - {name}) > 1 for name in receivers)


@dataclass(frozen=True, slots=True)
class SecureSum:
    """Sums over ``holders`` for ``receivers``; each party calls the same methods in the same order."""

    link: Link
    holders: tuple[str, ...]
    receivers: tuple[str, ...]
    masks: Masks | None

    def wide(self, label: str, count: int, values: Sequence[int] | None = None) -> list[int] | None:
        """Sums of ``count`` integers, a holder's being ``values``; None where the party is no receiver.

        Exact while each sum's size is below 2^191.
        """
        masked = None
        if self.masks is not None:
            pads = self.masks.wide(label, count)
            hidden = [(v + p) % WIDE for v, p in zip(values or (), pads, strict=True)]
            masked = np.frombuffer(b"".join(h.to_bytes(WIDE_BYTES, "little") for h in hidden), np.uint8)
        told = self._gather(label, masked, (count * WIDE_BYTES,), "|u1")
        if told is None:
            return None
        sums = [sum(column) % WIDE for column in zip(*(_integers(a.tobytes()) for a in told), strict=True)]
        return [s - WIDE if s >= WIDE // 2 else s for s in sums]

    def columns(self, label: str, count: int, values: Long | None = None) -> Long | None:
        """The same for a column of any length, exact while each sum's size is below 2^63."""
        masked = None
        if self.masks is not None:
            masked = np.asarray(values, np.int64).view(np.uint64) + self.masks.columns(label, count)
        told = self._gather(label, masked, (count,), "<u8")
        if told is None:
            return None
        total = np.zeros(count, np.uint64)
        for each in told:
            total += each
        return total.view(np.int64)

    def _gather(
        self, label: str, masked: np.ndarray[Any, Any] | None, shape: tuple[int, ...], dtype: str
    ) -> list[np.ndarray[Any, Any]] | None:
        me = self.link.me
        if masked is not None:
            payload = pack({"masked": masked})
            for name in self.receivers:
                if name != me:
                    self.link.send(name, label, payload)
        if me not in self.receivers:
            return None
        told = [] if masked is None else [masked]
        others = (name for name in self.holders if name != me)
        return told + [whole_array(self.link.receive(n, label), n, shape, dtype, "masked") for n in others]


def secure_sum(context: bytes, link: Link, holders: Sequence[str], receivers: Sequence[str]) -> SecureSum:
    """Begin: holders agree on their keys. Whether ``enough`` holds is for the kind of job to check."""
    masks = agree(context, link, holders) if link.me in holders else None
    return SecureSum(link, tuple(holders), tuple(receivers), masks)


def _integers(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + WIDE_BYTES], "little") for at in range(0, len(data), WIDE_BYTES)]
