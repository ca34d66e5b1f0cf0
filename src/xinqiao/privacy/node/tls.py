"""Mutual TLS between two nodes: 1.3 only, and each side takes the other's very certificate or nothing.

OpenSSL checks dates and the proof of the private key against a store that holds the pinned certificates
themselves; ``pinned`` then compares the SHA-256 of what was shown, on both sides, so that no certificate
an authority or another party made can pass as the peer.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.agreement.certificate import Certificate


def server_context(certificate: Path, key: Path, peers: Iterable[Certificate]) -> ssl.SSLContext:
    """For taking connections of any of the peers."""
    return _context(ssl.PROTOCOL_TLS_SERVER, certificate, key, peers)


def client_context(certificate: Path, key: Path, peer: Certificate) -> ssl.SSLContext:
    """For calling one peer: no other's certificate is taken, however valid."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, certificate, key, [peer])


def _context(side: int, certificate: Path, key: Path, peers: Iterable[Certificate]) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the certificate itself is pinned; names in it say nothing
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    if side == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0  # every connection shows its certificate
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise user_error("PRV-CERT", str(certificate), detail=str(error)) from error
    known = "".join(peer.pem for peer in peers)
    if known:
        context.load_verify_locations(cadata=known)
    return context


def pinned(shown: ssl.SSLObject, pins: Mapping[str, str], where: str) -> str:
    """The party whose pinned fingerprint the connection's certificate has; ``pins``: party by fingerprint.

    Raises UserError PRV-PIN.
    """
    der = shown.getpeercert(binary_form=True) or b""
    party = pins.get(hashlib.sha256(der).hexdigest())
    if party is None:
        fail("PRV-PIN", where, party=", ".join(pins.values()) or "-")
    return party


def told(error: BaseException) -> str:
    """Why a handshake failed, in OpenSSL's words, without addresses of memory or source lines."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return str(error) or type(error).__name__
