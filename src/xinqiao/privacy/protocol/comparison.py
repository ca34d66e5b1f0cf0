"""Whether one party's number is at least another's, and nothing else (the millionaires' problem).

Damgård, Geisler and Krøigaard, A correction to "Efficient and secure comparison for on-line auctions"
(2009), with exponential ElGamal on ristretto255 in place of their cryptosystem: the asker encrypts its bits
one by one under a key of its own; the other party computes, under encryption, for each bit a number that
is 0 exactly where the two numbers first differ in the direction that it has drawn at random, blinds and
shuffles them; the asker sees only whether a zero is among them. Each ends with one bit of the answer,
and the two bits together are the answer. Semi-honest; neither learns anything without the other's bit.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import POINT_BYTES, Group, Points, random_scalar, the_group
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack


def ask(link: Link, other: str, number: int, bits: int) -> bool:
    """The asker's bit for: ``number`` >= the other's. 0 <= number < 2^bits. Raises UserError PRV-MESSAGE."""
    group, bits = the_group(), bits + 1
    private = random_scalar()
    public = group.base([private])
    told = _bits(2 * number + 1, bits)
    noise = [random_scalar() for _ in range(bits)]
    first = group.base(noise)
    second = group.add(group.multiply(noise, np.repeat(public, bits, axis=0)), _plain(group, told))
    link.send(other, "compare-bits", pack({"public": public, "first": first, "second": second}))
    fields = unpack(link.receive(other, "compare-blinded"), other, first=np.ndarray, second=np.ndarray)
    first, second = (_points(group, fields[name], bits, other) for name in ("first", "second"))
    return bool((group.multiply(private, first) == second).all(axis=1).any())


def answer(link: Link, asker: str, number: int, bits: int) -> bool:
    """The other party's bit; its ``number`` is what the asker's is compared with."""
    group, bits = the_group(), bits + 1
    fields = unpack(
        link.receive(asker, "compare-bits"), asker, public=np.ndarray, first=np.ndarray, second=np.ndarray
    )
    public = _points(group, fields["public"], 1, asker)
    pair = (_points(group, fields["first"], bits, asker), _points(group, fields["second"], bits, asker))
    flipped = bool(secrets.randbelow(2))
    first, second = _blinded(
        group, public, _differences(group, pair, _bits(2 * number, bits), flipped=flipped)
    )
    link.send(asker, "compare-blinded", pack({"first": first, "second": second}))
    return flipped


def _differences(
    group: Group, pair: tuple[Points, Points], own: list[bool], *, flipped: bool
) -> tuple[Points, Points]:
    """Of each bit, highest first: asker's less own, plus or minus 1, plus 3 x how many higher bits differ.

    One of them is 0 where the asker's number is the smaller (``flipped``) or the greater one.
    """
    zero, one = np.zeros((1, POINT_BYTES), np.uint8), group.base([1])
    sign = group.add if flipped else group.subtract
    higher: tuple[Points, Points] = (zero, zero)
    told: tuple[list[Points], list[Points]] = ([], [])
    for n, bit in enumerate(own):
        first, second = pair[0][n : n + 1], pair[1][n : n + 1]
        lowered = group.subtract(second, one) if bit else second
        thrice = [group.add(group.add(h, h), h) for h in higher]
        told[0].append(group.add(first, thrice[0]))
        told[1].append(group.add(sign(lowered, one), thrice[1]))
        differ = (group.subtract(zero, first), group.subtract(one, second)) if bit else (first, second)
        higher = (group.add(higher[0], differ[0]), group.add(higher[1], differ[1]))
    return np.concatenate(told[0]), np.concatenate(told[1])


def _blinded(group: Group, public: Points, pair: tuple[Points, Points]) -> tuple[Points, Points]:
    """Each times a random number, encrypted afresh, in random order: zero stays zero, all else is random."""
    count = len(pair[0])
    factors, noise = ([random_scalar() for _ in range(count)] for _ in range(2))
    first = group.add(group.multiply(factors, pair[0]), group.base(noise))
    fresh = group.multiply(noise, np.repeat(public, count, axis=0))
    second = group.add(group.multiply(factors, pair[1]), fresh)
    order = list(range(count))
    secrets.SystemRandom().shuffle(order)
    return first[order], second[order]


def _bits(number: int, count: int) -> list[bool]:
    if not 0 <= number < 1 << count:
        message = f"the number doesn't fit {count} bits"
        raise ValueError(message)
    return [bool(number >> n & 1) for n in reversed(range(count))]


def _plain(group: Group, bits: list[bool]) -> Points:
    return np.where(np.array(bits)[:, None], group.base([1]), np.zeros((1, POINT_BYTES), np.uint8))


def _points(group: Group, told: np.ndarray[Any, Any], count: int, source: str) -> Points:
    if told.shape != (count, POINT_BYTES) or told.dtype != np.uint8 or not told.any(axis=1).all():
        fail("PRV-MESSAGE", source, detail=f"points {told.dtype} {told.shape}")
    return group.check(told, source)
