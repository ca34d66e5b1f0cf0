"""Frames: what passes between two nodes, and between a node and a job's worker.

A frame is its size (4 bytes, big-endian, of what follows), its type (1 byte) and a body. Messages of a
protocol are cut into parts of at most ``PART_BYTES``, so that heartbeats and other jobs pass between them.
A part is flags (1 first, 2 last), then on the first the message's size (8 bytes) and its tag (length and
ASCII), then bytes. Between nodes a part stands behind the job's id (16 bytes) and attempt (1 byte),
between node and worker behind the other party's number in the manifest (1 byte).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from xinqiao.kernel.errors import fail

PART_BYTES = 256 * 1024
FRAME_AT_MOST = 1 << 20
TAG_AT_MOST = 120
_HEAD = struct.Struct(">IB")
_JOB = struct.Struct(">16sB")
_FIRST, _LAST = 1, 2
_TAG_AT = 10
"""Where the tag begins in a first part: behind flags, size and the tag's length."""


class Type(IntEnum):
    """Types of frames."""

    HELLO = 1
    BEAT = 2
    CONTROL = 3
    PART = 4
    CREDIT = 5
    # between node and worker only
    SPEC = 16
    READY = 17
    START = 18
    PROGRESS = 19
    RESULT = 20
    FAILED = 21


def frame(kind: Type, *body: bytes) -> bytes:
    """One frame."""
    size = sum(map(len, body))
    return b"".join([_HEAD.pack(1 + size, kind), *body])


def head(data: bytes, source: str) -> tuple[int, int]:
    """Size of the body and type of the frame that begins with ``data``. Raises UserError PRV-FRAME."""
    size, kind = _HEAD.unpack(data)
    if not 1 <= size <= FRAME_AT_MOST:
        fail("PRV-FRAME", source, detail=f"{size} bytes")
    return size - 1, kind


async def read_frame(reader: asyncio.StreamReader, source: str) -> tuple[int, bytes]:
    """The next frame's type and body. Raises UserError PRV-FRAME, IncompleteReadError, OSError."""
    size, kind = head(await reader.readexactly(_HEAD.size), source)
    return kind, await reader.readexactly(size)


def take_frame(line: socket.socket, source: str) -> tuple[int, bytes]:
    """As ``read_frame``, of a blocking socket. Raises EOFError at its end."""
    size, kind = head(_exactly(line, _HEAD.size), source)
    return kind, _exactly(line, size)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        got = line.recv_into(view[at:])
        if not got:
            raise EOFError
        at += got
    return bytes(data)


def parts(tag: str, payload: bytes) -> Iterator[bytes]:
    """The parts of one message. Raises ValueError for a tag that is too long or not ASCII."""
    name = tag.encode("ascii")
    if not 0 < len(name) <= TAG_AT_MOST:
        message = f"tag of {len(name)} bytes"
        raise ValueError(message)
    view, size = memoryview(payload), len(payload)
    start = size.to_bytes(8, "big") + len(name).to_bytes(1, "big") + name
    for at in range(0, max(size, 1), PART_BYTES):
        flags = (_FIRST if at == 0 else 0) | (_LAST if at + PART_BYTES >= size else 0)
        yield b"".join([bytes([flags]), start if at == 0 else b"", view[at : at + PART_BYTES]])


def announced(part: bytes, source: str) -> int | None:
    """The size a message's first part announces; None for a later part. Raises UserError PRV-FRAME."""
    if not part:
        fail("PRV-FRAME", source, detail="empty part")
    return int.from_bytes(part[1:9], "big") if part[0] & _FIRST else None


def for_job(job: UUID, attempt: int, part: bytes) -> bytes:
    """The body between nodes of a part."""
    return _JOB.pack(job.bytes, attempt) + part


def of_job(body: bytes, source: str) -> tuple[tuple[UUID, int], bytes]:
    """Job, attempt and part of such a body. Raises UserError PRV-FRAME."""
    if len(body) < _JOB.size:
        fail("PRV-FRAME", source, detail="job")
    job, attempt = _JOB.unpack_from(body)
    return (UUID(bytes=job), attempt), body[_JOB.size :]


@dataclass(slots=True)
class Message:
    """A message of ``source`` being put together from its parts."""

    source: str
    most: int
    tag: str = ""
    size: int = -1
    chunks: list[bytes] = field(default_factory=list)
    held: int = 0

    def add(self, part: bytes) -> tuple[str, bytes] | None:
        """Tag and payload when ``part`` is the last. Raises UserError PRV-FRAME, PRV-OVERSIZE."""
        size = announced(part, self.source)
        if (size is None) == (self.size < 0):
            fail("PRV-FRAME", self.source, detail="order of parts")
        at = 1
        if size is not None:
            if size > self.most:
                fail("PRV-OVERSIZE", self.source, size=size, most=self.most)
            end = _TAG_AT + part[_TAG_AT - 1] if len(part) > _TAG_AT else 0
            if not _TAG_AT < end <= len(part) or not part[_TAG_AT:end].isascii():
                fail("PRV-FRAME", self.source, detail="tag")
            self.size, self.tag, at = size, part[_TAG_AT:end].decode("ascii"), end
        self.chunks.append(part[at:])
        self.held += len(part) - at
        last = bool(part[0] & _LAST)
        if self.held > self.size or last != (self.held == self.size):
            fail("PRV-FRAME", self.source, detail="size of a message")
        if not last:
            return None
        told = self.tag, b"".join(self.chunks)
        self.tag, self.size, self.chunks, self.held = "", -1, [], 0
        return told
