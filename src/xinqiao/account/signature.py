"""HTTP message signatures (RFC 9421) of an API client's writes: nobody between can change or repeat one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from joserfc.jwk import Key, KeySet

from xinqiao.account.client import Client, first_time
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error

TAG = "xinqiao"
MAX_AGE = timedelta(minutes=5)
COVERED = ("@method", "@target-uri", "authorization", "idempotency-key", "content-digest")
MAX_NONCE = 100
_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_ALGORITHMS = {"EC": algorithms.ECDSA_P256_SHA256, "OKP": algorithms.ED25519}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as far as a signature covers it. ``url`` is the platform's public address of it."""

    method: str
    url: str
    headers: Mapping[str, str]


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, keys: Mapping[str, Key]) -> None:
        self.keys = keys

    def resolve_public_key(self, key_id: str) -> Any:  # noqa: ANN401 - what the library takes
        key = self.keys.get(key_id)
        return None if key is None else key.get_op_key("verify")


def check_signature(tx: Tx, client: Client, sent: Sent, body_sha256: bytes) -> None:
    """Hold a request against its signature. Raises UserError ACC-SIGNATURE.

    Method, address, token, idempotency key and the digest of the body must be covered, it must carry the tag
    ``xinqiao`` and a nonce, be at most five minutes old and come for the first time.
    """
    digest = _told_digest(sent.headers.get("content-digest", ""))
    if digest != body_sha256:
        fail("ACC-SIGNATURE", "content-digest", detail="content-digest")
    nonce = _verified(client, sent)
    until = int((now() + MAX_AGE + MAX_AGE).timestamp())
    if not isinstance(nonce, str) or not 1 <= len(nonce) <= MAX_NONCE:
        fail("ACC-SIGNATURE", "signature-input", detail="nonce")
    if not first_time(tx, client.id, f"nonce:{nonce}", until_seconds=until):
        fail("ACC-SIGNATURE", "signature-input", detail="nonce used")


def _verified(client: Client, sent: Sent) -> object:
    keys = {key.kid: key for key in _key_set(client.keys).keys if key.kid}
    told = [kind for kind in _ALGORITHMS if any(key.key_type == kind for key in keys.values())]
    detail = "keys"
    for kind in told:
        chosen = {kid: key for kid, key in keys.items() if key.key_type == kind}
        verifier = HTTPMessageVerifier(signature_algorithm=_ALGORITHMS[kind], key_resolver=_Keys(chosen))
        try:
            results = verifier.verify(sent, max_age=MAX_AGE, expect_tag=TAG, require_components=COVERED)
        except (HTTPMessageSignaturesException, ValueError) as error:
            detail = str(error)[:200]
            continue
        return results[0].nonce
    raise user_error("ACC-SIGNATURE", "signature", detail=detail)


def _key_set(keys: Any) -> KeySet:  # noqa: ANN401 - JSON that was checked when it was stored
    return KeySet.import_key_set(keys)


def _told_digest(header: str) -> bytes | None:
    told = _SHA256.search(header)
    try:
        return None if told is None else base64.b64decode(told[1], validate=True)
    except binascii.Error:
        return None


def digest_header(body_sha256: bytes) -> str:
    """The header ``Content-Digest`` of a body with this SHA-256."""
    return f"sha-256=:{base64.b64encode(body_sha256).decode()}:"
