"""Signed notes (C2SP signed-note): a text and lines of signatures below it, and the keys that make them.

A checkpoint of a log is such a note (C2SP tlog-checkpoint): its origin, size and root. The log signs the
text as it is; a witness signs it with the time (C2SP tlog-cosignature, ``cosignature/v1``). Keys of the
national suite use the signature type 0xff with an identifier of ours, so other readers pass over them.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.suite import (
    HASH_BYTES,
    INTERNATIONAL,
    KEY_BYTES,
    SUITES,
    CryptoSuite,
    KeyPair,
)

KEY_ID_BYTES = 4
TIME_BYTES = 8
MAX_NOTE_CHARS = 1_000_000
MAX_SIGNATURES = 100
PRIVATE = "PRIVATE+KEY+"
Use = Literal["log", "witness"]
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


def decode(text: str) -> bytes | None:
    """The bytes of ``text`` if it is base64 in its one form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def encode(data: bytes) -> str:
    """Base64 as notes have it."""
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs and how to check it: name, what the key is used for, suite and public key."""

    name: str
    use: Use
    suite: CryptoSuite
    public: bytes

    @property
    def type(self) -> bytes:
        """The signature type."""
        return self.suite.signature_type if self.use == "log" else self.suite.cosignature_type

    @property
    def key_id(self) -> bytes:
        """The four bytes that signatures begin with."""
        return self.suite.hash(self.name.encode() + b"\n" + self.type + self.public)[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(self.type + self.public)}"

    @classmethod
    def read(cls, text: str, where: str = "key") -> PublicKey:
        """A key written as ``str`` writes it. Raises UserError EVD-KEY."""
        name, key_id, data = _parts(text.strip(), where)
        for suite in SUITES.values():
            for use, kind in (("log", suite.signature_type), ("witness", suite.cosignature_type)):
                if data.startswith(kind) and len(data) == len(kind) + suite.public_bytes:
                    key = cls(name, use, suite, data[len(kind) :])  # type: ignore[arg-type] # one of Use
                    if key.key_id.hex() == key_id:
                        return key
        raise user_error("EVD-KEY", where, detail="the key and its id do not fit")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key and the pair that signs for it."""

    public: PublicKey
    pair: KeyPair

    @classmethod
    def generate(cls, name: str, use: Use, suite: CryptoSuite = INTERNATIONAL) -> SigningKey:
        """A fresh key. Raises UserError EVD-KEY where ``name`` is none."""
        if _NAME.fullmatch(name) is None:
            fail("EVD-KEY", name[:200], detail="a name has no space and no plus")
        pair = suite.generate()
        return cls(PublicKey(name, use, suite, pair.public), pair)

    def write(self) -> str:
        """The secret text that ``read`` reads."""
        key, tail = self.public, b"" if self.public.suite is INTERNATIONAL else self.pair.public
        return f"{PRIVATE}{key.name}+{key.key_id.hex()}+{encode(key.type + self.pair.private + tail)}"

    @classmethod
    def read(cls, text: str, where: str = "key") -> SigningKey:
        """A key written by ``write``. Raises UserError EVD-KEY, which doesn't show the key."""
        if not text.startswith(PRIVATE):
            fail("EVD-KEY", where, detail=f"a signing key begins with {PRIVATE}")
        name, key_id, data = _parts(text.strip().removeprefix(PRIVATE), where)
        for suite in SUITES.values():
            for use, kind in (("log", suite.signature_type), ("witness", suite.cosignature_type)):
                pair = _pair(suite, data[len(kind) :]) if data.startswith(kind) else None
                if pair is None:
                    continue
                key = PublicKey(name, use, suite, pair.public)  # type: ignore[arg-type] # one of Use
                if key.key_id.hex() == key_id:
                    return cls(key, pair)
        raise user_error("EVD-KEY", where, detail="the key and its id do not fit")

    def sign(self, text: str, at: datetime | None = None) -> str:
        """The signature line of ``text``; a witness's tells the time ``at``."""
        key = self.public
        if key.use == "log":
            signed = key.suite.sign(self.pair, text.encode())
        else:
            if at is None:
                message = "a witness signs with the time"
                raise ValueError(message)
            seconds = int(at.timestamp())
            signed = seconds.to_bytes(TIME_BYTES, "big")
            signed += key.suite.sign(self.pair, _cosigned(text, seconds))
        return f"— {key.name} {encode(key.key_id + signed)}\n"


def _parts(text: str, where: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    data = decode(parts[2]) if len(parts) == 3 else None  # noqa: PLR2004 - name, id, key
    if data is None or _NAME.fullmatch(parts[0]) is None:
        fail("EVD-KEY", where, detail="not name+id+base64")
    return parts[0], parts[1], data


def _pair(suite: CryptoSuite, data: bytes) -> KeyPair | None:
    private, public = data[:KEY_BYTES], data[KEY_BYTES:]
    if suite is INTERNATIONAL and len(data) == KEY_BYTES:
        return KeyPair(private, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())
    if suite is not INTERNATIONAL and len(public) == suite.public_bytes:
        return KeyPair(private, public)
    return None


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    data: bytes
    line: str


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, written: str, where: str = "note") -> Note:
        """Raises UserError EVD-NOTE."""
        if len(written) > MAX_NOTE_CHARS or any(char < " " and char != "\n" for char in written):
            fail("EVD-NOTE", where, detail="too long, or with control characters")
        text, gap, tail = written.rpartition("\n\n")
        if not gap or not text or not tail.endswith("\n"):
            fail("EVD-NOTE", where, detail="no signatures below an empty line")
        lines = tail.removesuffix("\n").split("\n")
        if len(lines) > MAX_SIGNATURES:
            fail("EVD-NOTE", where, detail=f"more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(signature(line, where) for line in lines))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{told.line}\n" for told in self.signatures)

    def signed_by(self, key: PublicKey) -> datetime | None:
        """When ``key`` signed this text (the epoch where its signature tells no time); None: it did not.

        Raises UserError EVD-SIGNATURE where a signature in the key's name is wrong.
        """
        for told in self.signatures:
            if (told.name, told.key_id) == (key.name, key.key_id):
                at = check(key, self.text, told.data)
                if at is None:
                    raise user_error("EVD-SIGNATURE", key.name)
                return at
        return None

    def with_signature(self, line: str) -> Note:
        """This note with one more signature line."""
        return Note(self.text, (*self.signatures, signature(line.removesuffix("\n"))))


def signature(line: str, where: str = "note") -> Signature:
    """A signature line without its end. Raises UserError EVD-NOTE."""
    dash, _, rest = line.partition(" ")
    name, _, text = rest.partition(" ")
    data = decode(text)
    if dash != "—" or _NAME.fullmatch(name) is None or data is None or len(data) <= KEY_ID_BYTES:
        fail("EVD-NOTE", where, detail=f"not a signature line: {line[:80]}")
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:], line)


def check(key: PublicKey, text: str, data: bytes) -> datetime | None:
    """When ``data`` was signed for ``text`` by ``key`` (the epoch if it tells no time); None: it wasn't."""
    if key.use == "log":
        epoch = datetime.fromtimestamp(0, UTC)
        return epoch if key.suite.verify(key.public, text.encode(), data) else None
    seconds = int.from_bytes(data[:TIME_BYTES], "big")
    if seconds >= 1 << 40 or not key.suite.verify(key.public, _cosigned(text, seconds), data[TIME_BYTES:]):
        return None
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log is and the root over it."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    @classmethod
    def read(cls, text: str, where: str = "checkpoint") -> Checkpoint:
        """The checkpoint that a note's text is. Raises UserError EVD-NOTE."""
        lines = text.removesuffix("\n").split("\n")
        root = decode(lines[2]) if len(lines) >= 3 else None  # noqa: PLR2004 - origin, size, root
        if root is None or len(root) != HASH_BYTES or not all(lines) or not _SIZE.fullmatch(lines[1]):
            fail("EVD-NOTE", where, detail="not origin, size and root")
        return cls(lines[0], int(lines[1]), root)
