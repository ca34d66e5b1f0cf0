"""Private set intersection of two processes over mutual TLS: time, CPU, bytes and memory, beside its peers.

Our own protocol, the engine through our bridge, the engine's bare call (two processes of its own on loopback,
no TLS) and openmined-psi (client and server in one process, no transport). XINQIAO_SPU_PYTHON and
XINQIAO_OPENMINED_PYTHON name their Pythons; what is not there is left out. BENCH_INTERSECTION_ROWS divides
all sizes but the small side's (default 1; 100 for a quick look).
"""

from __future__ import annotations

import json
import os
import queue
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from xinqiao.privacy.agreement.certificate import make_certificate, read_certificate
from xinqiao.privacy.alignment.intersection import KIND
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.manifest import Consents, Engine, Input, Manifest, Party
from xinqiao.privacy.node.tls import client_context, server_context
from xinqiao.privacy.spu.engine import VERSION

PARTIES = ("bank", "tax")
ENGINE, OPENMINED = os.environ.get("XINQIAO_SPU_PYTHON"), os.environ.get("XINQIAO_OPENMINED_PYTHON")
HERE = Path(__file__).parent
SIZES = ((100_000, 100_000), (1_000_000, 1_000_000), (1000, 1_000_000))
SMALL = 1000
OWN_AT_MOST = 200_000
"""Rows up to which protocols on curves are run: above, they take minutes."""


@dataclass(frozen=True)
class Measured:
    """Wall seconds of the longer party, CPU seconds of both, MB sent by both, peak MB of one process."""

    wall: float
    cpu: float
    sent_mb: float | None
    peak_mb: float
    common: int


class TlsLink:
    """A link of two processes: one TLS connection a direction, each with the peer's pinned certificate."""

    def __init__(self, me: str, folder: Path, ports: Mapping[str, int]) -> None:
        (self.peer,) = (name for name in PARTIES if name != me)
        self.me, self.parties, self.sent_bytes = me, PARTIES, 0
        files = folder / f"{me}.crt", folder / f"{me}.key"
        theirs = read_certificate(folder / f"{self.peer}.crt")
        listener = socket.create_server(("127.0.0.1", ports[me]))
        while True:
            try:
                plain = socket.create_connection(("127.0.0.1", ports[self.peer]))
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        taken: list[ssl.SSLSocket] = []

        def accept() -> None:
            taken.append(server_context(*files, [theirs]).wrap_socket(listener.accept()[0], server_side=True))

        thread = threading.Thread(target=accept)
        thread.start()
        self._out = client_context(*files, theirs).wrap_socket(plain)
        thread.join()
        self._in, self._box = taken[0], queue.Queue[tuple[str, bytes]]()
        threading.Thread(target=self._listen, daemon=True).start()
        self._lock = threading.Lock()

    def send(self, to: str, tag: str, payload: bytes) -> None:  # noqa: ARG002 - there is one other
        head = len(tag).to_bytes(1, "big") + tag.encode() + len(payload).to_bytes(8, "big")
        with self._lock:
            self._out.sendall(head + payload)
            self.sent_bytes += len(head) + len(payload)

    def receive(self, source: str, tag: str) -> bytes:  # noqa: ARG002 - there is one other
        told, payload = self._box.get(timeout=600)
        if told != tag:
            message = f"{told} instead of {tag}"
            raise RuntimeError(message)
        return payload

    def _listen(self) -> None:
        with self._in.makefile("rb") as stream:
            while size := stream.read(1):
                tag = stream.read(size[0]).decode()
                self._box.put((tag, stream.read(int.from_bytes(stream.read(8), "big"))))


def ids(party: str, rows: int) -> list[str]:
    """Half of the smaller set is in common with the other."""
    first = 0 if party == PARTIES[0] else SMALL // 2
    return [f"91310000{number:010d}" for number in range(first, first + rows)]


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
    table = pa.table({"id": ids(me, told["rows"][me])})
    fresh, state = folder / f"{me}-{uuid4()}", folder / f"{me}-state"
    fresh.mkdir()
    state.mkdir(exist_ok=True)
    link = TlsLink(me, folder, told["ports"])
    job = Job(agreed, agreed.party(me), table, fresh, state, Path(ENGINE) if ENGINE else None)
    begin = time.perf_counter()
    result = KIND.run(job, link)
    wall = time.perf_counter() - begin
    found = {"wall": wall, "sent": link.sent_bytes, "common": result.told.get("common", 0)}
    (folder / f"{me}.json").write_text(json.dumps(found), "utf-8")


def ours(protocol: str, rows: tuple[int, int], folder: Path) -> Measured:
    """Both parties' processes, measured."""
    for name in PARTIES:
        key, pem = make_certificate(name)
        (folder / f"{name}.crt").write_bytes(pem)
        (folder / f"{name}.key").write_bytes(key)
    told = {"rows": dict(zip(PARTIES, rows, strict=True)), "ports": {name: _port() for name in PARTIES}}
    (folder / "job.json").write_text(json.dumps(told), "utf-8")
    (folder / "manifest.json").write_bytes(manifest(protocol).canonical())
    commands = [
        [sys.executable, "-m", "benchmarks.privacy_intersection", name, str(folder)] for name in PARTIES
    ]
    cpu, peak = _run(commands)
    found = [json.loads((folder / f"{name}.json").read_text("utf-8")) for name in PARTIES]
    sent = sum(one["sent"] for one in found) / 1e6
    wall, common = (max(one[name] for one in found) for name in ("wall", "common"))
    return Measured(wall, cpu, sent, peak, common)


def bare(python: str, script: str, arguments: list[str], rows: tuple[int, int], folder: Path) -> Measured:
    """A peer's script in its own environment, a process or two; it tells wall seconds and the common ids."""
    for name, count in zip(PARTIES, rows, strict=True):
        (folder / f"{name}.csv").write_text("\n".join(["id", *ids(name, count), ""]), "utf-8")
    ports = [str(_port()), str(_port())]
    ranks = PARTIES if script == "peer_engine.py" else PARTIES[:1]
    commands = [
        [python, "-I", str(HERE / script), str(folder), str(rank), *ports, *arguments]
        for rank in range(len(ranks))
    ]
    cpu, peak = _run(commands)
    found = [json.loads((folder / f"peer-{rank}.json").read_text("utf-8")) for rank in range(len(ranks))]
    wall = max(one["wall"] for one in found)
    return Measured(wall, cpu, None, peak, max(one["common"] for one in found))


def _run(commands: list[list[str]]) -> tuple[float, float]:
    """CPU seconds of all and peak MB of one; raises where one fails."""
    started = [os.posix_spawn(c[0], c, {**os.environ, "PYTHONPATH": str(HERE.parent)}) for c in commands]
    cpu, peak = 0.0, 0.0
    for pid in started:
        _, status, usage = os.wait4(pid, 0)
        if status:
            message = f"{commands[0]}: {status}"
            raise RuntimeError(message)
        cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss / 1024)
    return cpu, peak


def _port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


def measured(rows: tuple[int, int]) -> list[tuple[str, Measured]]:
    """All that can be measured of these sizes."""
    found: list[tuple[str, Measured]] = []

    def add(name: str, one: Measured) -> None:
        print(f"  {rows}: {name}: {one}", flush=True)
        found.append((name, one))

    with tempfile.TemporaryDirectory(prefix="xinqiao-psi-") as place:
        folder = Path(place)
        if ENGINE and min(rows) * 100 <= max(rows):
            add("engine, unbalanced, the list's first time", ours("unbalanced", rows, folder))
            add("engine, unbalanced, later", ours("unbalanced", rows, folder))
        elif ENGINE:
            add("engine, RR22", ours("rr22", rows, folder))
            add("engine's bare call, RR22", bare(ENGINE, "peer_engine.py", ["RR22"], rows, folder))
        if sum(rows) <= OWN_AT_MOST:
            add("our own", ours("dh", rows, folder))
        if OPENMINED and sum(rows) <= OWN_AT_MOST:
            add("openmined-psi", bare(OPENMINED, "peer_openmined.py", [], rows, folder))
    return found


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    divisor = int(os.environ.get("BENCH_INTERSECTION_ROWS", "1"))
    lines = [
        "| rows | protocol | wall s | CPU s, both | MB sent, both | peak MB, one process |",
        "|---|---|---|---|---|---|",
    ]
    for sizes in SIZES:
        rows = (max(sizes[0] // divisor, SMALL), max(sizes[1] // divisor, SMALL))
        found = measured(rows)
        if len({one.common for _, one in found}) > 1:
            message = f"{rows}: {found}"
            raise RuntimeError(message)
        for name, one in found:
            sent = "" if one.sent_mb is None else f"{one.sent_mb:,.1f}"
            figures = f"{one.wall:.2f} | {one.cpu:.1f} | {sent} | {one.peak_mb:,.0f}"
            lines.append(f"| {rows[0]:,} x {rows[1]:,} | {name} | {figures} |")
    return lines


if __name__ == "__main__":
    play_party(sys.argv[1], Path(sys.argv[2]))
