"""The bridge: connections of two engines, with everything they say, over a link of messages."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError, fail
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.spu.engine_link import Bridge

PARTIES = ("bank", "tax", "power")
BIG = os.urandom(3_000_000)


def at(folder: Path, name: str) -> str:
    """A short path of a socket, for theirs may have 107 bytes."""
    short = Path("/tmp") / hashlib.sha256(str(folder).encode()).hexdigest()[:16]  # noqa: S108 - a test's
    if not short.is_symlink():
        short.symlink_to(folder)
    return str(short / name)


def echo(folder: Path, rank: int, listening: threading.Event) -> None:
    """An engine that sends back all it hears, of one connection after the other."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(at(folder, f"{rank}.sock"))
    server.listen()
    listening.set()

    def serve(one: socket.socket) -> None:
        with one:
            while data := one.recv(65536):
                one.sendall(data)

    while True:
        threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()


def asked(folder: Path, rank: int, data: bytes) -> bytes:
    """What the engine of ``rank`` sends back."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(at(folder, f"{rank}.sock"))

        def write() -> None:
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)

        writer = threading.Thread(target=write)
        writer.start()
        told = b""
        while part := one.recv(65536):
            told += part
        writer.join()
        return told


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, Path]]:
    found = {name: tmp_path / name for name in PARTIES}
    for folder in found.values():
        folder.mkdir()
    yield found
    for folder in found.values():
        short = Path(at(folder, "x")).parent
        short.unlink()


def test_every_engine_reaches_every_other(folders: dict[str, Path]) -> None:
    ends: list[Recorded] = []

    def part(name: str) -> Callable[[Link], dict[int, bool]]:
        def run(link: Link) -> dict[int, bool]:
            folder, listening = folders[name], threading.Event()
            with Bridge(link, PARTIES, folder, lambda _: None) as bridge:
                bridge.start()
                me = bridge.rank
                late = threading.Timer(
                    0.2, echo, [folder, me, listening]
                )  # the others connect before it listens
                late.daemon = True
                late.start()
                others = [rank for rank in range(len(PARTIES)) if rank != me]
                told = {rank: asked(folder, rank, BIG) == BIG for rank in others}
                return told | {rank + 10: asked(folder, rank, b"x" * rank) == b"x" * rank for rank in others}

        return run

    def wrap(link: Link) -> Link:
        ends.append(Recorded(link))
        return ends[-1]

    told = play({name: part(name) for name in PARTIES}, wrap)
    assert all(all(one.values()) and len(one) == 4 for one in told.values())
    assert {line.tag for end in ends for line in end.lines} == {"engine"}


class Frames:
    """A link whose peer sends the frames given, then goes away."""

    def __init__(self, *frames: bytes) -> None:
        self.me, self.parties, self.frames = "bank", ("bank", "tax"), list(frames)

    def send(self, to: str, tag: str, payload: bytes) -> None:
        pass

    def receive(self, source: str, tag: str) -> bytes:  # noqa: ARG002 - a link's
        return self.frames.pop(0) if self.frames else fail("PRV-PEER-LOST", source)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([], "PRV-PEER-LOST"),
        ([b""], "PRV-MESSAGE"),
        ([b"\x09\0\0\0\0"], "PRV-MESSAGE"),
        ([b"\x01\0\0\0\0"], "PRV-MESSAGE"),  # a number that is this party's to give
        ([b"\x02\0\0\0\x01data"], "PRV-MESSAGE"),  # of no connection
        ([b"\x04\0\0\0\0"], "PRV-PEER-LOST"),  # it is done, which ends nothing here
    ],
)
def test_what_breaks_the_link_is_told_at_once_and_at_the_end(
    frames: list[bytes], code: str, tmp_path: Path
) -> None:
    lost, told = threading.Event(), []

    def notice(error: UserError) -> None:
        told.append(error.code)
        lost.set()

    def run() -> None:
        with Bridge(Frames(*frames), ("bank", "tax"), tmp_path, notice) as bridge:
            bridge.start()
            assert lost.wait(5)

    with pytest.raises(UserError, match=code):
        run()
    assert told == [code]
