"""A link of two processes over mutual TLS, without a node: what benchmarks of one protocol run over."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from xinqiao.privacy.agreement.certificate import read_certificate
from xinqiao.privacy.node.tls import client_context, server_context


class TlsLink:
    """A link of two processes: one TLS connection a direction, each with the peer's pinned certificate."""

    def __init__(self, me: str, parties: tuple[str, str], folder: Path, ports: Mapping[str, int]) -> None:
        (self.peer,) = (name for name in parties if name != me)
        self.me, self.parties, self.sent_bytes = me, parties, 0
        files = folder / f"{me}.crt", folder / f"{me}.key"
        theirs = read_certificate(folder / f"{self.peer}.crt")
        listener = socket.create_server(("127.0.0.1", ports[me]))
        while True:
            try:
                plain = socket.create_connection(("127.0.0.1", ports[self.peer]))
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as a node's lines have it
        taken: list[ssl.SSLSocket] = []

        def accept() -> None:
            taken.append(server_context(*files, [theirs]).wrap_socket(listener.accept()[0], server_side=True))

        thread = threading.Thread(target=accept)
        thread.start()
        self._out = client_context(*files, theirs).wrap_socket(plain)
        thread.join()
        self._in, self._box = taken[0], queue.Queue[tuple[str, bytes]]()
        threading.Thread(target=self._listen, daemon=True).start()
        self._lock = threading.Lock()

    def send(self, to: str, tag: str, payload: bytes) -> None:  # noqa: ARG002 - there is one other
        head = len(tag).to_bytes(1, "big") + tag.encode() + len(payload).to_bytes(8, "big")
        with self._lock:
            self._out.sendall(head + payload)
            self.sent_bytes += len(head) + len(payload)

    def receive(self, source: str, tag: str) -> bytes:  # noqa: ARG002 - there is one other
        told, payload = self._box.get(timeout=600)
        if told != tag:
            message = f"{told} instead of {tag}"
            raise RuntimeError(message)
        return payload

    def _listen(self) -> None:
        with self._in.makefile("rb") as stream:
            while size := stream.read(1):
                tag = stream.read(size[0]).decode()
                self._box.put((tag, stream.read(int.from_bytes(stream.read(8), "big"))))
