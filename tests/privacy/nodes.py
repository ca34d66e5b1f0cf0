"""Several nodes as processes of their own on loopback, each with its own database, keys and certificate."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from xinqiao.db.database import Database, new_id
from xinqiao.db.embedded import Access
from xinqiao.kernel.clock import now
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.config import Config, read_config
from xinqiao.privacy.agreement.rules import ANY, Rule
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.demo.demo_nodes import free_port, in_line
from xinqiao.privacy.job.manifest import Consents, Input, Manifest, Party
from xinqiao.privacy.node.node import opened_store
from xinqiao.privacy.node.node_files import (
    CONFIG,
    Card,
    acquaint,
    add_rule,
    add_settings,
    add_source,
    make_node,
)

ROOT = Path(__file__).parents[2]
PUBLIC = Consents(basis="none", ground="generated data for a test")
OPEN = Rule(
    name="drill",
    peers=(ANY,),
    kinds=(ANY,),
    purposes=("credit",),
    receivers=(ANY,),
    sources=(ANY,),
    columns=(ANY,),
    consents="any",
    rows_at_least=0,
    runs=1000,
    changed_at_least=0,
    answer="sign",
)
"""Anything for that purpose."""
LIMITS = """
[limits]
jobs_at_once = 4
message_bytes = 100_000
heartbeat_seconds = 1
lost_seconds = 8
wait_seconds = 40
job_seconds = 150
"""
_NUMBERS = itertools.count()


@dataclass
class Node:
    """One party: its folder, its database and, while it runs, its process."""

    name: str
    home: Path
    access: Access
    card: Card
    command: tuple[str, ...] = (sys.executable, "-m", "tests.privacy.drill", "node")
    process: subprocess.Popen[bytes] | None = None
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def config(self) -> Config:
        return read_config(self.home / CONFIG)

    @property
    def store(self) -> Store:
        if not hasattr(self, "_store"):
            database = self.stack.enter_context(Database(self.access.app, size=2))
            self._store = opened_store(self.config, database)
        return self._store

    @property
    def port(self) -> int:
        return int(str(self.card.address).rpartition(":")[2])

    @property
    def log(self) -> str:
        return (self.home / "node.log").read_text("utf-8")

    @property
    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.home / "status.json").read_text("utf-8"))
        return told

    def start(self) -> None:
        with (self.home / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, str(self.home / CONFIG)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        return code

    def job(self, manifest: Manifest) -> job_rows.JobRow | None:
        with self.store.transaction() as tx:
            return next((row for row in job_rows.jobs(tx) if row.id == manifest.job), None)

    def state(self, manifest: Manifest) -> str:
        found = self.job(manifest)
        return "" if found is None else found.state

    def error(self, manifest: Manifest) -> tuple[str, str]:
        found = self.job(manifest)
        return ("", "") if found is None else (found.error, found.error_where)

    def left_behind(self) -> list[Path]:
        return list((self.home / "work").iterdir())


def made_nodes(
    folder: Path, server: Access, parties: Mapping[str, int], more: Mapping[str, Sequence[Rule]] | None = None
) -> dict[str, Node]:
    """Nodes that all know each other; ``parties``: how many rows each brings; ``more``: to their rules."""
    nodes: dict[str, Node] = {}
    for name, rows in parties.items():
        home = folder / name
        card = make_node(home, name, f"127.0.0.1:{free_port()}")
        access = _database(server, name)
        add_settings(home, {"dsn": access.app, "owner_dsn": access.owner})
        add_source(home, "table", "table.parquet", {"id": "text", "v": "int"})
        for rule in (OPEN, *(more or {}).get(name, ())):
            add_rule(home, rule)
        with (home / CONFIG).open("a") as file:
            file.write(LIMITS)
        ids = [f"id-{number}" for number in range(rows)]
        pq.write_table(pa.table({"id": ids, "v": list(range(rows))}), home / "table.parquet")
        nodes[name] = Node(name, home, access, card)
    acquaint({node.home: node.card for node in nodes.values()})
    return nodes


def _database(server: Access, name: str) -> Access:
    made = f"node_{name}_{os.getpid()}_{next(_NUMBERS)}"
    template = conninfo_to_dict(server.owner)["dbname"]
    with psycopg.connect(make_conninfo(server.owner, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {made} TEMPLATE {template} STRATEGY FILE_COPY")
    return Access(make_conninfo(server.owner, dbname=made), make_conninfo(server.app, dbname=made))


@contextlib.contextmanager
def running(nodes: Mapping[str, Node]) -> Iterator[Mapping[str, Node]]:
    """The nodes up and connected with each other; ended at the end."""
    try:
        for node in nodes.values():
            node.start()
        for node in nodes.values():
            connected(node, len(nodes) - 1)
        yield nodes
    finally:
        for node in nodes.values():
            if node.process is not None:
                node.process.send_signal(signal.SIGTERM)
        for node in nodes.values():
            if node.process is not None:
                node.process.wait(20)
            node.stack.close()


def connected(node: Node, peers: int) -> None:
    """Wait until the node stands in line with so many peers."""

    until(lambda: in_line(node.home, peers), lambda: node.log[-2000:], 150)


def until(true: Callable[[], bool], told: Callable[[], object] = lambda: "", seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(told())
        time.sleep(0.1)


def drill(
    nodes: Mapping[str, Node],
    params: Mapping[str, Any] | None = None,
    purpose: str = "credit",
    kind: str = "drill",
    own: Mapping[str, Mapping[str, object]] | None = None,
    **brought: object,
) -> Manifest:
    """A job of all the nodes, made by the first and proposed there; ``brought``: of each one's input.

    ``own``: of one party's input alone.
    """
    told = {"source": "table", "key": "id", "key_kind": "text", "rows_at_most": 1000, "rows_at_least": 0}
    told = told | {"columns": ("v",), "consents": PUBLIC} | brought
    parties = tuple(
        Party(
            name=node.name,
            certificate=node.config.own_certificate.fingerprint,
            signing_key=node.card.signing_key,
            role="holder",
            input=Input.model_validate(told | dict((own or {}).get(node.name, {}))),
        )
        for node in nodes.values()
    )
    first = next(iter(nodes.values()))
    manifest = Manifest(
        job=new_id(),
        kind=kind,
        version=1,
        purpose=purpose,
        parties=parties,
        params=dict(params or {}),
        made_by=first.name,
        expires=now() + timedelta(hours=1),
    )
    first.store.propose(manifest, "tester")
    return manifest


def reached(nodes: Mapping[str, Node], manifest: Manifest, state: str, seconds: float = 90) -> None:
    """Wait until the job stands so at all nodes."""

    def there() -> bool:
        return all(node.state(manifest) == state for node in nodes.values())

    def told() -> object:
        return {n.name: (n.state(manifest), n.error(manifest), n.log[-1500:]) for n in nodes.values()}

    until(there, told, seconds)
