"""Nodes as real processes with real certificates, and what goes wrong between them."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.privacy import drill
from tests.privacy.nodes import Node, connected, made_nodes, reached, running, until
from tests.privacy.nodes import drill as proposed
from xinqiao.db.embedded import Access
from xinqiao.privacy import job_rows, kind

Nodes = Mapping[str, Node]


@pytest.fixture(scope="module", autouse=True)
def _drill_is_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "kinds", kind.kinds)
        drill.known()
        yield


@pytest.fixture(scope="module")
def nodes(server: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    made = made_nodes(
        tmp_path_factory.mktemp("nodes"), server, {"bank": 3, "power": 5, "tax": 7, "telecom": 11}
    )
    with running(made) as up:
        yield up


def workers(node: Node) -> list[psutil.Process]:
    assert node.process is not None
    return psutil.Process(node.process.pid).children(recursive=True)


def nothing_left(nodes: Nodes) -> None:
    for node in nodes.values():
        if node.process is not None:
            until(lambda node=node: not node.left_behind() and not workers(node))


def test_four_parties_go_through_a_job(nodes: Nodes) -> None:
    manifest = proposed(nodes)
    reached(nodes, manifest, "done")
    for node in nodes.values():
        with node.store.transaction() as tx:
            kept = job_rows.result(tx, manifest.job)
        assert kept is not None
        assert kept.told == {"rows": 26}
    nothing_left(nodes)
