"""Randomness that some parties of a job have in common and the others have not."""

from __future__ import annotations

import os
from collections.abc import Sequence

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.stream import SEED_BYTES, Stream
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack


def common_stream(link: Link, members: Sequence[str]) -> Stream:
    """A stream of ``members`` alone, who all call this; the first draws its seed. Raises PRV-MESSAGE."""
    first = members[0]
    if link.me == first:
        seed = os.urandom(SEED_BYTES)
        for name in members[1:]:
            link.send(name, "common-seed", pack({"seed": seed}))
        return Stream(seed)
    return Stream(seed_in(link.receive(first, "common-seed"), first))


def seed_in(payload: bytes, source: str) -> bytes:
    """The seed that ``source`` sent. Raises UserError PRV-MESSAGE."""
    seed: bytes = unpack(payload, source, seed=bytes)["seed"]
    if len(seed) != SEED_BYTES:
        fail("PRV-MESSAGE", source, detail=f"seed of {len(seed)} bytes")
    return seed
