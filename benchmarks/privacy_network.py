"""The same jobs on a memory link and on one held to 100 Mbit/s and 20 ms there and back.

The slow line is kept in the program: a message arrives when the line is free, its bytes have passed and half
of the round trip is over. What is left out are TLS and the start-up of TCP. BENCH_NETWORK_ROWS (default
10000): rows of the joint models and, times ten, of the intersection.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.privacy.manifests import data, job, manifest

from benchmarks.privacy_trees import firms
from xinqiao.privacy.alignment import intersection
from xinqiao.privacy.job.kind import Kind
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.job.manifest import Engine, Manifest
from xinqiao.privacy.modelling import scorecard, trees, woe
from xinqiao.privacy.spu.engine import VERSION

BYTES_A_SECOND = 100e6 / 8
ONE_WAY_SECONDS = 0.010
PYTHON = os.environ.get("XINQIAO_SPU_PYTHON")


@dataclass(slots=True)
class Slow:
    """A link whose messages take as long as a narrow, far line needs."""

    inner: Link
    free_at: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent_bytes: int = 0

    @property
    def me(self) -> str:
        return self.inner.me

    @property
    def parties(self) -> tuple[str, ...]:
        return self.inner.parties

    def send(self, to: str, tag: str, payload: bytes) -> None:
        with self.lock:  # an engine's bridge sends from several threads
            begin = max(time.monotonic(), self.free_at[to])
            self.free_at[to] = begin + len(payload) / BYTES_A_SECOND
            self.sent_bytes += len(payload)
            self.inner.send(to, tag, struct.pack("d", self.free_at[to] + ONE_WAY_SECONDS) + payload)

    def receive(self, source: str, tag: str) -> bytes:
        payload = self.inner.receive(source, tag)
        time.sleep(max(0.0, struct.unpack("d", payload[:8])[0] - time.monotonic()))
        return payload[8:]


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    lines = ["| job | memory link s | 100 Mbit/s, 20 ms: s | MB sent by all |", "|---|---|---|---|"]
    for name, kind, asked, tables in _jobs(int(os.environ.get("BENCH_NETWORK_ROWS", "10000"))):
        fast, _ = _timed(kind, asked, tables, slow=False)
        slow, sent = _timed(kind, asked, tables, slow=True)
        lines.append(f"| {name} | {fast:.2f} | {slow:.2f} | {sent / 1e6:.1f} |")
        print(lines[-1], flush=True)
    return lines


def _jobs(rows: int) -> list[tuple[str, Kind, Manifest, dict[str, pa.Table]]]:
    tables = firms(rows, 20)
    parties = {
        "bank": ("bank", data(*tables["bank"].column_names[1:])),
        "tax": ("holder", data(*tables["tax"].column_names[1:])),
    }
    dealt: dict[str, Any] = {**parties, "regulator": "dealer"}
    label = {"label": "bad"}
    size = f"{rows:,} x 20"
    told: list[tuple[str, Kind, Manifest, dict[str, pa.Table]]] = [
        (f"scorecard, dealer, {size}", scorecard.KIND, manifest("scorecard", dealt, label), tables),
        (f"WOE, dealer, {size}", woe.KIND, manifest("woe", dealt, label), tables),
        (f"20 trees, dealer, {size}", trees.KIND, manifest("trees", dealt, label | {"trees": 20}), tables),
    ]
    kept = {
        name: pa.table({"id": [f"{n:018d}" for n in range(first, first + 10 * rows)]})
        for name, first in (("bank", 0), ("tax", 5 * rows))
    }
    most = 100 * rows
    holders = dict.fromkeys(kept, ("holder", data(rows_at_most=most)))
    for protocol, count in (("dh", rows), *([("rr22", 10 * rows)] if PYTHON else [])):
        asked = manifest("intersection", holders, {"protocol": protocol})
        if protocol != "dh":
            asked = asked.model_copy(update={"engine": Engine(name="spu", version=VERSION)})
        cut = {name: table.slice(0, count) for name, table in kept.items()}
        told.append((f"intersection, {protocol}, {count:,} x {count:,}", intersection.KIND, asked, cut))
    return told


def _timed(kind: Kind, asked: Manifest, tables: Mapping[str, pa.Table], *, slow: bool) -> tuple[float, int]:
    """Seconds of the whole and bytes sent."""
    ends: list[Slow] = []

    def wrap(link: Link) -> Link:
        if slow:
            ends.append(Slow(link))
        return ends[-1] if slow else link

    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        python = Path(PYTHON) if PYTHON else None
        jobs = {n: job(asked, n, tables.get(n), Path(folder), python) for n in asked.names}
        begin = time.perf_counter()
        play({name: partial(kind.run, own) for name, own in jobs.items()}, wrap)
        return time.perf_counter() - begin, sum(end.sent_bytes for end in ends)
