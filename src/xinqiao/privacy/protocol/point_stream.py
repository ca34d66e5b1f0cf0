"""Long lists of points in chunks: worked on by all cores while the next ones are on their way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np

from xinqiao.kernel.errors import UserError, fail
from xinqiao.privacy.crypto.group import POINT_BYTES, Points, hash_to_group, the_group
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, whole_array

CHUNK = 4096
"""Rows of a message."""
AHEAD = 16
"""How many messages a party sends before it takes an answer."""


def hashed(messages: Sequence[bytes], domain: bytes) -> Iterator[Points]:
    """A point a message (``group.hash_to_group``)."""
    for start in range(0, len(messages), CHUNK):
        yield hash_to_group(the_group(), messages[start : start + CHUNK], domain)


def raised(points: Iterator[Points], scalar: int, source: str) -> Iterator[Points]:
    """Each chunk times ``scalar``, on all cores, in order; raises as ``times``."""
    with ThreadPoolExecutor(cores := min(os.cpu_count() or 1, AHEAD // 2)) as pool:
        begun: deque[Future[Points]] = deque()
        for chunk in points:
            begun.append(pool.submit(times, scalar, chunk, source))
            if len(begun) > cores:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def times(scalar: int, points: Points, source: str) -> Points:
    """Points times ``scalar``. Raises UserError PRV-POINT naming ``source``, whose points they are."""
    try:
        return the_group().multiply(scalar, points)
    except UserError:
        return fail("PRV-POINT", source)


def received(link: Link, source: str, tag: str, rows: int) -> Iterator[Points]:
    """The points that ``source`` sends under ``tag``, ``rows`` of them. Raises UserError PRV-MESSAGE."""
    for start in range(0, rows, CHUNK):
        yield points_in(link.receive(source, tag), source, "points", min(CHUNK, rows - start))


def exchanged(link: Link, ring: tuple[str, str], points: Iterator[Points], rows: int) -> Points:
    """The ``rows`` points that the party before sends while ``points`` go to the one following.

    ``ring`` names those two, the following first. By turns, so that nothing piles up on the way.
    """
    following, before = ring
    told = [np.empty((0, POINT_BYTES), np.uint8)]
    coming = received(link, before, "round", rows)
    for chunk in points:
        link.send(following, "round", pack({"points": chunk}))
        told += islice(coming, 1)
    return np.concatenate([*told, *coming])


def points_in(payload: bytes, source: str, name: str, rows: int) -> Points:
    """The field ``name`` of a payload, of exactly so many rows; ``times`` finds out if they are points."""
    return whole_array(payload, source, (rows, POINT_BYTES), "|u1", name)


def chunks(points: Points) -> Iterator[Points]:
    """Points a chunk at a time."""
    for start in range(0, len(points), CHUNK):
        yield points[start : start + CHUNK]
