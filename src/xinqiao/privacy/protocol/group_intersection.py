"""Which ids several holders have in common, on ristretto255: our own protocol, two parties and more.

``common``. The receiver with the fewest rows leads. Each other holder has a fresh key; by the oblivious PRF
of Meadows (S&P 1986), hashed as by Jarecki and Liu (SCN 2010), the leader learns each holder's token of each
of its own ids and nothing else. Of two holders, the other sends the tags of its tokens, sorted. Of more, each
encodes, under its tokens, shares that XOR to zero over all holders (Kolesnikov, Matania, Pinkas, Rosulek,
Trieu: Practical multi-party private set intersection, CCS 2017), so that the leader sees who has an id only
where all have it. It then tells the other receivers the tags of the common ids in one random order.
``count``. Each set first goes round all holders, each raising it to its key and shuffling, and comes back to
its owner as pseudonyms under all keys, whose ids the owner no longer knows; then as above, on pseudonyms.

Parties follow the protocol and are curious (semi-honest). Each learns the others' numbers of rows. The leader
and all others but one, colluding, learn which of the leader's ids that one has; in ``count`` a party can't
tell whose pseudonym is whose as long as one other holder does not collude with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import Points, invert, random_scalar, the_group
from xinqiao.privacy.crypto.key_value_store import Store, Words, decode, encode, size
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.point_stream import (
    AHEAD,
    chunks,
    exchanged,
    hashed,
    points_in,
    raised,
    received,
    times,
)
from xinqiao.privacy.protocol.tags import joined, split, tags_of, tokens_of

Rows: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Sets:
    """Who takes part and what all know.

    ``receivers`` are holders that learn the result; ``context`` keeps jobs apart; ``bounds`` are rows at
    least and at most.
    """

    link: Link
    holders: tuple[str, ...]
    receivers: tuple[str, ...]
    context: bytes
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    progress: Callable[[float], None] = lambda _: None

    @property
    def others(self) -> tuple[str, ...]:
        """All holders but this party."""
        return tuple(name for name in self.holders if name != self.link.me)


def common(sets: Sets, ids: Sequence[bytes]) -> Rows | None:
    """Positions in ``ids``, which are distinct, of those that all have, in one order at all receivers.

    None at a party that receives nothing. Raises UserError PRV-SET-SIZE, PRV-POINT and PRV-MESSAGE.
    """
    sizes, zero = exchange_sizes(sets, len(ids)), _zero_shares(sets)
    leader = min(sets.receivers, key=lambda name: (sizes[name], sets.receivers.index(name)))
    if sets.link.me == leader:
        tokens = _ask(sets, ids)
        found = np.flatnonzero(_matched(sets, zero(ids), tokens, sizes))
        found = found[shuffled(len(found))]
        for name in sets.others:
            if name in sets.receivers:
                tags = joined(tags_of([tokens[name][row] for row in found], b"xq-common"))
                sets.link.send(name, "common", pack({"tags": tags}))
        return found
    own = _answer(sets, ids, leader, sizes[leader])
    _send_hint(sets, leader, zero(ids), own)
    return _told(sets, leader, own) if sets.link.me in sets.receivers else None


def count(sets: Sets, ids: Sequence[bytes]) -> int | None:
    """How many ids all holders have; None at a party that receives nothing. Raises as ``common``."""
    sizes, zero = exchange_sizes(sets, len(ids)), _zero_shares(sets)
    leader, link = sets.receivers[0], sets.link
    names = _pseudonyms(sets, ids, sizes)
    if link.me == leader:
        found = int(_matched(sets, zero(names), dict.fromkeys(sets.others, names), sizes).sum())
        for name in sets.others:
            if name in sets.receivers:
                link.send(name, "count", pack({"count": found}))
        return found
    _send_hint(sets, leader, zero(names), names)
    if link.me not in sets.receivers:
        return None
    told: int = unpack(link.receive(leader, "count"), leader, count=int)["count"]
    if not 0 <= told <= min(sizes.values()):
        fail("PRV-MESSAGE", leader, detail=f"count {told}")
    return told


def exchange_sizes(sets: Sets, rows: int) -> dict[str, int]:
    """Each holder's number of ids. Raises UserError PRV-SET-SIZE for one out of bounds."""
    for name in sets.others:
        sets.link.send(name, "rows", pack({"rows": rows}))
    told = {sets.link.me: rows}
    for name in sets.others:
        told[name] = unpack(sets.link.receive(name, "rows"), name, rows=int)["rows"]
    for name, rows_of_it in told.items():
        least, most = sets.bounds.get(name, (0, 1 << 31))
        if not least <= rows_of_it <= most:
            fail("PRV-SET-SIZE", name, rows=rows_of_it, least=least, most=most)
    return told


def _zero_shares(sets: Sets) -> Callable[[Sequence[bytes]], Words]:
    """A function from ids to this party's shares, which XOR to zero over all holders; of two, no shares."""
    if len(sets.holders) == 2:  # noqa: PLR2004 - two holders
        return lambda ids: np.zeros((len(ids), 2), "<u8")
    group, secret = the_group(), random_scalar()
    for name in sets.others:
        sets.link.send(name, "pair", pack({"point": group.base([secret])}))
    keys = []
    for name in sets.others:
        point = points_in(sets.link.receive(name, "pair"), name, "point", 1)
        shared = times(secret, point, name).tobytes()
        keys.append(blake2b(shared + sets.context, digest_size=32, person=b"xq-zero-shares").digest())

    def shares(ids: Sequence[bytes]) -> Words:
        total = np.zeros((len(ids), 2), "<u8")
        for key in keys:
            total ^= np.frombuffer(
                b"".join(blake2b(i, key=key, digest_size=16).digest() for i in ids), "<u8"
            ).reshape(-1, 2)
        return total

    return shares


def _ask(sets: Sets, ids: Sequence[bytes]) -> dict[str, list[bytes]]:
    """The leader's side of the oblivious PRF: each other holder's token of each id."""
    blind = random_scalar()
    blinded = raised(hashed(ids, _domain(sets)), blind, sets.link.me)
    back = {name: received(sets.link, name, "answered", len(ids)) for name in sets.others}
    answers: dict[str, list[Points]] = {name: [] for name in sets.others}
    for sent, chunk in enumerate(blinded):
        for name in sets.others:
            sets.link.send(name, "blinded", pack({"points": chunk}))
            if sent >= AHEAD:
                answers[name].append(next(back[name]))
    tokens = {}
    for done, name in enumerate(sets.others, 1):
        points = raised(chain(answers.pop(name), back[name]), invert(blind), name)
        tokens[name] = tokens_of(ids, points)
        sets.progress(done / (len(sets.others) + 1))
    return tokens


def _answer(sets: Sets, ids: Sequence[bytes], leader: str, rows: int) -> list[bytes]:
    """The other side: raises the leader's blinded points to a fresh key; its own tokens under that key."""
    key = random_scalar()
    for chunk in raised(received(sets.link, leader, "blinded", rows), key, leader):
        sets.link.send(leader, "answered", pack({"points": chunk}))
    sets.progress(0.5)
    return tokens_of(ids, raised(hashed(ids, _domain(sets)), key, sets.link.me))


def _pseudonyms(sets: Sets, ids: Sequence[bytes], sizes: Mapping[str, int]) -> list[bytes]:
    """This party's ids under all keys, in an order that the others made."""
    link, here = sets.link, sets.holders.index(sets.link.me)
    following, before = sets.holders[(here + 1) % len(sets.holders)], sets.holders[here - 1]
    key, blind = random_scalar(), random_scalar()
    out = raised(hashed(ids, _domain(sets)), blind, link.me)
    for step in range(1, len(sets.holders)):
        points = exchanged(link, (following, before), out, sizes[sets.holders[here - step]])
        out = raised(chunks(points[shuffled(len(points))]), key, before)
        sets.progress(step / (len(sets.holders) + 1))
    points = exchanged(link, (following, before), out, len(ids))
    return [row.tobytes() for chunk in raised(chunks(points), key * invert(blind), before) for row in chunk]


def _send_hint(sets: Sets, leader: str, shares: Words, tokens: Sequence[bytes]) -> None:
    if len(sets.holders) == 2:  # noqa: PLR2004 - two holders
        hint = pack({"tags": joined(sorted(tags_of(tokens, b"xq-held")))})
    else:
        store = encode(tokens, shares)
        hint = pack({"seed": store.seed, "cells": store.cells})
    sets.link.send(leader, "hint", hint)


def _matched(
    sets: Sets, shares: Words, tokens: Mapping[str, Sequence[bytes]], sizes: Mapping[str, int]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of the leader's ids all others have too, from what they sent."""
    if len(sets.holders) == 2:  # noqa: PLR2004 - two holders
        (name,) = sets.others
        held = set(split(unpack(sets.link.receive(name, "hint"), name, tags=np.ndarray)["tags"], name))
        if len(held) != sizes[name]:
            fail("PRV-MESSAGE", name, detail=f"{len(held)} tags")
        return np.array([tag in held for tag in tags_of(tokens[name], b"xq-held")], bool)
    total = shares.copy()
    for name in sets.others:
        hint = unpack(sets.link.receive(name, "hint"), name, seed=bytes, cells=np.ndarray)
        store = Store(hint["seed"], hint["cells"])
        if not store.well_formed or len(store.cells) != size(sizes[name]):
            fail("PRV-MESSAGE", name, detail="hint")
        total ^= decode(store, tokens[name])
    found: np.ndarray[Any, np.dtype[np.bool_]] = np.all(total == 0, axis=1)
    return found


def _told(sets: Sets, leader: str, tokens: Sequence[bytes]) -> Rows:
    """The common rows as the leader tells them."""
    tags = split(unpack(sets.link.receive(leader, "common"), leader, tags=np.ndarray)["tags"], leader)
    rows = {tag: row for row, tag in enumerate(tags_of(tokens, b"xq-common"))}
    if len(set(tags)) != len(tags) or not set(tags) <= rows.keys():
        fail("PRV-MESSAGE", leader, detail="common")
    return np.array([rows[tag] for tag in tags], np.int64)


def _domain(sets: Sets) -> bytes:
    return b"xinqiao intersection 1 " + blake2b(sets.context, digest_size=32).digest()
