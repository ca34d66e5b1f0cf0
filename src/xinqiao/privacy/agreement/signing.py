"""Signatures of the parties: Ed25519 (RFC 8032), through the seam ``kernel.suite``.

What is signed begins with words of its own for each use, so that a signature under a manifest can't be
shown as one under a receipt or a list of consents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.suite import INTERNATIONAL, KEY_BYTES, KeyPair
from xinqiao.privacy.job.manifest import Manifest

MANIFEST = b"xinqiao privacy manifest v1\n"
RECEIPT = b"xinqiao privacy receipt v1\n"
CONSENTS = b"xinqiao privacy consents v1\n"


@dataclass(frozen=True, slots=True)
class Identity:
    """A party as it shows itself: its name, its certificate's SHA-256 as hex, its signing key."""

    name: str
    certificate: str
    pair: KeyPair

    @property
    def signing_key(self) -> str:
        """The public key as hex."""
        return self.pair.public.hex()

    def secret(self, purpose: str) -> bytes:
        """32 bytes for ``purpose`` that only this party can make."""
        return INTERNATIONAL.derive(self.pair.private, f"xinqiao privacy {purpose}")


def new_pair(path: Path) -> KeyPair:
    """A fresh signing key in a new file (hex, its owner's only). Raises UserError FILE-WRITE."""
    pair = INTERNATIONAL.generate()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{pair.private.hex()}\n")
    except OSError as error:
        raise user_error("FILE-WRITE", str(path), detail=error.strerror or str(error)) from error
    return pair


def read_pair(path: Path) -> KeyPair:
    """The signing key of a file. Raises UserError PRV-SIGNING-KEY; the message never holds the key."""
    try:
        private = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        raise user_error("PRV-SIGNING-KEY", str(path)) from None
    if len(private) != KEY_BYTES:
        fail("PRV-SIGNING-KEY", str(path))
    return pair_of(private)


def pair_of(private: bytes) -> KeyPair:
    """The pair of a private key's 32 bytes."""
    return KeyPair(private, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def sign(pair: KeyPair, use: bytes, body: bytes) -> bytes:
    """64 bytes under ``body`` for one use."""
    return INTERNATIONAL.sign(pair, use + body)


def signed(key: str, use: bytes, body: bytes, signature: bytes) -> bool:
    """Whether the owner of the public key (hex) signed ``body`` for that use."""
    try:
        public = bytes.fromhex(key)
    except ValueError:
        return False
    return INTERNATIONAL.verify(public, use + body, signature)


def sign_manifest(manifest: Manifest, pair: KeyPair) -> bytes:
    """A party's signature under a job."""
    return sign(pair, MANIFEST, manifest.canonical())


def check_signature(manifest: Manifest, party: str, signature: bytes) -> None:
    """Raises UserError PRV-SIGNATURE unless ``party`` signed, PRV-MANIFEST where it is none of the job."""
    if not signed(manifest.party(party).signing_key, MANIFEST, manifest.canonical(), signature):
        fail("PRV-SIGNATURE", str(manifest.job), party=party)


def check_all(manifest: Manifest, signatures: Mapping[str, bytes]) -> None:
    """Raises UserError PRV-SIGNATURE unless every party has signed."""
    for name in manifest.names:
        check_signature(manifest, name, signatures.get(name, b""))
