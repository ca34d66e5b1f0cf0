"""The bridge that carries the engine's connections over the job's link, so that they inherit its pinned mTLS.

The engine would check only that a peer's certificate is of the right authority. Here it speaks to Unix
sockets of a private folder: behind each stands this bridge, which hands the bytes to the other party's bridge
as messages, and that one to its own engine. Nothing of the engine listens on a port.

A frame is its kind (1 byte), the connection's number (4 bytes, big-endian; even where the party of lower
rank opened it, odd where the other did) and bytes.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.job.link import Link

READ_BYTES = 256 * 1024
ENGINE_STARTS_WITHIN_S = 60.0
_TAG = "engine"
_HEAD = struct.Struct(">BI")


class _Frame(IntEnum):
    OPEN = 1
    BYTES = 2
    SHUT = 3
    DONE = 4
    BYE = 5


class Bridge:
    """One party's bridge. ``lost`` is called once, from a thread of its own, with what broke the link.

    ``folder``: where the engine of this party listens (``RANK.sock``) and finds the others' sockets.
    """

    def __init__(
        self, link: Link, parties: Sequence[str], folder: Path, lost: Callable[[UserError], None]
    ) -> None:
        self._link, self._parties, self._folder, self._lost = link, tuple(parties), folder, lost
        self.rank = self._parties.index(link.me)
        self._sending, self._open = threading.Lock(), threading.Lock()
        self._sockets: dict[tuple[int, int], socket.socket] = {}
        self._over, self._stack = threading.Event(), ExitStack()
        self._peers: list[threading.Thread] = []
        self._waited, self._all_done = {*range(len(parties))} - {self.rank}, threading.Event()
        self.error: UserError | None = None

    @property
    def count(self) -> int:
        """How many parties there are."""
        return len(self._parties)

    def __enter__(self) -> Self:
        self._place = self._stack.enter_context(_Place(self._folder))
        return self

    def start(self) -> None:
        """Take the link, until the end of ``with``; nothing where that was done before."""
        if self._peers:
            return
        for rank in range(len(self._parties)):
            if rank != self.rank:
                listener = socket.socket(socket.AF_UNIX)
                self._stack.callback(_closed, listener)
                listener.bind(self._place.of(f"{rank}.sock"))
                listener.listen()
                _thread(self._accept, rank, listener)
                self._peers.append(_thread(self._from_peer, rank))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Where all went well, carry on until every engine is done; raises what broke the link.

        An engine that is done still answers those that are not: DONE tells the first, BYE the second.
        """
        try:
            if kind is None and self._peers:
                self._to_all(_Frame.DONE)
                self._all_done.wait()
                if self.error is None:
                    self._to_all(_Frame.BYE)
                for thread in self._peers:
                    thread.join()
                if self.error is not None:
                    raise self.error
        finally:
            self._over.set()
            with self._open:
                for one in self._sockets.values():
                    _closed(one)
            self._stack.close()

    def _send(self, rank: int, kind: _Frame, number: int = 0, data: bytes = b"") -> None:
        if rank != self.rank:
            with self._sending:
                self._link.send(self._parties[rank], _TAG, _HEAD.pack(kind, number) + data)

    def _to_all(self, kind: _Frame) -> None:
        for rank in range(len(self._parties)):
            self._send(rank, kind)

    def _done(self, rank: int) -> None:
        with self._open:
            self._waited.discard(rank)
            if not self._waited:
                self._all_done.set()

    def _accept(self, rank: int, listener: socket.socket) -> None:
        """Connections of the own engine to the party ``rank``."""
        number = int(self.rank > rank)
        with suppress(OSError):
            while True:
                one, _ = listener.accept()
                with self._open:
                    self._sockets[rank, number] = one
                self._guarded(self._send, rank, _Frame.OPEN, number)
                _thread(self._from_engine, rank, number, one)
                number += 2

    def _from_engine(self, rank: int, number: int, one: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(READ_BYTES):
                self._guarded(self._send, rank, _Frame.BYTES, number, data)
        if not self._over.is_set():
            self._guarded(self._send, rank, _Frame.SHUT, number)

    def _from_peer(self, rank: int) -> None:
        """What the bridge of ``rank`` sends, until it ends."""
        self._guarded(self._frames, rank)

    def _frames(self, rank: int) -> None:
        name = self._parties[rank]
        while not self._over.is_set():
            payload = self._link.receive(name, _TAG)
            if len(payload) < _HEAD.size or payload[0] not in list(_Frame):
                fail("PRV-MESSAGE", name, detail="engine frame")
            kind, number = _HEAD.unpack_from(payload)
            if kind == _Frame.BYE:
                return
            if kind == _Frame.DONE:
                self._done(rank)
            elif kind == _Frame.OPEN:
                self._opened(rank, number)
            else:
                self._passed_on(rank, number, memoryview(payload)[_HEAD.size :], shut=kind == _Frame.SHUT)

    def _opened(self, rank: int, number: int) -> None:
        """Connect to the own engine, which may not listen yet, for a connection that the other opened."""
        if number % 2 != int(rank > self.rank) or (rank, number) in self._sockets:
            fail("PRV-MESSAGE", self._parties[rank], detail="engine connection")
        one, end = socket.socket(socket.AF_UNIX), time.monotonic() + ENGINE_STARTS_WITHIN_S
        while not self._over.is_set():
            try:
                one.connect(self._place.of(f"{self.rank}.sock"))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    fail("PRV-ENGINE", self._link.me, detail="start")
                time.sleep(0.02)
        with self._open:
            self._sockets[rank, number] = one
        _thread(self._from_engine, rank, number, one)

    def _passed_on(self, rank: int, number: int, data: memoryview, *, shut: bool) -> None:
        one = self._sockets.get((rank, number))
        if one is None:
            fail("PRV-MESSAGE", self._parties[rank], detail="engine connection")
        with suppress(OSError):  # the engine has closed its end
            if shut:
                one.shutdown(socket.SHUT_WR)
            else:
                one.sendall(data)

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        """Do a step; the first that fails ends the bridge and is told."""
        try:
            step(*arguments)
        except UserError as error:
            self._broken(error)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the job
            self._broken(user_error("PRV-ENGINE", self._link.me, detail=type(error).__name__))

    def _broken(self, error: UserError) -> None:
        with self._open:
            first, self.error = self.error is None, self.error or error
        self._all_done.set()
        if first and not self._over.is_set():
            self._lost(error)


class _Place:
    """A folder whose sockets are reached by a short path: a Unix socket's may have 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._fd = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def of(self, name: str) -> str:
        """The path of ``name`` in the folder."""
        return f"/proc/self/fd/{self._fd}/{name}"


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _closed(one: socket.socket) -> None:
    """Close a socket and wake who waits on it."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
