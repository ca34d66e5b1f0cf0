"""One seam for cryptography, two suites behind it: international and 国密 (Chinese national standards).

| | international | guomi |
|---|---|---|
| hash | SHA-256 | SM3 |
| mac, derive | HMAC, HKDF of SHA-256 | HMAC, HKDF of SM3 |
| seal | AES-256-GCM | SM4-GCM |
| sign | Ed25519 | SM2 with SM3, signer id 1234567812345678 |

Keys are bytes and every function is pure but for randomness, so one set of tests holds for both.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Protocol

import gmssl_pyx  # type: ignore[import-untyped] # ships no py.typed
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xinqiao.kernel.errors import fail

KEY_BYTES = 32
"""Length of secret keys of both suites; SM4 uses the first 16."""
HASH_BYTES = 32
SIGNATURE_BYTES = 64
NONCE_BYTES = 12
TAG_BYTES = 16
SM4_KEY_BYTES = 16
SM2_HALF = 32


class SealError(Exception):
    """What was sealed has been altered, or was sealed with another key or in another context."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A signing key and the public key that checks its signatures. ``repr`` doesn't show the private one."""

    private: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()}, secret)"


class CryptoSuite(Protocol):
    """What the product needs of cryptography. ``name`` stands in files and tokens made with the suite."""

    @property
    def name(self) -> str:
        """``international`` or ``guomi``."""

    @property
    def signature_type(self) -> bytes:
        """Type of a plain signature in signed notes (C2SP): 0x01, or 0xff and an identifier."""

    @property
    def cosignature_type(self) -> bytes:
        """Type of a witness's timestamped signature in signed notes."""

    @property
    def public_bytes(self) -> int:
        """Length of a public key."""

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""

    def mac(self, key: bytes, data: bytes) -> bytes:
        """32 bytes that only who has ``key`` can make."""

    def derive(self, key: bytes, purpose: str) -> bytes:
        """The key for ``purpose`` from ``key``: keys of two purposes tell nothing of each other."""

    def seal(self, key: bytes, plain: bytes, context: bytes) -> bytes:
        """Authenticated encryption: nonce, cipher text and tag; ``context`` is bound, not kept."""

    def unseal(self, key: bytes, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises SealError."""

    def generate(self) -> KeyPair:
        """A fresh signing key."""

    def sign(self, pair: KeyPair, message: bytes) -> bytes:
        """64 bytes."""

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` was made for ``message`` with the key of ``public``; never raises."""


class _Hashing:
    """What both suites do alike, given their hash."""

    _algorithm: hashes.HashAlgorithm

    def hash(self, data: bytes) -> bytes:
        told = hashes.Hash(self._algorithm)
        told.update(data)
        return told.finalize()

    def mac(self, key: bytes, data: bytes) -> bytes:
        signer = hmac.HMAC(key, self._algorithm)
        signer.update(data)
        return signer.finalize()

    def derive(self, key: bytes, purpose: str) -> bytes:
        told = HKDF(algorithm=self._algorithm, length=KEY_BYTES, salt=None, info=purpose.encode())
        return told.derive(key)


class International(_Hashing):
    """SHA-256, HMAC, AES-256-GCM, Ed25519."""

    name = "international"
    signature_type = b"\x01"
    cosignature_type = b"\x04"
    public_bytes = 32
    _algorithm = hashes.SHA256()

    def seal(self, key: bytes, plain: bytes, context: bytes) -> bytes:
        """See CryptoSuite."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, plain, context)

    def unseal(self, key: bytes, sealed: bytes, context: bytes) -> bytes:
        """See CryptoSuite."""
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise SealError from error

    def generate(self) -> KeyPair:
        """See CryptoSuite."""
        key = Ed25519PrivateKey.generate()
        return KeyPair(key.private_bytes_raw(), key.public_key().public_bytes_raw())

    def sign(self, pair: KeyPair, message: bytes) -> bytes:
        """See CryptoSuite."""
        return Ed25519PrivateKey.from_private_bytes(pair.private).sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """See CryptoSuite."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Guomi(_Hashing):
    """SM3, HMAC-SM3, SM4-GCM, SM2. Signatures are r and s, 32 bytes each."""

    name = "guomi"
    signature_type = b"\xffxinqiao/sm2-sm3"
    cosignature_type = b"\xffxinqiao/sm2-sm3-cosignature"
    public_bytes = 64
    _algorithm = hashes.SM3()

    def seal(self, key: bytes, plain: bytes, context: bytes) -> bytes:
        """See CryptoSuite."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        encryptor = Cipher(SM4(key[:SM4_KEY_BYTES]), GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(context)
        return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag

    def unseal(self, key: bytes, sealed: bytes, context: bytes) -> bytes:
        """See CryptoSuite."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise SealError
        nonce, body, tag = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:]
        decryptor = Cipher(SM4(key[:SM4_KEY_BYTES]), GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(context)
        try:
            return decryptor.update(body) + decryptor.finalize()
        except InvalidTag as error:
            raise SealError from error

    def generate(self) -> KeyPair:
        """See CryptoSuite."""
        public, private = gmssl_pyx.sm2_key_generate()
        return KeyPair(private, public)

    def sign(self, pair: KeyPair, message: bytes) -> bytes:
        """See CryptoSuite."""
        r, s = decode_dss_signature(gmssl_pyx.sm2_sign(pair.private, pair.public, message))
        return r.to_bytes(SM2_HALF, "big") + s.to_bytes(SM2_HALF, "big")

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """See CryptoSuite."""
        if len(signature) != SIGNATURE_BYTES or len(public) != self.public_bytes:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:SM2_HALF], signature[SM2_HALF:]))
        try:
            point = gmssl_pyx.normalize_sm2_public_key(public)
            return bool(gmssl_pyx.sm2_verify(point, message, encode_dss_signature(r, s)))
        except gmssl_pyx.GmsslInnerError:
            return False


INTERNATIONAL: CryptoSuite = International()
GUOMI: CryptoSuite = Guomi()
SUITES = {suite.name: suite for suite in (INTERNATIONAL, GUOMI)}


def suite_named(name: str, where: str = "suite") -> CryptoSuite:
    """The suite ``name``. Raises UserError CRY-SUITE."""
    if name not in SUITES:
        fail("CRY-SUITE", where, suite=name[:32], known=", ".join(SUITES))
    return SUITES[name]
