"""An oblivious key-value store of ciphertexts: whoever holds it can't tell which keys are in it.

For a key that is in it, decoding gives a ciphertext of its value; for any other key, a ciphertext of a
uniformly random point. Both look like random pairs of points to whoever can't decrypt, and so do all
slots, so the store tells its number of slots and nothing else; that is set by a bound, not by how many
keys there are. ``crypto.key_value_store`` is the same idea for plain words.

A key names three slots, one in each third, and a coefficient c: its value is S[i] + S[j] + c·S[k]. Slots
are assigned by peeling (Botelho, Pagh, Ziviani, WADS 2007) and those that nobody needs are random points.
The coefficient has 128 bits of the key's hash: the rows of the keys inside span at most one direction
on any other key's three slots, and that key's hash would have to hit it for a value to come out that is
not random. Oblivious key-value stores: Garimella, Pinkas, Rosulek, Trieu, Yanai, CRYPTO 2021.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.elgamal import Ciphers, checked
from xinqiao.privacy.crypto.group import Group, Points, invert

_Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
SEED_BYTES = 16
_KEY_SLOTS = 3
_ROOM = 1.3
"""Slots a key; peeling needs 1.23 for many keys, and spare ones for few."""
_SPARE = 24
_SEEDS_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class CipherStore:
    """What is handed over."""

    seed: bytes
    slots: Ciphers


@dataclass(frozen=True, slots=True)
class _Rows:
    """Keys' slots (n, 3) and coefficients."""

    places: _Numbers
    factors: list[int]

    def take(self, keys: _Numbers) -> _Rows:
        return _Rows(self.places[keys], [self.factors[key] for key in keys])


def slots_of(keys_at_most: int) -> int:
    """Slots of a store for up to that many keys."""
    return _KEY_SLOTS * (int(keys_at_most * _ROOM / _KEY_SLOTS) + _SPARE)


def encode(group: Group, keys: Points, values: Ciphers, keys_at_most: int) -> CipherStore:
    """A store of ``values`` under distinct ``keys``, as large as for ``keys_at_most``."""
    size = slots_of(keys_at_most)
    for _ in range(_SEEDS_AT_MOST):
        seed = os.urandom(SEED_BYTES)
        rows = _rows(seed, keys, size)
        rounds = _peeled(rows.places, size)
        if rounds is not None:
            one = _filled(group, rows, values.one, rounds, size)
            return CipherStore(seed, Ciphers(one, _filled(group, rows, values.two, rounds, size)))
    message = "no seed peels: keys are not distinct"
    raise ValueError(message)


def decode(group: Group, store: CipherStore, keys: Points) -> Ciphers:
    """The ciphertext under each key: of its value, or of a random point for a key that is not in it."""
    rows = _rows(store.seed, keys, len(store.slots))
    first, second, third = rows.places.T

    def each(slots: Points) -> Points:
        return group.add(group.add(slots[first], slots[second]), group.multiply(rows.factors, slots[third]))

    return Ciphers(each(store.slots.one), each(store.slots.two))


def received(group: Group, seed: bytes, slots: Ciphers, keys_at_most: int, source: str) -> CipherStore:
    """A store that came from ``source``, its size and points checked. Raises PRV-MESSAGE, PRV-POINT."""
    if len(seed) != SEED_BYTES:
        fail("PRV-MESSAGE", source, detail=f"seed of {len(seed)} bytes")
    return CipherStore(seed, checked(group, slots.one, slots.two, slots_of(keys_at_most), source))


def _rows(seed: bytes, keys: Points, size: int) -> _Rows:
    told = b"".join(hashlib.sha512(seed + key.tobytes()).digest() for key in keys)
    words = np.frombuffer(told, "<u8").reshape(-1, 8)
    third = size // _KEY_SLOTS
    places = (words[:, :_KEY_SLOTS] % np.uint64(third)).astype(np.int64) + third * np.arange(_KEY_SLOTS)
    factors = [1 + int.from_bytes(told[at + 32 : at + 48], "little") for at in range(0, len(told), 64)]
    return _Rows(places, factors)


def _peeled(places: _Numbers, size: int) -> list[tuple[_Numbers, _Numbers]] | None:
    """Rounds of (keys, which of its three slots each owns); None where a knot is left.

    A key owns a slot that no other key of its round or of a later one uses.
    """
    degree = np.bincount(places.ravel(), minlength=size)
    who = np.zeros(size, np.int64)
    np.add.at(who, places.ravel(), np.repeat(np.arange(len(places)), _KEY_SLOTS))
    rounds, left = [], len(places)
    while left:
        lone = np.flatnonzero(degree == 1)
        keys, first = np.unique(who[lone], return_index=True)
        if not len(keys):
            return None
        rounds.append((keys, lone[first] // (size // _KEY_SLOTS)))
        np.subtract.at(degree, places[keys].ravel(), 1)
        np.subtract.at(who, places[keys].ravel(), np.repeat(keys, _KEY_SLOTS))
        left -= len(keys)
    return rounds


def _filled(
    group: Group, rows: _Rows, values: Points, rounds: list[tuple[_Numbers, _Numbers]], size: int
) -> Points:
    """Slots that decode to ``values``, the others random: keys peeled last are assigned first."""
    slots = group.from_uniform(np.frombuffer(os.urandom(64 * size), np.uint8).reshape(-1, 64)).copy()
    for keys, own in reversed(rounds):
        for at in range(_KEY_SLOTS):
            some = keys[own == at]
            if len(some):
                part = rows.take(some)
                slots[part.places[:, at]] = _owned(group, slots, part, values[some], at)
    return slots


def _owned(group: Group, slots: Points, rows: _Rows, values: Points, at: int) -> Points:
    """What slots number ``at`` of keys must hold, given their other two."""
    first, second, third = rows.places.T
    if at == _KEY_SLOTS - 1:
        rest = group.subtract(group.subtract(values, slots[first]), slots[second])
        return group.multiply([invert(factor) for factor in rows.factors], rest)
    other = slots[second if at == 0 else first]
    return group.subtract(group.subtract(values, other), group.multiply(rows.factors, slots[third]))
