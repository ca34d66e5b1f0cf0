"""Who calls at a node's port or stands at one with another certificate than the one that is pinned."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from tests.privacy.nodes import Node
from xinqiao.privacy.agreement.certificate import make_certificate


def client(node: Node, certificate: Path | None, key: Path | None) -> ssl.SSLSocket:
    """A caller at the node's port; TLS 1.3 tells it of a refusal at its first read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    line = context.wrap_socket(socket.create_connection(("127.0.0.1", node.port), timeout=20))
    line.settimeout(20)
    return line


class Impostor:
    """Stands at a party's port with another certificate; ``heard``: what it was told within TLS."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.heard = b""
        self.calls = 0
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            with taken:
                try:
                    with self._context.wrap_socket(taken, server_side=True) as line:
                        self.heard += line.recv(4096)
                except (ssl.SSLError, OSError):
                    pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


def made_up(folder: Path, name: str) -> tuple[Path, Path]:
    """A new certificate of that name, which nobody has pinned, and its key."""
    key, certificate = make_certificate(name)
    (folder / "key.pem").write_bytes(key)
    (folder / "certificate.pem").write_bytes(certificate)
    return folder / "certificate.pem", folder / "key.pem"
