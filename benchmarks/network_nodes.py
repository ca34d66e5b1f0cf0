"""Nodes for a benchmark: files of their own, processes on loopback or at the ends of a line; a job played."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.shaped_line import Place
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.draft import Draft, manifest_of
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.demo.demo_nodes import ENDED, end, free_port, in_line, store_at
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.node.node_files import CONFIG, acquaint, make_node

Sources = dict[str, pa.Table]
PORT = 9310
START_SECONDS, JOB_SECONDS = 300.0, 1800.0
LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1
FIELDS = {"string": "text", "int64": "int", "double": "ratio"}
TEMPLATE = "node.toml.template"
_COMMAND = (sys.executable, "-m", "benchmarks.timed_node", "node", "--config")
_RULE = """
[[rules]]
name = "benchmark"
peers = ["*"]
kinds = ["*"]
purposes = ["credit"]
receivers = ["*"]
sources = ["*"]
columns = ["*"]
deployments = ["*"]
engines = ["own", "spu"]
consents = "any"
runs = 1000
changed_at_least = 0
answer = "sign"
[limits]
wait_seconds = 600
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A party's node that runs: its folder, and its store in its own database."""

    home: Path
    store: Store


@dataclass(frozen=True, slots=True)
class Measured:
    """A job: its manifest's digest, seconds in all and of the protocol, MB of all nodes, single questions."""

    digest: str
    job_s: float
    protocol_s: float
    sent_mb: float
    single_ms: list[float] = field(default_factory=list)


@contextlib.contextmanager
def made(folder: Path, given: Mapping[str, Sources]) -> Iterator[dict[str, Path]]:
    """Each party's folder: keys, certificate, data, a rule that allows all, and the others pinned.

    Addresses are filled in when nodes start (``running``). At the end databases are removed: those of root's
    nodes live outside of their folders, which say where.
    """
    cards, homes = {}, {name: folder / name for name in given}
    for name, sources in given.items():
        home = homes[name]
        cards[name] = make_node(home, name, _placeholder(name))
        told = (home / CONFIG).read_text("utf-8")
        if python := os.environ.get("XINQIAO_SPU_PYTHON"):
            told += f"engine_python = {json.dumps(python)}\n"
        for source, table in sources.items():
            pq.write_table(table, home / f"{source}.parquet")
            fields = ", ".join(f'{part.name} = "{FIELDS[str(part.type)]}"' for part in table.schema)
            told += f'[[sources]]\nname = "{source}"\nfile = "{source}.parquet"\nfields = {{ {fields} }}\n'
        (home / CONFIG).write_text(told + _RULE, "utf-8")
    acquaint({homes[name]: card for name, card in cards.items()})
    for home in homes.values():
        (home / CONFIG).rename(home / TEMPLATE)
    try:
        yield homes
    finally:
        for home in homes.values():
            if (where := home / "db" / "WHERE").exists():
                shutil.rmtree(where.read_text("utf-8").strip())


def _placeholder(name: str) -> str:
    return f"{name}.invalid:{PORT}"


@contextlib.contextmanager
def running(
    homes: Mapping[str, Path], places: Mapping[str, Place] | None = None
) -> Iterator[dict[str, Node]]:
    """All nodes up and in line with each other, at their ``places`` or on loopback; ended at the end."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    addresses = {
        name: f"{places[name].address}:{PORT}" if places else f"127.0.0.1:{free_port()}" for name in homes
    }
    with contextlib.ExitStack() as stack:
        stack.callback(end, processes)
        for name, home in homes.items():
            told = (home / TEMPLATE).read_text("utf-8")
            for other, address in addresses.items():
                told = told.replace(_placeholder(other), address)
            (home / CONFIG).write_text(told, "utf-8")
            (home / "status.json").unlink(missing_ok=True)
            processes[name] = _started(home, places[name].inside if places else ())
        deadline = time.monotonic() + START_SECONDS
        for name, home in homes.items():
            while not in_line(home, len(homes) - 1):
                assert processes[name].poll() is None, (home / "node.log").read_text("utf-8")[-2000:]
                assert time.monotonic() < deadline, (home / "node.log").read_text("utf-8")[-2000:]
                time.sleep(LOOK_SECONDS)
        yield {name: Node(home, stack.enter_context(store_at(home))) for name, home in homes.items()}


def _started(home: Path, inside: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """The node's process, which is stopped when this one ends, however it ends."""
    libc = ctypes.CDLL(None)
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with (home / "node.log").open("ab") as log:
        return subprocess.Popen(
            [*inside, *_COMMAND, str(home / CONFIG)],
            stdout=log,
            stderr=log,
            env=environment,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0),  # noqa: PLW1509 - one system call
        )


def play(nodes: Mapping[str, Node], draft: Draft) -> Measured:
    """A job from its draft to its end at all parties, measured; it must be done."""
    first = nodes[draft.parties[0].name].store
    manifest = manifest_of(draft, first.identity, first.policy, draft.kind)
    first.propose(manifest, "benchmark")
    deadline = time.monotonic() + JOB_SECONDS
    parties = [nodes[name].store for name in manifest.names]
    while not all(ended := [_ended(store, manifest.job) for store in parties]):
        assert time.monotonic() < deadline, f"{draft.kind}: {ended}"
        time.sleep(LOOK_SECONDS)
    return _measured(manifest, parties)


def _ended(store: Store, job: UUID) -> bool:
    with store.transaction() as tx:
        found = next((row for row in job_rows.jobs(tx) if row.id == job), None)
    if found is not None and found.state in ENDED:
        assert found.state == "done", (
            f"{store.identity.name}: {found.state} {found.error} {found.error_where}"
        )
        return True
    return False


def _measured(manifest: Manifest, parties: list[Store]) -> Measured:
    begun, done, told = [], [], []
    for store in parties:
        with store.transaction() as tx:
            at = {event.state: event.at for event in job_rows.events(tx, manifest.job)}
            kept = job_rows.result(tx, manifest.job)
        assert kept is not None
        begun.append(at["running"])
        done.append(at["done"])
        told.append(kept.told)
    return Measured(
        manifest.digest,
        job_s=(max(done) - min(begun)).total_seconds(),
        protocol_s=max(each["protocol_seconds"] for each in told),
        sent_mb=sum(each["sent_bytes"] for each in told) / 1e6,
        single_ms=[taken for each in told for taken in each.get("single_ms", [])],
    )
