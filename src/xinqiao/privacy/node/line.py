"""One connection with one peer: frames both ways, heartbeats, and room for each job's parts.

A sender may have ``WINDOW_BYTES`` of a job on the way that the other side's worker has not taken yet, so a
slow or stopped worker holds back its own job and nothing else on the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.agreement.config import Limits
from xinqiao.privacy.node.frames import Type, for_job, frame, of_job, read_frame
from xinqiao.privacy.node.tls import told

WINDOW_BYTES = 4 << 20
CREDIT_BYTES = WINDOW_BYTES // 4
"""Room is given back in steps of this size."""
Run: TypeAlias = tuple[UUID, int]
"""A job and its attempt."""


class Receiver(Protocol):
    """What takes a line's frames: the node's control and the running jobs."""

    def control(self, peer: str, message: Any) -> None:  # noqa: ANN401 - JSON, checked by the receiver
        """A control message. Raises UserError for one that does not follow the rules."""

    async def room(self) -> None:
        """Wait until another control message can be taken."""

    def part(self, peer: str, run: Run, part: bytes) -> bool:
        """A part of a job's message; whether the job runs here."""


class Line:
    """A connection that has been authenticated as ``peer``'s."""

    def __init__(
        self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits
    ) -> None:
        self.peer = peer
        self.fault: UserError | None = None
        self.bytes_in = self.bytes_out = 0
        self._reader, self._writer, self._limits = reader, writer, limits
        self._heard = time.monotonic()
        self._room: dict[Run, int] = {}
        self._granted: dict[Run, int] = {}
        self._owed: dict[Run, int] = {}
        self._changed = asyncio.Condition()

    def control(self, message: Any) -> None:  # noqa: ANN401 - JSON
        """Send a control message, at once."""
        self._write(Type.CONTROL, json.dumps(message, ensure_ascii=False).encode())

    async def send(self, run: Run, part: bytes) -> None:
        """Send a part as soon as there is room. Raises UserError PRV-PEER-LOST."""
        if self._room.setdefault(run, WINDOW_BYTES) <= 0:
            async with self._changed:
                await self._changed.wait_for(lambda: self.closed or self._room.get(run, 0) > 0)
        if self.closed:
            fail("PRV-PEER-LOST", self.peer)
        self._room[run] = self._room.get(run, WINDOW_BYTES) - len(part)
        self._write(Type.PART, for_job(*run, part))
        with contextlib.suppress(OSError):  # the reading side tells that the line is gone
            await self._writer.drain()

    def taken(self, run: Run, size: int) -> None:
        """This side's worker has taken ``size`` bytes: give the room back, in steps."""
        owed = self._owed.get(run, 0) + size
        if owed >= CREDIT_BYTES:
            self._granted[run] = self._granted.get(run, WINDOW_BYTES) + owed
            self._write(Type.CREDIT, for_job(*run, owed.to_bytes(4, "big")))
            owed = 0
        self._owed[run] = owed

    def forget(self, run: Run) -> None:
        """The job has ended."""
        for kept in (self._room, self._granted, self._owed):
            kept.pop(run, None)

    @property
    def closed(self) -> bool:
        """Whether the line is gone."""
        return self.fault is not None

    def close(self, fault: UserError | None = None) -> None:
        """End the line; the first ``fault`` is kept as the reason."""
        if self.fault is None:
            self.fault = fault or user_error("PRV-PEER-LOST", self.peer)
        self._writer.transport.abort()

    async def run(self, receiver: Receiver) -> UserError:
        """Take frames until the line ends; why it ended."""
        beat = asyncio.create_task(self._beat())
        try:
            while not self.closed:
                await self._one(receiver)
        except UserError as error:
            self.close(error)
        except (OSError, EOFError) as error:
            self.close(_reason(error, self.peer))
        finally:
            beat.cancel()
            self.close()
            async with self._changed:
                self._changed.notify_all()
        return self.fault or user_error("PRV-PEER-LOST", self.peer)

    async def _one(self, receiver: Receiver) -> None:
        kind, body = await read_frame(self._reader, self.peer)
        self._heard = time.monotonic()
        self.bytes_in += len(body)
        if kind == Type.PART:
            run, part = of_job(body, self.peer)
            self._count(run, len(part))
            if not receiver.part(self.peer, run, part):
                self.forget(run)
        elif kind == Type.CREDIT:
            run, size = of_job(body, self.peer)
            async with self._changed:
                if run in self._room:
                    self._room[run] += int.from_bytes(size[:4], "big")
                self._changed.notify_all()
        elif kind == Type.CONTROL:
            receiver.control(self.peer, _read(body, self.peer))
            await receiver.room()
            self._heard = time.monotonic()
        elif kind != Type.BEAT:
            fail("PRV-FRAME", self.peer, detail=f"type {kind}")

    def _count(self, run: Run, size: int) -> None:
        """A peer that sends more than it was given room for does not follow the rules."""
        left = self._granted.get(run, WINDOW_BYTES) - size
        if left <= -size:  # there was no room at all
            fail("PRV-FRAME", self.peer, detail="more than the window")
        self._granted[run] = left

    async def _beat(self) -> None:
        """Tell that we are here, and end the line when nothing was heard for too long."""
        while not self.closed:
            slept = time.monotonic()
            await asyncio.sleep(self._limits.heartbeat_seconds)
            self._write(Type.BEAT)
            late = time.monotonic() - slept > 2 * self._limits.heartbeat_seconds  # it was us who slept
            if not late and time.monotonic() - self._heard > self._limits.lost_seconds:
                self.close()

    def _write(self, kind: Type, *body: bytes) -> None:
        if not self.closed and not self._writer.transport.is_closing():
            data = frame(kind, *body)
            self.bytes_out += len(data)
            self._writer.write(data)


def _reason(error: Exception, peer: str) -> UserError:
    """A refusal by the other side's TLS comes as an error of the first read."""
    if isinstance(error, ssl.SSLError):
        return user_error("PRV-TLS", peer, detail=told(error))
    return user_error("PRV-PEER-LOST", peer)


def _read(body: bytes, peer: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return fail("PRV-FRAME", peer, detail="JSON")
