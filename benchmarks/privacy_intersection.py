"""Private set intersection of two processes over mutual TLS: time, CPU, bytes and memory, beside its peers.

Our own protocol, the engine through our bridge, the engine's bare call (two processes of its own on loopback,
no TLS) and openmined-psi (client and server in one process, no transport). All read the same ids, in no
order. Wall seconds run from when both parties have loaded their libraries, the engine and the data and are
connected, as a node counts a job's, to each party's result: the bare call has no connection to make in them.
Seconds with the start run from the start of the two interpreters to their end. XINQIAO_SPU_PYTHON and
XINQIAO_OPENMINED_PYTHON name Pythons; what is not there is left out. BENCH_INTERSECTION_ROWS divides all
sizes but the small side's (default 1; 100 for a quick look), BENCH_INTERSECTION_RUNS (3) is how often the
engine's are run: medians of the seconds are shown.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import uuid4

import pyarrow as pa

from benchmarks.tls_link import TlsLink
from xinqiao.privacy.agreement.certificate import make_certificate
from xinqiao.privacy.alignment.intersection import KIND
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.manifest import Consents, Engine, Input, Manifest, Party
from xinqiao.privacy.spu.engine import VERSION
from xinqiao.privacy.spu.engine_process import start_early

PARTIES = ("bank", "tax")
ENGINE, OPENMINED = os.environ.get("XINQIAO_SPU_PYTHON"), os.environ.get("XINQIAO_OPENMINED_PYTHON")
HERE = Path(__file__).parent
SIZES = ((100_000, 100_000), (1_000_000, 1_000_000), (1000, 1_000_000))
SMALL = 1000
RUNS = int(os.environ.get("BENCH_INTERSECTION_RUNS", "3"))
BARE = "engine's bare call, RR22"
OWN_AT_MOST = 200_000
"""Rows up to which protocols on curves are run: above, they take minutes."""


@dataclass(frozen=True)
class Measured:
    """Seconds of the longer party, CPU seconds of both, MB sent by both, peak MB of one process."""

    wall: float
    whole: float
    cpu: float
    sent_mb: float | None
    peak_mb: float
    common: int


def ids(party: str, rows: int) -> list[str]:
    """The parties' first ids: all but half of the small side's are in common."""
    first = 0 if party == PARTIES[0] else SMALL // 2
    told = [f"91310000{number:010d}" for number in range(first, first + rows)]
    Random(party).shuffle(told)  # noqa: S311 - an order that no sort leaves
    return told


def bring(folder: Path, rows: tuple[int, int]) -> None:
    """Each party's data, for us and for the others."""
    for name, count in zip(PARTIES, rows, strict=True):
        table = pa.table({"id": ids(name, count)})
        with (
            pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as out,
        ):
            out.write_table(table)
        (folder / f"{name}.csv").write_text("\n".join(["id", *table["id"].to_pylist(), ""]), "utf-8")


def manifest(protocol: str) -> Manifest:
    params: dict[str, Any] = {"protocol": protocol}
    if protocol == "unbalanced":
        params |= {"server": "tax", "result_to": ["bank"]}
    brought = Input(
        source="ids",
        key="id",
        key_kind="text",
        rows_at_most=10_000_000,
        consents=Consents(basis="none", ground="generated"),
    )
    return Manifest(
        job=uuid4(),
        kind=KIND.name,
        version=KIND.version,
        purpose="benchmark",
        parties=tuple(
            Party(name=name, certificate="0" * 64, signing_key="0" * 64, role="holder", input=brought)
            for name in PARTIES
        ),
        params=params,
        engine=Engine() if protocol == "dh" else Engine(name="spu", version=VERSION),
        made_by=PARTIES[0],
        expires=datetime.now(UTC) + timedelta(hours=1),
    )


def play_party(me: str, folder: Path) -> None:
    """One party's process."""
    told = json.loads((folder / "job.json").read_text("utf-8"))
    agreed = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    fresh, state = folder / f"{me}-{uuid4()}", folder / f"{me}-state"
    fresh.mkdir()
    state.mkdir(exist_ok=True)
    spu = agreed.engine.name == "spu" and ENGINE
    early = start_early(Path(ENGINE or ""), fresh, KIND.name) if spu else None
    table = pa.ipc.open_file(pa.memory_map(str(folder / f"{me}.arrow"))).read_all()
    link = TlsLink(me, PARTIES, folder, told["ports"])
    job = Job(agreed, agreed.party(me), table, fresh, state, Path(ENGINE) if ENGINE else None)
    if early is not None:
        early.wait()
    link.send(link.peer, "ready", b"")
    link.receive(link.peer, "ready")
    begin = time.perf_counter()
    result = KIND.run(job, link)
    wall = time.perf_counter() - begin
    found = {"wall": wall, "sent": link.sent_bytes, "common": result.told.get("common", 0)}
    (folder / f"{me}.json").write_text(json.dumps(found), "utf-8")


def ours(protocol: str, folder: Path) -> Measured:
    """Both parties' processes, measured."""
    for name in PARTIES:
        key, pem = make_certificate(name)
        (folder / f"{name}.crt").write_bytes(pem)
        (folder / f"{name}.key").write_bytes(key)
    told = {"ports": {name: _port() for name in PARTIES}}
    (folder / "job.json").write_text(json.dumps(told), "utf-8")
    (folder / "manifest.json").write_bytes(manifest(protocol).canonical())
    commands = [
        [sys.executable, "-m", "benchmarks.privacy_intersection", name, str(folder)] for name in PARTIES
    ]
    whole, cpu, peak = _run(commands)
    found = [json.loads((folder / f"{name}.json").read_text("utf-8")) for name in PARTIES]
    sent = sum(one["sent"] for one in found) / 1e6
    wall, common = (max(one[name] for one in found) for name in ("wall", "common"))
    return Measured(wall, whole, cpu, sent, peak, common)


def bare(python: str, script: str, arguments: list[str], folder: Path) -> Measured:
    """A peer's script in its own environment, a process or two; it tells wall seconds and the common ids."""
    for name in PARTIES:
        (folder / f"{name}.csv.meta").unlink(missing_ok=True)  # what an earlier run left would help it
    ports = [str(_port()), str(_port())]
    ranks = PARTIES if script == "peer_engine.py" else PARTIES[:1]
    commands = [
        [python, "-I", str(HERE / script), str(folder), str(rank), *ports, *arguments]
        for rank in range(len(ranks))
    ]
    whole, cpu, peak = _run(commands)
    found = [json.loads((folder / f"peer-{rank}.json").read_text("utf-8")) for rank in range(len(ranks))]
    wall = max(one["wall"] for one in found)
    return Measured(wall, whole, cpu, None, peak, max(one["common"] for one in found))


def _run(commands: list[list[str]]) -> tuple[float, float, float]:
    """Seconds from the start to the end, CPU seconds of all, peak MB of one; raises where one fails."""
    begin = time.perf_counter()
    variables = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]  # the engine tells every step
    started = [os.posix_spawn(c[0], c, variables, file_actions=quiet) for c in commands]
    cpu, peak = 0.0, 0.0
    for pid in started:
        _, status, usage = os.wait4(pid, 0)
        if status:
            message = f"{commands[0]}: {status}"
            raise RuntimeError(message)
        cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss / 1024)
    return time.perf_counter() - begin, cpu, peak


def _port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


def measured(rows: tuple[int, int]) -> list[tuple[str, Measured]]:
    """All that can be measured of these sizes."""
    found: list[tuple[str, Measured]] = []

    def add(name: str, one: Callable[[], Measured], times: int = 1) -> None:
        told = []
        for _ in range(times):
            told.append(one())
            print(f"  {rows}: {name}: {told[-1]}", flush=True)
        middle = {each: median(getattr(m, each) for m in told) for each in ("wall", "whole", "cpu")}
        found.append((name, replace(told[-1], **middle)))

    with tempfile.TemporaryDirectory(prefix="xinqiao-psi-") as place:
        folder = Path(place)
        bring(folder, rows)
        if ENGINE and min(rows) * 100 <= max(rows):
            add("engine, unbalanced, the list's first time", lambda: ours("unbalanced", folder))
            add("engine, unbalanced, later", lambda: ours("unbalanced", folder), RUNS)
        elif ENGINE:
            add(BARE, lambda: bare(str(ENGINE), "peer_engine.py", ["RR22"], folder), RUNS)
            add("engine, RR22", lambda: ours("rr22", folder), RUNS)
        if sum(rows) <= OWN_AT_MOST:
            add("our own", lambda: ours("dh", folder))
        if OPENMINED and sum(rows) <= OWN_AT_MOST:
            add("openmined-psi", lambda: bare(str(OPENMINED), "peer_openmined.py", [], folder))
    return found


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"x {ratio:.2f}"


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    divisor = int(os.environ.get("BENCH_INTERSECTION_ROWS", "1"))
    heads = ["rows", "protocol", "wall s", "of the bare call's", "s with the start", "of the bare call's"]
    heads += ["CPU s, both", "MB sent, both", "peak MB, one process"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for sizes in SIZES:
        rows = (max(sizes[0] // divisor, SMALL), max(sizes[1] // divisor, SMALL))
        found = measured(rows)
        if len({one.common for _, one in found}) > 1:
            message = f"{rows}: {found}"
            raise RuntimeError(message)
        called = dict(found).get(BARE)
        for name, one in found:
            wall, whole = (one.wall / called.wall, one.whole / called.whole) if called else (None, None)
            sent = "" if one.sent_mb is None else f"{one.sent_mb:,.1f}"
            seconds = f"{one.wall:.2f} | {_times(wall)} | {one.whole:.2f} | {_times(whole)} | {one.cpu:.1f}"
            lines.append(f"| {rows[0]:,} x {rows[1]:,} | {name} | {seconds} | {sent} | {one.peak_mb:,.0f} |")
    return lines


if __name__ == "__main__":
    play_party(sys.argv[1], Path(sys.argv[2]))
