"""All lines of a node: listens on one port, calls its peers, and keeps one line with each.

Who calls whom follows from the names, so that two nodes don't call each other at once. A new line of a
peer takes the place of the old one: the peer's node was started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import random
import socket
import ssl
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.agreement.certificate import Certificate
from xinqiao.privacy.agreement.config import Config, Peer, host_and_port
from xinqiao.privacy.node.frames import Type, frame, read_frame
from xinqiao.privacy.node.line import Line, Receiver
from xinqiao.privacy.node.tls import client_context, pinned, server_context, told

HANDSHAKES_AT_ONCE = 32
HANDSHAKE_SECONDS = 10.0
BUFFER_BYTES = 1 << 20
PAUSE_SECONDS = 0.2
PAUSE_AT_MOST_SECONDS = 5.0
PROTOCOL = "xinqiao-node/1"


class Events(Receiver, Protocol):
    """What is told of lines, besides their frames."""

    def up(self, line: Line) -> None:
        """A line stands."""

    def down(self, line: Line, error: UserError) -> None:
        """A line has gone, and why."""


class Relay:
    """The lines of the node of ``config``. ``faults``: why there is no line with a peer, last error."""

    def __init__(self, config: Config, events: Events, log: FilteringBoundLogger) -> None:
        self.config = config
        self.lines: dict[str, Line] = {}
        self.faults: dict[str, UserError] = {}
        self.events, self.log = events, log
        self._pins = {told.fingerprint: name for name, told in config.certificates.items()}
        self._files = config.path(config.certificate), config.path(config.key)
        self._server = server_context(*self._files, config.certificates.values())
        self._busy = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen and call until cancelled. Raises UserError PRV-PORT."""
        host, port = host_and_port(self.config.listen)
        try:
            listener = socket.create_server((host, port), backlog=128, family=_family(host))
        except OSError as error:
            fail("PRV-PORT", self.config.listen, detail=error.strerror or str(error))
        listener.settimeout(0)
        self.log.info("listening", address=self.config.listen, peers=len(self.config.peers))
        try:
            for peer in self.config.peers:
                if peer.address is not None and self._we_call(peer):
                    self._start(self._call(peer))
            while True:
                await self._busy.acquire()
                try:
                    taken, _ = await asyncio.get_running_loop().sock_accept(listener)
                except OSError:  # the caller has gone again, or no file is left: go on a little later
                    self._busy.release()
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                self._start(self._take(taken))
        finally:
            listener.close()
            await self._stop()

    def line(self, peer: str) -> Line | None:
        """The line with a peer, if it stands."""
        return self.lines.get(peer)

    def status(self) -> dict[str, Any]:
        """How it stands with each peer: for the log and the status file."""
        told: dict[str, Any] = {}
        for peer in self.config.peers:
            line, fault = self.lines.get(peer.name), self.faults.get(peer.name)
            told[peer.name] = {"connected": line is not None}
            if line is not None:
                told[peer.name] |= {"bytes_in": line.bytes_in, "bytes_out": line.bytes_out}
            elif fault is not None:
                told[peer.name] |= {"code": fault.code, "zh": fault.what.zh, "en": fault.what.en}
        return told

    def _we_call(self, peer: Peer) -> bool:
        return peer.we_call if peer.we_call is not None else self.config.name < peer.name

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for line in list(self.lines.values()):
            line.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(self, peer: Peer) -> None:
        """Call a peer, again and again with growing pauses, as long as the node runs."""
        pause = PAUSE_SECONDS
        context = client_context(*self._files, self.config.certificates[peer.name])
        while True:
            try:
                stood = await self._called(peer, context)
                pause = PAUSE_SECONDS if stood else pause
            except UserError as error:
                self._fault(peer.name, error)
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - no secret
            pause = min(2 * pause, PAUSE_AT_MOST_SECONDS)

    async def _called(self, peer: Peer, context: ssl.SSLContext) -> bool:
        """One call, until its line ends; whether the line ever stood. Raises UserError."""
        self.config.certificates[peer.name].check_date(peer.name)
        host, port = host_and_port(peer.address or "")
        reader = asyncio.StreamReader(limit=BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await asyncio.wait_for(
                loop.create_connection(
                    lambda: asyncio.StreamReaderProtocol(reader),
                    host,
                    port,
                    ssl=context,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ),
                self.config.limits.connect_seconds,
            )
        except ssl.SSLError as error:
            fail("PRV-TLS", peer.name, detail=told(error))
        except (TimeoutError, OSError):
            fail("PRV-PEER-AWAY", peer.name)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return await self._greeted(reader, writer, peer.name)

    async def _take(self, taken: socket.socket) -> None:
        """One connection that came in: handshake, then the line of whoever it proved to be."""
        reader = asyncio.StreamReader(limit=BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        caller = _caller(taken)
        try:
            try:
                transport, protocol = await loop.connect_accepted_socket(
                    lambda: asyncio.StreamReaderProtocol(reader),
                    taken,
                    ssl=self._server,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS,
                )
            finally:
                self._busy.release()
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            await self._greeted(reader, writer, caller)
        except ssl.SSLError as error:
            self._refused(caller, user_error("PRV-TLS", caller, detail=told(error)))
        except (OSError, EOFError) as error:
            self._refused(caller, user_error("PRV-TLS", caller, detail=told(error)))
        except UserError as error:
            self._refused(caller, error)
        finally:
            taken.close()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str) -> bool:
        """Check who is there, tell each other names, then keep the line until it ends. Raises UserError."""
        try:
            shown = writer.get_extra_info("ssl_object")
            named = who if who in self.config.certificates else None
            pins = {p: name for p, name in self._pins.items() if named in (None, name)}
            peer = pinned(shown, pins, who)
            self.config.certificates[peer].check_date(peer)
            writer.write(frame(Type.HELLO, self._hello(self.config.name, peer)))
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                kind, body = await read_frame(reader, peer)
            if kind != Type.HELLO or not hmac.compare_digest(body, self._hello(peer, self.config.name)):
                fail("PRV-FRAME", peer, detail="hello")
            await self._kept(Line(peer, reader, writer, self.config.limits))
        except ssl.SSLError as error:
            fail("PRV-TLS", who, detail=told(error))
        except (OSError, EOFError, TimeoutError):
            fail("PRV-TLS", who, detail="closed after the handshake; is our certificate pinned there?")
        finally:
            writer.transport.abort()
        return True

    async def _kept(self, line: Line) -> None:
        if (old := self.lines.get(line.peer)) is not None:
            old.close()
            self._gone(old)
        self.lines[line.peer] = line
        self.faults.pop(line.peer, None)
        self.log.info("line up", peer=line.peer)
        self.events.up(line)
        shown = self.config.own_certificate, self.config.certificates[line.peer]
        left = min(told.ends for told in shown) - now()
        timer = asyncio.get_running_loop().call_later(
            max(left.total_seconds(), 0) + 1, self._expired, line, shown
        )
        try:
            await line.run(self.events)
        finally:
            timer.cancel()
            self._gone(line)

    def _expired(self, line: Line, shown: Iterable[Certificate]) -> None:
        """A line does not outlive the certificates it was made with."""
        try:
            for certificate in shown:
                certificate.check_date(line.peer)
        except UserError as error:
            line.close(error)

    def _gone(self, line: Line) -> None:
        """Tell once that a line has ended."""
        if self.lines.get(line.peer) is line:
            del self.lines[line.peer]
            error = line.fault or user_error("PRV-PEER-LOST", line.peer)
            self._fault(line.peer, error)
            self.events.down(line, error)

    def _fault(self, peer: str, error: UserError) -> None:
        before = self.faults.get(peer)
        self.faults[peer] = error
        if before is None or str(before) != str(error):  # said once, not at every try
            self.log.warning("no line", peer=peer, code=error.code, zh=error.what.zh, en=error.what.en)

    def _refused(self, caller: str, error: UserError) -> None:
        self.log.warning("refused", caller=caller, code=error.code, zh=error.what.zh, en=error.what.en)

    def _hello(self, speaker: str, to: str) -> bytes:
        return canonical_json({"protocol": PROTOCOL, "from": speaker, "to": to})


def _caller(taken: socket.socket) -> str:
    with contextlib.suppress(OSError):
        name = taken.getpeername()
        return f"{name[0]}:{name[1]}"
    return "?"


def _family(host: str) -> int:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
