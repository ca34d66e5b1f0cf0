"""Canonical bytes: the same content always gives the same bytes and the same digest."""

from __future__ import annotations

import hashlib
import json
import math


def _refuse(value: object) -> None:
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:  # most values, and quickly said
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            message = "NaN and infinities have no canonical form; use None with a reason"
            raise ValueError(message)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                message = f"a key of canonical JSON is a text, not {key!r}"
                raise TypeError(message)
            _refuse(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse(item)


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces, shortest round-trip floats; no NaN.

    Raises ValueError on NaN or infinity, TypeError on what JSON cannot hold.
    """
    _refuse(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest(data: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()
