"""What a transcript must not hold: identifiers and values, written or hashed in the ways one would try."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence

from xinqiao.privacy.job.link import Recorded

HASHES = ("sha256", "sha512", "md5", "sha1", "sm3", "blake2b")


def writings(value: str | bytes | float) -> Iterator[bytes]:
    """``value`` as bytes that could stand in a message."""
    if isinstance(value, int | float):
        yield struct.pack("<d", value)
        if isinstance(value, int):
            yield struct.pack("<q", value)
        raw = str(value).encode()
    else:
        raw = value if isinstance(value, bytes) else value.encode()
    for plain in (raw, raw.decode("utf-8", "ignore").encode("utf-16-le")):
        yield plain
        yield plain.hex().encode()
    for name in HASHES:
        if name in hashlib.algorithms_available:
            digest = hashlib.new(name, raw).digest()
            yield digest[:12]
            yield digest[:12].hex().encode()


def leaked(values: Iterable[str | bytes | float], ends: Sequence[Recorded]) -> list[str | bytes | float]:
    """Those of ``values`` that some payload of ``ends`` (recorded with ``keep``) holds in some writing.

    Only writings of eight bytes and more are looked for: shorter ones stand in random bytes too.
    """
    data = b"\0".join(payload for end in ends for _, payload in end.payloads)
    return [v for v in values if any(len(w) >= 8 and w in data for w in writings(v))]
