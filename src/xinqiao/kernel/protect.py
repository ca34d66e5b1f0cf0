"""Personal numbers at rest: a keyed hash to match by, and authenticated encryption to read back.

The space of identity numbers is small (about 10^10), so a hash without a secret key is no protection.
Each key of a ring belongs to one suite (``kernel.suite``); hash and seal each use a key derived from it.
Every token begins with the id of its key and, unless international, its suite (``k2.guomi:...``), so keys
and suites can be changed: new tokens use the current key, old ones stay readable until ``reseal`` has been
through them.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.suite import INTERNATIONAL, KEY_BYTES, CryptoSuite, SealError, suite_named

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Keyring:
    """Secret keys by id, one of them current. Neither ``repr`` nor pickle gives a key away."""

    __slots__ = ("_keys", "_suites", "current")

    def __init__(
        self,
        keys: Mapping[str, bytes],
        current: str,
        where: str = "keys",
        suites: Mapping[str, str] | None = None,
    ) -> None:
        """``suites``: the suite of each key, international unless told.

        Raises UserError CRY-KEY (an id or key that is not one, a current id without a key), CRY-SUITE.
        """
        for key_id, key in keys.items():
            if _ID.fullmatch(key_id) is None or len(key) != KEY_BYTES:
                fail("CRY-KEY", where, detail=f"{key_id[:32]!r}: {len(key)} bytes")
        if current not in keys:
            fail("CRY-KEY", where, detail=f"current: {current[:32]!r}")
        self._keys = dict(keys)
        self._suites = {key_id: suite_named(name, where) for key_id, name in (suites or {}).items()}
        self.current = current

    @classmethod
    def read(cls, path: Path) -> Keyring:
        """The ring of a file: {"current": id, "keys": {id: 32 bytes in base64}, "suites": {id: guomi}}.

        Raises UserError CRY-KEY, CRY-SUITE.
        """
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise user_error("CRY-KEY", str(path), detail="not readable") from None
        return cls._parse(text, str(path))

    @classmethod
    def of_environment(cls, name: str) -> Keyring:
        """The ring in the environment variable ``name``, written as in a file. Raises UserError CRY-KEY."""
        return cls._parse(os.environ.get(name, ""), name)

    @classmethod
    def _parse(cls, text: str, where: str) -> Keyring:
        try:
            data = json.loads(text)
            keys = {str(key_id): base64.b64decode(key, validate=True) for key_id, key in data["keys"].items()}
            current = str(data["current"])
            suites = {str(key_id): str(name) for key_id, name in data.get("suites", {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise user_error("CRY-KEY", where, detail="JSON") from None  # the cause would show the keys
        return cls(keys, current, where, suites)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the current one first."""
        return (self.current, *(key_id for key_id in self._keys if key_id != self.current))

    def suite(self, key_id: str) -> CryptoSuite:
        """The suite that the key ``key_id`` is used with."""
        return self._suites.get(key_id, INTERNATIONAL)

    def derive(self, key_id: str, purpose: str) -> bytes:
        """The key for ``purpose`` from the key ``key_id``. Raises UserError CRY-KEY-ID."""
        if key_id not in self._keys:
            fail("CRY-KEY-ID", "keys", key=key_id[:32], known=", ".join(self.ids))
        return self.suite(key_id).derive(self._keys[key_id], purpose)

    def label(self, key_id: str) -> str:
        """How tokens made with the key begin: its id, and its suite unless international."""
        suite = self.suite(key_id)
        return key_id if suite is INTERNATIONAL else f"{key_id}.{suite.name}"

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, keys={len(self._keys)}, secret)"

    def __reduce__(self) -> str:
        message = "a ring of keys is not written down; read it again where it is needed"
        raise TypeError(message)


def new_key() -> bytes:
    """A fresh random key."""
    return secrets.token_bytes(KEY_BYTES)


def keyed_hash(value: str, ring: Keyring, purpose: str, key_id: str | None = None) -> str:
    """``label:hex`` of ``value`` for matching within ``purpose`` (resident_id, phone).

    ``value`` must be in one form (``identifier.plain``): equal values have equal tokens within a purpose,
    and tokens of two purposes can't be matched.
    """
    key_id = ring.current if key_id is None else key_id
    key = ring.derive(key_id, f"hash/{purpose}")
    return f"{ring.label(key_id)}:{ring.suite(key_id).mac(key, value.encode()).hex()}"


def keyed_hashes(value: str, ring: Keyring, purpose: str) -> tuple[str, ...]:
    """The hash of ``value`` under every key, the current first: to look up what older keys hashed."""
    return tuple(keyed_hash(value, ring, purpose, key_id) for key_id in ring.ids)


def seal(value: str, ring: Keyring, context: str) -> str:
    """``label:base64`` that only the ring can read, and only in the same ``context`` (table, row)."""
    key = ring.derive(ring.current, "seal")
    sealed = ring.suite(ring.current).seal(key, value.encode(), context.encode())
    return f"{ring.label(ring.current)}:{base64.b64encode(sealed).decode()}"


def unseal(token: str, ring: Keyring, context: str) -> str:
    """What was sealed. Raises UserError CRY-SEAL (altered, or another context), CRY-KEY-ID."""
    label, _, text = token.partition(":")
    key_id = label.partition(".")[0]
    key = ring.derive(key_id, "seal")
    if label != ring.label(key_id):
        fail("CRY-SEAL", context)
    try:
        data = base64.b64decode(text, validate=True)
        return ring.suite(key_id).unseal(key, data, context.encode()).decode()
    except (SealError, binascii.Error, ValueError):
        raise user_error("CRY-SEAL", context) from None


def reseal(token: str, ring: Keyring, context: str) -> str:
    """``token`` under the current key: as it is if that sealed it already."""
    if token.partition(":")[0] == ring.label(ring.current):
        return token
    return seal(unseal(token, ring, context), ring, context)
