"""Tokens and tags of ids: what parties of an intersection compare in place of ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import Points

TAG_BYTES = 16


def tokens_of(ids: Sequence[bytes], points: Iterator[Points]) -> list[bytes]:
    """A token an id, of the id and its point: nobody without the point's key can make it."""
    told, rows = [], iter(ids)
    for chunk in points:
        told += [
            blake2b(row.tobytes() + next(rows), digest_size=32, person=b"xq-token").digest() for row in chunk
        ]
    return told


def tags_of(tokens: Sequence[bytes], use: bytes) -> list[bytes]:
    """What may be told of tokens, for one ``use`` only."""
    return [blake2b(token, digest_size=TAG_BYTES, person=use).digest() for token in tokens]


def joined(tags: Sequence[bytes]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Tags as they travel, (n, TAG_BYTES)."""
    return np.frombuffer(b"".join(tags), np.uint8).reshape(-1, TAG_BYTES)


def split(tags: np.ndarray[Any, Any], source: str) -> list[bytes]:
    """The other way round. Raises UserError PRV-MESSAGE naming ``source``."""
    if tags.dtype != np.uint8 or tags.ndim != 2 or tags.shape[1] != TAG_BYTES:  # noqa: PLR2004 - rows of bytes
        fail("PRV-MESSAGE", source, detail="tags")
    data = tags.tobytes()
    return [data[at : at + TAG_BYTES] for at in range(0, len(data), TAG_BYTES)]
