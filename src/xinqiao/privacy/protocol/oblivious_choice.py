"""One entry of another party's table, chosen without telling which, and without seeing any other entry.

1-out-of-2^k oblivious transfer from k transfers of one of two keys (Naor and Pinkas, "Oblivious transfer and
polynomial evaluation", STOC 1999): bit j of an entry's place says which of the two keys j is in its pad, a
byte of ChaCha20 under each; the transfers are Chou and Orlandi's ("The simplest protocol for oblivious
transfer", LATINCRYPT 2015) on ristretto255. The chooser sends points that are uniform whatever it
chooses; a chooser that deviates still gets the pad of one place only (computational Diffie-Hellman, random
oracle). A holder of the table that deviates can only hand over a table of its own choosing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xinqiao.privacy.crypto.elgamal import Share, new_share, scalars
from xinqiao.privacy.crypto.group import Group, Points
from xinqiao.privacy.crypto.stream import Stream

Bytes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
"""(n, 2^k): a table a row, entries of one byte."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chooser's side of n choices: ``asked`` (n·k points) is sent."""

    asked: Points
    places: tuple[int, ...]
    keys: tuple[tuple[bytes, ...], ...]

    def read(self, hidden: Bytes) -> list[int]:
        """The chosen entry of each hidden table."""
        told = []
        for row, place, keys in zip(hidden, self.places, self.keys, strict=True):
            entry = int(row[place])
            for key in keys:
                entry ^= Stream(key).read(place + 1)[place]
            told.append(entry)
        return told


def offer(group: Group) -> Share:
    """The table holder's key of a job; its public point is sent to the chooser."""
    return new_share(group)


def choose(group: Group, offered: Points, places: list[int], bits: int, context: bytes) -> Choice:
    """Choose ``places`` (below 2^bits), one of a table each; ``context`` must be fresh for every batch."""
    wanted = np.array([place >> j & 1 for place in places for j in range(bits)], bool)
    hidden = scalars(len(wanted))
    asked = group.base(hidden)
    asked[wanted] = group.add(asked[wanted], np.repeat(offered, int(wanted.sum()), axis=0))
    shared = group.multiply(hidden, np.repeat(offered, len(wanted), axis=0))
    keys = _keys(asked, shared, context)
    grouped = tuple(tuple(keys[n * bits : (n + 1) * bits]) for n in range(len(places)))
    return Choice(asked, tuple(places), grouped)


def hide(group: Group, offered: Share, asked: Points, tables: Bytes, context: bytes) -> Bytes:
    """``tables``, each entry under the pad that only whoever chose its place can make."""
    bits, shared = (tables.shape[1] - 1).bit_length(), group.multiply(offered.secret, asked)
    own = group.multiply(offered.secret, offered.public)
    zeros = _keys(asked, shared, context)
    ones = _keys(asked, group.subtract(shared, np.repeat(own, len(asked), axis=0)), context)
    told, size = tables.copy(), tables.shape[1]
    places = np.arange(size)
    for n in range(len(told)):
        for j in range(bits):
            pads = [np.frombuffer(Stream(keys[n * bits + j]).read(size), np.uint8) for keys in (zeros, ones)]
            told[n] ^= np.where(places >> j & 1, pads[1], pads[0])
    return told


def _keys(asked: Points, shared: Points, context: bytes) -> list[bytes]:
    """A key a transfer; its number is part of it, so that no two are alike."""
    return [
        hashlib.sha256(
            b"xinqiao/oblivious_choice" + context + n.to_bytes(8, "big") + a.tobytes() + s.tobytes()
        ).digest()
        for n, (a, s) in enumerate(zip(asked, shared, strict=True))
    ]
