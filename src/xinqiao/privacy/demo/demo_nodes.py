"""Nodes of the demo: files, databases and certificates of their own, processes on loopback; a job played."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import fail
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.config import read_config
from xinqiao.privacy.agreement.draft import Draft, manifest_of
from xinqiao.privacy.agreement.job_proof import proof_of
from xinqiao.privacy.agreement.job_rows import JobRow, Kept
from xinqiao.privacy.agreement.rules import ANY, Rule
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.demo.demo_data import Given
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.modelling.tree_part import TreePart
from xinqiao.privacy.node.node import opened_database, opened_store
from xinqiao.privacy.node.node_files import (
    CONFIG,
    Card,
    acquaint,
    add_rule,
    add_settings,
    add_source,
    make_node,
)

START_SECONDS = 240.0
JOB_SECONDS = 300.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.3
PERSON = "演示审批人 demo approver"
PURPOSES = ("credit_decision", "anti_fraud")
ENDED = ("done", "failed", "refused", "expired")
_COMMAND = (sys.executable, "-c", "from xinqiao.cli.main import main; main()", "node", "--config")


@dataclass(slots=True)
class Node:
    """A party's node that runs: its folder, process and store (in its own database)."""

    name: str
    home: Path
    process: subprocess.Popen[bytes]
    store: Store


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended at one party, and what that party got."""

    row: JobRow
    kept: Kept | None

    @property
    def table(self) -> pa.Table | None:
        """The rows it got."""
        if self.kept is None or self.kept.delivered is None:
            return None
        return pq.read_table(io.BytesIO(self.kept.delivered))


def write_files(
    out: Path,
    given: Mapping[str, Mapping[str, Given]],
    *,
    asks: str,
    markets: str,
    engine: Path | None = None,
) -> dict[str, Path]:
    """Each party's folder: keys, certificate, data, rules, and the others pinned.

    The party ``asks`` puts every job before a person, the others sign by rule; ``markets`` alone has a rule
    for marketing. ``engine``: the Python of the optional engine.
    """
    homes = {name: out / name for name in given}
    cards: dict[Path, Card] = {}
    for name, home in homes.items():
        cards[home] = make_node(home, name, f"127.0.0.1:{free_port()}")
        if engine is not None:
            add_settings(home, {"engine_python": str(engine.absolute())})
        for source, own in given[name].items():
            pq.write_table(own.rows, home / f"{source}.parquet")
            add_source(home, source, f"{source}.parquet", own.fields)
        for purpose in (*PURPOSES, *(["marketing"] if name == markets else [])):
            add_rule(home, _rule(purpose, "ask" if name == asks else "sign"))
    acquaint(cards)
    return homes


def engine_python() -> Path | None:
    """The Python of the optional engine: as XINQIAO_SPU_PYTHON names it, else what ``make engine`` made."""
    named = os.environ.get("XINQIAO_SPU_PYTHON")
    found = Path(named or ".engine/bin/python")
    return found if found.exists() else None


def _rule(purpose: str, answer: Literal["ask", "sign"]) -> Rule:
    return Rule(
        name=f"demo-{purpose}",
        peers=(ANY,),
        kinds=(ANY,),
        purposes=(purpose,),
        receivers=(ANY,),
        sources=(ANY,),
        columns=(ANY,),
        engines=(ANY,),
        consents="any",
        runs=50,
        answer=answer,
    )


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def running(homes: Mapping[str, Path]) -> Iterator[dict[str, Node]]:
    """All nodes up and in line with each other; ended at the end. Raises UserError PRV-DEMO-START."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with contextlib.ExitStack() as stack:
        stack.callback(end, processes)
        for name, home in homes.items():
            with (home / "node.log").open("ab") as log:
                processes[name] = subprocess.Popen(  # noqa: S603 - our own command
                    [*_COMMAND, CONFIG], stdout=log, stderr=log, cwd=home, env={**os.environ}
                )
        deadline = time.monotonic() + START_SECONDS
        for name, home in homes.items():
            while not in_line(home, len(homes) - 1):
                if processes[name].poll() is not None or time.monotonic() > deadline:
                    fail("PRV-DEMO-START", str(home / "node.log"))
                time.sleep(LOOK_SECONDS)
        yield {
            name: Node(name, home, processes[name], stack.enter_context(store_at(home)))
            for name, home in homes.items()
        }


def in_line(home: Path, peers: int) -> bool:
    """Whether the node of that folder stands in line with so many."""
    try:
        told = json.loads((home / "status.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return sum(bool(peer["connected"]) for peer in told["peers"].values()) == peers


@contextlib.contextmanager
def store_at(home: Path) -> Iterator[Store]:
    """The party's store; its database is the node's and runs already."""
    config = read_config(home / CONFIG)
    with opened_database(config) as database:
        yield opened_store(config, database)


def end(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Stop nodes, all at once; kill what takes too long."""
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    for process in processes.values():
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def play(nodes: Mapping[str, Node], draft: Draft) -> tuple[Manifest, dict[str, Ending]]:
    """One job from its draft, proposed by its first party, to its end at all parties.

    A person approves where a rule asks for one. Raises UserError PRV-DEMO-JOB where it does not end.
    """
    first = nodes[draft.parties[0].name].store
    manifest = manifest_of(draft, first.identity, first.policy, draft.kind)
    first.propose(manifest, PERSON)
    deadline = time.monotonic() + JOB_SECONDS
    while True:
        rows = {name: _row(nodes[name].store, manifest.job) for name in manifest.names}
        if all(row is not None and row.state in ENDED for row in rows.values()):
            return manifest, {name: _ending(nodes[name].store, manifest.job) for name in manifest.names}
        if time.monotonic() > deadline:
            states = ", ".join(f"{name}: {row.state if row else '-'}" for name, row in rows.items())
            fail("PRV-DEMO-JOB", draft.kind, states=states)
        time.sleep(LOOK_SECONDS)


def _row(store: Store, job: UUID) -> JobRow | None:
    """How the job stands; one that waits for a person is approved."""
    with store.transaction() as tx:
        found = next((row for row in job_rows.jobs(tx) if row.id == job), None)
        if found is not None and found.state == "waiting":
            return job_rows.approve(tx, job, PERSON)
        return found


def _ending(store: Store, job: UUID) -> Ending:
    with store.transaction() as tx:
        return Ending(job_rows.one(tx, job), job_rows.result(tx, job))


def proof(node: Node, manifest: Manifest) -> bytes:
    """The job's proof as this party can show it."""
    with node.store.transaction() as tx:
        return proof_of(tx, job_rows.one(tx, manifest.job), node.name).write()


def brought(nodes: Mapping[str, Node], manifest: Manifest) -> dict[str, pa.Table]:
    """What each party brought, all in one place: only a demo can do that, to compare with plain text."""
    told = {}
    for party in manifest.parties:
        if party.input is not None:
            store = nodes[party.name].store
            table = store.policy.sources[party.input.source].read(party.input)
            told[party.name] = _with_part(store, manifest, table)
    return told


def _with_part(store: Store, manifest: Manifest, table: pa.Table) -> pa.Table:
    """Where a model in parts is used: with the party's part, as ``plain`` of the kind expects it."""
    if manifest.kind not in ("joint_score", "tree_score"):
        return table
    folder, model = store.folder / digest(manifest.deployment.encode())[:32], manifest.params["model"]
    if manifest.kind == "tree_score":
        told = {"tree_part": TreePart.load(folder, model, store.identity.name).model_dump_json()}
    else:
        told = {"model_part": ModelPart.load(folder, model, store.identity.name).model_dump_json()}
    return table.replace_schema_metadata(told)
