"""Two relays in one process, on loopback, with certificates of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from tests.privacy.node.test_line import Kept, until
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.certificate import make_certificate
from xinqiao.privacy.agreement.config import read_config
from xinqiao.privacy.demo.demo_nodes import free_port
from xinqiao.privacy.node.line import Line
from xinqiao.privacy.node.node import logger
from xinqiao.privacy.node.node_files import CONFIG, add_peer, make_node
from xinqiao.privacy.node.relay import Relay


class Events(Kept):
    """What relays tell besides."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[tuple[str, str]] = []

    def up(self, _line: Line) -> None:
        """As it is."""

    def down(self, line: Line, error: UserError) -> None:
        self.ends.append((line.peer, error.code))


Relays = Mapping[str, Relay]


def play(folder: Path, script: Callable[[Relays], Awaitable[None]], days: Mapping[str, float]) -> Relays:
    """Run ``script`` with the relays of ``bank`` and ``tax`` up; ``days``: left of a certificate."""
    cards = {}
    for name in ("bank", "tax"):
        cards[name] = make_node(folder / name, name, f"127.0.0.1:{free_port()}")
        if name in days:
            key, pem = make_certificate(name, days=1, begins=now() - timedelta(days=1 - days[name]))
            (folder / name / "key.pem").write_bytes(key)
            (folder / name / "certificate.pem").write_bytes(pem)
            cards[name] = cards[name].model_copy(update={"certificate": pem.decode()})
    add_peer(folder / "bank", cards["tax"])
    add_peer(folder / "tax", cards["bank"])
    relays: dict[str, Relay] = {}

    async def main() -> None:
        for name in cards:
            relays[name] = Relay(read_config(folder / name / CONFIG), Events(), logger(name))
        tasks = [asyncio.ensure_future(relay.run()) for relay in relays.values()]
        try:
            async with asyncio.timeout(30):
                await script(relays)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    return relays


def both_up(relays: Relays) -> bool:
    return relays["bank"].line("tax") is not None and relays["tax"].line("bank") is not None


def test_a_line_that_breaks_is_made_again(tmp_path: Path) -> None:
    async def script(relays: Relays) -> None:
        await until(lambda: both_up(relays))
        first = relays["bank"].line("tax")
        assert first is not None
        first.close()
        await until(lambda: both_up(relays) and relays["bank"].line("tax") is not first)
        relays["tax"].lines["bank"].control({"about": "x"})
        await until(lambda: relays["bank"].events.controls == [{"about": "x"}])  # type: ignore[attr-defined]

    relays = play(tmp_path, script, {})
    assert relays["tax"].events.ends[0] == ("bank", "PRV-PEER-LOST")  # type: ignore[attr-defined]


def test_a_line_does_not_outlive_the_certificates_it_was_made_with(tmp_path: Path) -> None:
    async def script(relays: Relays) -> None:
        await until(lambda: both_up(relays))
        await until(lambda: "tax" in relays["bank"].faults)

    relays = play(tmp_path, script, {"tax": 8 / 86400})
    assert relays["bank"].faults["tax"].code == "PRV-CERT-EXPIRED"
    assert relays["bank"].status()["tax"]["connected"] is False


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    make_node(tmp_path, "tax", f"127.0.0.1:{free_port()}")
    relay = Relay(read_config(tmp_path / CONFIG), Events(), logger("tax"))

    async def twice() -> None:
        first = asyncio.ensure_future(relay.run())
        await asyncio.sleep(0.1)
        try:
            await relay.run()
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    with pytest.raises(UserError, match="PRV-PORT"):
        asyncio.run(twice())
