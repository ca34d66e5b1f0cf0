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
from collections.abc import Mapping
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.elgamal import (
    ZERO,
    Ciphers,
    add,
    checked,
    checked_points,
    encrypt,
    new_share,
    opened,
    rerandomise,
    scalars,
)
from xinqiao.privacy.crypto.group import Group, Points, the_group
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack


def ask(link: Link, other: str, number: int, bits: int) -> bool:
    """The asker's bit for: ``number`` >= the other's. 0 <= number < 2^bits. Raises UserError PRV-MESSAGE."""
    group, told = the_group(), _bits(2 * number + 1, bits + 1)
    key = new_share(group)
    asked = encrypt(group, key.public, _plain(group, told))
    link.send(other, "compare-bits", pack({"public": key.public, "first": asked.one, "second": asked.two}))
    fields = unpack(link.receive(other, "compare-blinded"), other, first=np.ndarray, second=np.ndarray)
    blinded = _checked(group, fields, len(told), other)
    return not opened(group, key.secret, blinded).any(axis=1).all()


def answer(link: Link, asker: str, number: int, bits: int) -> bool:
    """The other party's bit; its ``number`` is what the asker's is compared with."""
    group, own = the_group(), _bits(2 * number, bits + 1)
    expected = dict.fromkeys(("public", "first", "second"), np.ndarray)
    fields = unpack(link.receive(asker, "compare-bits"), asker, **expected)
    public, asked = (
        checked_points(group, fields["public"], 1, asker),
        _checked(group, fields, len(own), asker),
    )
    if not public.any():
        fail("PRV-MESSAGE", asker, detail="neutral key")
    flipped = bool(secrets.randbelow(2))
    blinded = _blinded(group, public, _differences(group, asked, own, flipped=flipped))
    link.send(asker, "compare-blinded", pack({"first": blinded.one, "second": blinded.two}))
    return flipped


def _differences(group: Group, asked: Ciphers, own: list[bool], *, flipped: bool) -> Ciphers:
    """Of each bit, highest first: asker's less own, plus or minus 1, plus 3 x how many higher bits differ.

    One of them is 0 where the asker's number is the smaller (``flipped``) or the greater one.
    """
    one, higher, told = group.base([1]), Ciphers(ZERO, ZERO), list[Ciphers]()
    sign = group.add if flipped else group.subtract
    for n, bit in enumerate(own):
        theirs = asked.take(np.array([n]))
        less_one = Ciphers(theirs.one, group.subtract(theirs.two, one))
        lowered = less_one if bit else theirs
        moved = Ciphers(lowered.one, sign(lowered.two, one))
        told.append(add(group, moved, add(group, add(group, higher, higher), higher)))
        differ = _negated(group, less_one) if bit else theirs
        higher = add(group, higher, differ)
    return Ciphers(*(np.concatenate([getattr(each, half) for each in told]) for half in ("one", "two")))


def _negated(group: Group, ciphers: Ciphers) -> Ciphers:
    return Ciphers(group.subtract(ZERO, ciphers.one), group.subtract(ZERO, ciphers.two))


def _blinded(group: Group, public: Points, ciphers: Ciphers) -> Ciphers:
    """Each times a random number, encrypted afresh, in random order: zero stays zero, all else is random."""
    factors = scalars(len(ciphers))
    raised = Ciphers(group.multiply(factors, ciphers.one), group.multiply(factors, ciphers.two))
    return rerandomise(group, public, raised).take(shuffled(len(ciphers)))


def _bits(number: int, count: int) -> list[bool]:
    if not 0 <= number < 1 << count:
        message = f"the number doesn't fit {count} bits"
        raise ValueError(message)
    return [bool(number >> n & 1) for n in reversed(range(count))]


def _plain(group: Group, bits: list[bool]) -> Points:
    return np.where(np.array(bits)[:, None], group.base([1]), ZERO)


def _checked(group: Group, fields: Mapping[str, Any], count: int, source: str) -> Ciphers:
    """Raises UserError PRV-MESSAGE, PRV-POINT; a half that is neutral would be an opened cipher text."""
    ciphers = checked(group, fields["first"], fields["second"], count, source)
    if not (ciphers.one.any(axis=1).all() and ciphers.two.any(axis=1).all()):
        fail("PRV-MESSAGE", source, detail="neutral points")
    return ciphers
