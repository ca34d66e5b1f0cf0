from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from xinqiao.db.database import new_id
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.config import Limits
from xinqiao.privacy.node import line as module
from xinqiao.privacy.node.frames import PART_BYTES, Type, for_job, frame
from xinqiao.privacy.node.line import WINDOW_BYTES, Line, Run

LIMITS = Limits(heartbeat_seconds=0.05, lost_seconds=0.5)
ONE, OTHER = (new_id(), 1), (new_id(), 1)


class Kept:
    """What a line told."""

    def __init__(self) -> None:
        self.controls: list[Any] = []
        self.parts: list[tuple[Run, int]] = []

    def control(self, _peer: str, message: object) -> None:
        self.controls.append(message)

    async def room(self) -> None:
        """As much as comes."""

    def part(self, _peer: str, run: Run, part: bytes) -> bool:
        self.parts.append((run, len(part)))
        return True

    def count(self, run: Run) -> int:
        return sum(size for told, size in self.parts if told == run)


async def ends(limits: Limits = LIMITS) -> tuple[Line, Line]:
    made = []
    for own, peer in zip(socket.socketpair(), ("bank", "tax"), strict=True):
        reader, writer = await asyncio.open_connection(sock=own)
        made.append(Line(peer, reader, writer, limits))
    return made[0], made[1]


def play(
    script: Callable[[Line, Line, Kept], Awaitable[None]], limits: Limits = LIMITS
) -> tuple[Kept, UserError]:
    """Run ``script`` with both ends up; what the first end was told and why its line ended."""
    kept = Kept()

    async def main() -> UserError:
        here, there = await ends(limits)
        runs = [asyncio.ensure_future(here.run(kept)), asyncio.ensure_future(there.run(Kept()))]
        async with asyncio.timeout(20):
            await script(here, there, kept)
            there.close()
            told = await asyncio.gather(*runs)
        return told[0]

    return kept, asyncio.run(main())


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - a test may look again
        await asyncio.sleep(0.01)


def test_a_job_whose_worker_takes_nothing_holds_back_itself_only() -> None:
    async def script(here: Line, there: Line, kept: Kept) -> None:
        async def flood() -> None:
            for _ in range(40):
                await there.send(ONE, bytes(PART_BYTES))

        flooding = asyncio.ensure_future(flood())
        await until(lambda: kept.count(ONE) >= WINDOW_BYTES)
        await there.send(OTHER, b"through")
        await until(lambda: kept.count(OTHER) == 7)
        assert not flooding.done()
        assert kept.count(ONE) < WINDOW_BYTES + PART_BYTES
        here.taken(ONE, 8 * PART_BYTES)
        await until(lambda: kept.count(ONE) >= WINDOW_BYTES + 8 * PART_BYTES)
        while not flooding.done():
            here.taken(ONE, 8 * PART_BYTES)
            await asyncio.sleep(0.01)

    kept, error = play(script)
    assert kept.count(ONE) == 40 * PART_BYTES
    assert error.code == "PRV-PEER-LOST"


def test_who_sends_more_than_its_window_is_cut_off() -> None:
    async def script(_here: Line, there: Line, _kept: Kept) -> None:
        for _ in range(WINDOW_BYTES // PART_BYTES + 1):
            there._write(Type.PART, for_job(*ONE, bytes(PART_BYTES)))
        await until(lambda: there.closed)

    _, error = play(script)
    assert error.code == "PRV-FRAME"


@pytest.mark.parametrize(
    "data", [frame(Type.CONTROL, b"{no json"), frame(Type.PART, b"short"), frame(Type.SPEC), b"\xff" * 16]
)
def test_what_is_no_frame_of_nodes_is_the_peers_fault(data: bytes) -> None:
    async def script(_here: Line, there: Line, _kept: Kept) -> None:
        there._writer.write(data)
        await until(lambda: there.closed)

    _, error = play(script)
    assert (error.code, error.where) == ("PRV-FRAME", "bank")


def test_a_silent_peer_is_lost_in_time_and_a_talking_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(here: Line, there: Line, kept: Kept) -> None:
        there.control({"about": "x"})
        await asyncio.sleep(1.2)  # longer than it takes to be lost
        assert not here.closed
        monkeypatch.setattr(there, "_write", lambda *_: None)
        await until(lambda: here.closed)
        assert kept.controls == [{"about": "x"}]

    _, error = play(script)
    assert error.code == "PRV-PEER-LOST"


def test_who_waits_for_room_learns_that_the_line_is_gone() -> None:
    async def script(here: Line, there: Line, kept: Kept) -> None:
        async def flood() -> None:
            while True:
                await there.send(ONE, bytes(PART_BYTES))

        flooding = asyncio.ensure_future(flood())
        await until(lambda: kept.count(ONE) >= WINDOW_BYTES)
        here.close()
        with pytest.raises(UserError, match="PRV-PEER-LOST"):
            await flooding

    play(script)


def test_limits_fit_each_other() -> None:
    assert module.CREDIT_BYTES + PART_BYTES < WINDOW_BYTES
    with pytest.raises(ValueError, match="lost_seconds"):
        Limits(heartbeat_seconds=5, lost_seconds=8)
