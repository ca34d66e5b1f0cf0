"""What a node does by itself, in an order that real nodes show now and then; see test_node for the rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.privacy import drill
from tests.privacy.agreeing import gossip
from tests.privacy.node.test_line import Kept, ends
from tests.privacy.nodes import Node, made_nodes
from tests.privacy.nodes import drill as proposed
from xinqiao.db.embedded import Access
from xinqiao.kernel.errors import user_error
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.config import Limits
from xinqiao.privacy.job import kind
from xinqiao.privacy.node import post
from xinqiao.privacy.node.control import LOOK_SECONDS, Control
from xinqiao.privacy.node.node import logger

Nodes = Mapping[str, Node]


@pytest.fixture
def nodes(server: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """Two, none of which runs."""
    monkeypatch.setattr(kind, "kind_named", kind.kind_named)
    drill.known()
    made = made_nodes(tmp_path, server, {"bank": 3, "tax": 7})
    yield made
    for node in made.values():
        node.stack.close()


def control_of(node: Node) -> Control:
    return Control(node.config, node.store, logger(node.name))


def test_an_attempt_that_failed_before_it_began_here_does_not_begin(nodes: Nodes) -> None:
    """The maker tells of a failure right after it asked to prepare: both are read at once."""
    manifest, tax = proposed(nodes), nodes["tax"]
    gossip(*(node.store for node in nodes.values()))
    control = control_of(tax)

    async def script() -> None:
        told = {"job": str(manifest.job), "attempt": 1}
        await control._look()
        control.control("bank", told | {"about": "prepare"})
        control.control("bank", told | {"about": "failed", "code": "PRV-ROWS"})
        await control.post.close()

    asyncio.run(script())
    row = tax.job(manifest)
    assert row is not None
    assert (row.state, row.error, row.error_where) == ("failed", "PRV-ELSEWHERE", "bank: PRV-ROWS")
    assert row.attempts == 0
    assert not control.running


def test_what_was_asked_for_again_is_tried_once(nodes: Nodes, capfd: pytest.CaptureFixture[str]) -> None:
    """The maker's own data have gone since: it does not begin, and not again and again."""
    manifest, bank = proposed(nodes), nodes["bank"]
    stores = [node.store for node in nodes.values()]
    gossip(*stores)
    gossip(*stores)
    for store in stores:
        store.begin(manifest.job, 1)
        store.fail(manifest.job, user_error("PRV-PEER-LOST", "tax"))
    (bank.home / "table.parquet").unlink()
    with bank.store.transaction() as tx:
        job_rows.retry(tx, manifest.job, "tester")

    heard = Kept()

    async def script() -> None:
        line, theirs = await ends(Limits())
        hearing = asyncio.ensure_future(theirs.run(heard))
        control = control_of(bank)
        control.post.line_to = lambda _: line
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5 * LOOK_SECONDS):
                await control.run()
        line.close()
        await hearing

    asyncio.run(script())
    assert capfd.readouterr().err.count('"job begins"') == 1
    assert bank.error(manifest) == ("PRV-SOURCE", "table")
    failed = [told for told in heard.controls if told["about"] == "failed"]
    assert [(told["code"], told["where"]) for told in failed] == [("PRV-SOURCE", "")]


def test_a_peer_with_much_to_tell_is_heard_to_the_end(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a new line all jobs of a day are told at once."""
    monkeypatch.setattr(post, "TASKS_AT_MOST", 2)
    manifests, bank, tax = [proposed(nodes) for _ in range(12)], nodes["bank"], nodes["tax"]
    most = 0

    async def script() -> None:
        nonlocal most
        ours, theirs = await ends(Limits())
        asking, hearing = control_of(bank), control_of(tax)
        asking.post.line_to = lambda name: theirs if name == "tax" else None
        lines = [asyncio.ensure_future(ours.run(hearing)), asyncio.ensure_future(theirs.run(Kept()))]
        await asking._look()
        async with asyncio.timeout(20):
            while len(hearing._known) < len(manifests):
                most = max(most, len(hearing.post._tasks))
                await asyncio.sleep(0.001)
                await hearing._look()
        assert not ours.closed
        ours.close()
        await asyncio.gather(*lines)
        for control in (asking, hearing):
            await control.post.close()

    asyncio.run(script())
    assert 0 < most <= 3


def test_what_was_left_running_is_failed(nodes: Nodes) -> None:
    """By a node that was killed, or that could not tell its database of the end."""
    manifest, bank = proposed(nodes), nodes["bank"]
    stores = [node.store for node in nodes.values()]
    gossip(*stores)
    gossip(*stores)
    bank.store.begin(manifest.job, 1)
    control = control_of(bank)

    async def script() -> None:
        await control._look()
        await control.post.close()

    asyncio.run(script())
    assert (bank.state(manifest), bank.error(manifest)) == ("failed", ("PRV-STOPPED", "bank"))
