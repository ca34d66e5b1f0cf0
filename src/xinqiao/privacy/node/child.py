"""The node's side of a job's process: starts it, carries its messages, ends it with all it started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.agreement.config import Config
from xinqiao.privacy.agreement.desk import Begun
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Sent
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.node.frames import Type, announced, frame, read_frame
from xinqiao.privacy.node.line import Line, Run
from xinqiao.privacy.node.worker import RESULT, TABLE, TRANSCRIPT

SECRETS = ("XINQIAO_DSN", "XINQIAO_OWNER_DSN", "XINQIAO_KEYS")
"""Of the environment: not for a job's process."""
WORKER = (sys.executable, "-m", "xinqiao.privacy.node.worker")
BUFFER_BYTES = 1 << 20
START_SECONDS = 120.0
"""Until a worker has loaded its libraries and its data."""


@dataclass(slots=True)
class Child:
    """One job's process. ``folder`` is its own and goes with it."""

    run: Run
    manifest: Manifest
    me: str
    folder: Path
    line_to: Callable[[str], Line | None]
    on_progress: Callable[[float], None] = lambda _: None
    inbox: asyncio.Queue[tuple[str, bytes]] = field(default_factory=asyncio.Queue)
    process: asyncio.subprocess.Process | None = None
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def start(self, config: Config, begun: Begun) -> None:
        """Start it and wait until it has its data. Raises UserError PRV-LATE, PRV-WORKER or its own."""
        await asyncio.to_thread(self._lay_out, begun.table)
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                *(*WORKER, str(theirs.fileno()), str(os.getpid())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # so that it ends with all it starts
                env={k: v for k, v in os.environ.items() if k not in SECRETS} | {"TMPDIR": str(self._tmp)},
                cwd=self.folder,
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=BUFFER_BYTES)
        spec = json.dumps(self._spec(config, begun)).encode()
        self._writer.write(frame(Type.SPEC, spec))
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._until(Type.READY)
        except TimeoutError:
            fail("PRV-LATE", self.me, seconds=int(START_SECONDS))

    async def through(self) -> tuple[Result, tuple[Sent, ...]]:
        """Let it begin; what it has at the end, and the transcript. Raises UserError."""
        assert self._writer is not None  # noqa: S101 - started before
        self._writer.write(frame(Type.START))
        self._tasks.append(asyncio.create_task(self._deliver()))
        await self._until(Type.RESULT)
        return await asyncio.to_thread(self._read)

    async def end(self) -> None:
        """Kill the process and all of its group, and remove its folder. May be called more than once."""
        for task in self._tasks:
            task.cancel()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        if self._writer is not None:
            self._writer.transport.abort()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def _tmp(self) -> Path:
        return self.folder / "tmp"

    def _lay_out(self, table: pa.Table | None) -> None:
        self.folder.mkdir(parents=True, mode=0o700)
        for name in ("tmp", "scratch", "out"):
            (self.folder / name).mkdir(mode=0o700)
        if table is not None:
            sink = os.open(self.folder / "input.arrow", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(sink, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)

    def _spec(self, config: Config, begun: Begun) -> dict[str, Any]:
        begun.state.mkdir(parents=True, mode=0o700, exist_ok=True)
        return {
            "manifest": self.manifest.canonical().decode(),
            "me": self.me,
            "input": None if begun.table is None else str(self.folder / "input.arrow"),
            "folder": str(self.folder / "scratch"),
            "out": str(self.folder / "out"),
            "state": str(begun.state),
            "engine_python": None if config.engine_python is None else str(config.engine_python),
            "memory_bytes": config.limits.memory_bytes,
            "limits": config.limits.model_dump(),
        }

    async def _until(self, wanted: Type) -> None:
        """Take the worker's frames until the one that is wanted. Raises UserError as the worker tells it."""
        assert self._reader is not None  # noqa: S101 - started before
        assert self.process is not None  # noqa: S101 - as above
        try:
            while True:
                kind, body = await read_frame(self._reader, self.me)
                if kind == wanted:
                    return
                if kind == Type.PART:
                    await self._carry(body)
                elif kind == Type.PROGRESS:
                    self.on_progress(float(body))
                elif kind == Type.FAILED:
                    raise _error(body)
        except (OSError, EOFError):
            code = await self.process.wait()
            fail("PRV-WORKER", self.me, detail=_ended(code))

    async def _carry(self, body: bytes) -> None:
        to = self.manifest.names[body[0]]
        line = self.line_to(to)
        if line is None:
            fail("PRV-PEER-LOST", to)
        await line.send(self.run, body[1:])

    async def _deliver(self) -> None:
        """What came from the other parties, into the worker, and room for more to them."""
        assert self._writer is not None  # noqa: S101 - started before
        numbers = {name: bytes([n]) for n, name in enumerate(self.manifest.names)}
        while True:
            source, part = await self.inbox.get()
            self._writer.write(frame(Type.PART, numbers[source], part))
            with contextlib.suppress(OSError):  # the other direction tells that it has ended
                await self._writer.drain()
            line = self.line_to(source)
            if line is not None:
                line.taken(self.run, len(part))

    def _read(self) -> tuple[Result, tuple[Sent, ...]]:
        out = self.folder / "out"
        told: Mapping[str, Any] = json.loads((out / RESULT).read_text("utf-8"))
        lines = json.loads((out / TRANSCRIPT).read_text("utf-8"))
        table = None
        if (out / TABLE).exists():
            with pa.OSFile(str(out / TABLE)) as source:
                table = pa.ipc.open_file(source).read_all()
        return Result(told, table), tuple(Sent(**line) for line in lines)


def check_size(part: bytes, peer: str, most: int) -> None:
    """Raises UserError PRV-OVERSIZE at the first part of a message that is over the limit."""
    size = announced(part, peer)
    if size is not None and size > most:
        fail("PRV-OVERSIZE", peer, size=size, most=most)


def _error(body: bytes) -> UserError:
    told = json.loads(body)
    return UserError(told["code"], told["where"], Text(**told["what"]), Text(**told["fix"]))


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    return signal.Signals(-code).name
