from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.evidence.logs import SmallLog
from xinqiao.evidence.log_client import LogClient
from xinqiao.evidence.note import SigningKey
from xinqiao.evidence.witness import Witness
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import INTERNATIONAL


@contextmanager
def answering(status: int, body: str) -> Iterator[LogClient]:
    """A server that says one thing to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{server.server_port}") as web:
                yield LogClient(web)
        finally:
            server.shutdown()
            thread.join()


def test_a_log_that_says_nothing_useful_is_told_of(tmp_path: Path) -> None:
    log = SmallLog(INTERNATIONAL)
    witness = Witness.opened(tmp_path, SigningKey.generate("w", "witness"), log.key.public)
    for status, body in ((500, "down"), (404, ""), (200, ""), (200, "{}"), (200, '{"proof": "x"}')):
        with answering(status, body) as client:
            with pytest.raises(UserError, match="EVD-REMOTE"):
                client.key()
            with pytest.raises(UserError, match="EVD-"):
                client.round(witness)
    for body in ("{}", "[]", "no json", '{"proof": 5}', '{"proof": [' + '"a",' * 64 + '"a"]}'):
        with answering(200, body) as client, pytest.raises(UserError, match="EVD-REMOTE"):
            client.prove(1, 2)
    assert witness.seen() is None


def test_nobody_there_is_told_of() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        httpx2.Client(base_url=f"http://127.0.0.1:{port}") as web,
        pytest.raises(UserError, match="EVD-REMOTE"),
    ):
        LogClient(web).key()
