"""ristretto255 in plain Python (RFC 9496): what is used where there is no libsodium."""

from __future__ import annotations

from xinqiao.privacy.group import Group


def plain_python() -> Group:
    """The group, slow and not constant in time."""
    raise NotImplementedError
