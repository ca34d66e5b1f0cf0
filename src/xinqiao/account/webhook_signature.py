"""The signature of a webhook: HMAC over id, second and body, so that a receiver knows sender and freshness.

Headers ``webhook-id`` (the same at every attempt), ``webhook-timestamp`` (seconds) and ``webhook-signature``
(``v1,`` and base64; several may stand there, parted by blanks, while a secret is changed).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from xinqiao.kernel.suite import INTERNATIONAL, CryptoSuite

PREFIX = "whsec_"
SECRET_BYTES = 32
FRESH_SECONDS = 300
"""A receiver refuses what was signed longer ago: a copy sent again later isn't believed."""


def new_secret() -> str:
    """A secret as the receiver keeps it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(
    secret: str, message_id: str, at: datetime, body: bytes, suite: CryptoSuite = INTERNATIONAL
) -> dict[str, str]:
    """The three headers of a message."""
    second = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": _signature(secret, message_id, second, body, suite),
    }


def verified(
    secret: str, given: Mapping[str, str], body: bytes, at: datetime, suite: CryptoSuite = INTERNATIONAL
) -> bool:
    """What a receiver asks: did who knows ``secret`` send ``body`` with the headers ``given``, just now?"""
    message_id, second = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not second.isascii() or not second.isdigit() or abs(at.timestamp() - int(second)) > FRESH_SECONDS:
        return False
    wanted = _signature(secret, message_id, second, body, suite)
    return any(hmac.compare_digest(wanted, one) for one in given.get("webhook-signature", "").split())


def _signature(secret: str, message_id: str, second: str, body: bytes, suite: CryptoSuite) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{second}.".encode() + body
    return "v1," + base64.b64encode(suite.mac(key, signed)).decode()
