"""Ids told to one party only, sealed even inside the line, so that no transcript holds them.

A Diffie-Hellman key of each job on ristretto255, HKDF-SHA-256 and ChaCha20-Poly1305 (RFC 8439), a number as
nonce. Whoever opens them learns them: this is for ids that the other party is meant to know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.elgamal import checked_points, new_share
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack


@dataclass(slots=True)
class Sealed:
    """One direction of ids between two parties; each list of ids has the next number."""

    _key: bytes
    _peer: str
    _number: int = 0

    def seal(self, ids: list[str]) -> bytes:
        """What only the other end can open."""
        return self._cipher().encrypt(self._nonce(), json.dumps(ids, ensure_ascii=False).encode(), None)

    def open(self, sealed: bytes, count: int) -> list[str]:
        """The ids, ``count`` of them. Raises UserError PRV-MESSAGE."""
        try:
            ids = json.loads(self._cipher().decrypt(self._nonce(), sealed, None))
        except (InvalidTag, ValueError) as error:
            fail("PRV-MESSAGE", self._peer, detail=type(error).__name__)
        if not isinstance(ids, list) or len(ids) != count or not all(isinstance(each, str) for each in ids):
            fail("PRV-MESSAGE", self._peer, detail="ids")
        return ids

    def _cipher(self) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(self._key)

    def _nonce(self) -> bytes:
        self._number += 1
        return self._number.to_bytes(12, "big")


def agree(context: bytes, link: Link, peer: str) -> Sealed:
    """A fresh key with ``peer``, who calls the same. Raises UserError PRV-MESSAGE, PRV-POINT."""
    group = the_group()
    own = new_share(group)
    link.send(peer, "seal-key", pack({"key": own.public}))
    told = unpack(link.receive(peer, "seal-key"), peer, key=np.ndarray)["key"]
    theirs = checked_points(group, told, 1, peer)
    shared = group.multiply(own.secret, theirs).tobytes()
    both = b"".join(sorted([own.public.tobytes(), theirs.tobytes()]))
    return Sealed(HKDF(SHA256(), 32, context, b"xinqiao sealed ids" + both).derive(shared), peer)
