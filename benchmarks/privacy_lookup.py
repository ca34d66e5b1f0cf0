"""Private look-up, secure sums and the scorecard of several banks: CPU time, bytes, and a peer.

``python -m benchmarks.privacy_lookup FOLDER IDS``: IDS rows in the list (BENCH_LOOKUP_IDS; 1,000,000 takes
two minutes), a tenth of it for the peer (the wheel ``voprf``); generated ids and amounts. Parties share one
process, so that CPU seconds are those of all of them together; transport is measured with the nodes.
"""

# ruff: noqa: PLC0415 - the peer is imported only where it is measured
from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from benchmarks.figures import Figures, cpu, read, write
from benchmarks.measure import ONE_THREAD, measure
from xinqiao.privacy.crypto import oprf
from xinqiao.privacy.crypto.group import Group, expand, random_scalar, the_group
from xinqiao.privacy.crypto.ristretto import plain_python
from xinqiao.privacy.job.kind import Job, Kind, Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Consents, Input, Manifest, Party
from xinqiao.privacy.lists import lookup
from xinqiao.privacy.modelling import horizontal
from xinqiao.privacy.protocol.masks import secure_sum
from xinqiao.privacy.sums import statistics

SEED = 20261122
QUERIES = 100
VALUES = 1_000_000
HOLDERS = ("bureau", "power", "tax")
FEATURES = 20
BANK_ROWS = 100_000
IDS = 1_000_000


def manifest(kind: Kind, parties: Mapping[str, tuple[str, Input | None]], params: dict[str, Any]) -> Manifest:
    told = tuple(
        Party(name=name, certificate="0" * 64, signing_key="0" * 64, role=role, input=brought)
        for name, (role, brought) in parties.items()
    )
    return Manifest(
        job=uuid4(),
        kind=kind.name,
        version=1,
        purpose="benchmark",
        parties=told,
        params=params,
        made_by=told[0].name,
        expires=datetime.now(UTC) + timedelta(hours=1),
    )


def data(*columns: str, key: str | None = "id", most: int = 10_000_000) -> Input:
    consents = Consents(basis="none", ground="generated data")
    kind = None if key is None else "text"
    return Input(
        source="generated", key=key, key_kind=kind, columns=columns, rows_at_most=most, consents=consents
    )


def run(
    kind: Kind, told: Manifest, tables: Mapping[str, pa.Table], folder: Path
) -> tuple[dict[str, Result], int, float]:
    """Results, bytes that travelled, CPU seconds of all parties."""
    kept: dict[str, Recorded] = {}
    parts: dict[str, Callable[[Link], Result]] = {}
    for name in told.names:
        state, fresh = folder / name, Path(tempfile.mkdtemp(dir=folder))
        state.mkdir(exist_ok=True)
        job = Job(told, told.party(name), tables.get(name), fresh, state)
        parts[name] = lambda link, job=job: kind.run(job, link)
    begin = time.process_time()
    results = play(parts, lambda link: kept.setdefault(link.me, Recorded(link)))
    spent = time.process_time() - begin
    sent = sum(line.size_bytes for each in kept.values() for line in each.lines if line.direction == "sent")
    return results, sent, spent


def looked_up(ids: int, folder: Path) -> Figures:
    """A list of ``ids`` rows: made once, then asked."""
    rng = np.random.default_rng(SEED)
    listed = pa.table({"id": [f"g{n:08d}" for n in range(ids)], "amount": rng.gamma(2, 5000, ids).round(2)})
    parties = {"bank": ("client", data(most=QUERIES)), "bureau": ("server", data("amount", most=ids))}
    found: Figures = {}
    for mode in ("oprf", "voprf"):
        told = manifest(lookup.KIND, parties, {"mode": mode, "epoch": "e1", "quota": 10**7, "row_bytes": 32})
        for name, count in (("made", 1), ("one", 1), ("many", QUERIES)):
            if name == "made" and mode == "oprf":
                continue
            asked = pa.table({"id": [f"g{n:08d}" for n in range(count)]})
            _, sent, spent = run(lookup.KIND, told, {"bank": asked, "bureau": listed}, folder)
            found |= {f"{mode}-{name}": spent, f"{mode}-{name}-bytes": sent}
        if mode == "oprf":  # made here too, so that what is asked afterwards is measured alone
            _, sent, spent = run(lookup.KIND, told, {"bank": asked, "bureau": listed}, folder)
            found |= {"oprf-many": spent, "oprf-many-bytes": sent}
    return found


def functions() -> Figures:
    """One id through each step of the oblivious function, in CPU seconds an id."""
    key, inputs = random_scalar(), [b"g%08d" % n for n in range(500)]
    found: Figures = {"known": cpu(lambda: oprf.evaluate_known(key, inputs, "voprf")) / len(inputs)}
    blinded = oprf.blind(inputs, "voprf")
    points = oprf.evaluate(key, blinded.points, "bank")
    proof, public = oprf.prove(key, blinded.points, points), oprf.public_key(key)
    found["blind"] = cpu(lambda: oprf.blind(inputs, "voprf")) / len(inputs)
    found["evaluate"] = cpu(lambda: oprf.evaluate(key, blinded.points, "bank")) / len(inputs)
    found["finalize"] = cpu(lambda: oprf.finalize(blinded, points, "bureau")) / len(inputs)
    found["prove"] = cpu(lambda: oprf.prove(key, blinded.points, points)) / len(inputs)
    found["verify"] = cpu(lambda: oprf.verify(public, blinded.points, points, proof, "bureau")) / len(inputs)
    if find_spec("voprf") is not None:
        from voprf import ristretto as peer

        server = peer.Evaluator.from_seed(bytes(32), b"benchmark")
        found["peer-known"] = cpu(lambda: [server.evaluate_known_input(each) for each in inputs]) / len(
            inputs
        )
        asked = [peer.Client.blind(each) for each in inputs]
        found["peer-blind"] = cpu(lambda: [peer.Client.blind(each) for each in inputs]) / len(inputs)
        found["peer-prove"] = cpu(lambda: [server.evaluate(sent) for _, sent in asked]) / len(inputs)
    return found


def groups() -> Figures:
    """Points a CPU second, libsodium and plain Python."""
    scalar = random_scalar()
    found: Figures = {}
    uniform = np.frombuffer(expand(b"benchmark", b"x", 6400), np.uint8).reshape(-1, 64)
    each: dict[str, Group] = {"fast": the_group(), "plain": plain_python()}
    for name, group in each.items():
        points = group.from_uniform(uniform)
        found[f"{name}-map"] = cpu(lambda group=group: group.from_uniform(uniform)) / 100  # type: ignore[misc]
        found[f"{name}-multiply"] = cpu(lambda g=group, p=points: g.multiply(scalar, p)) / 100  # type: ignore[misc]
    return found


def summed(folder: Path) -> Figures:
    """Sums of columns, statistics over rows, one comparison."""
    values = np.arange(VALUES)

    def part(link: Link) -> object:
        own = values if link.me in HOLDERS else None
        return secure_sum(hashlib.sha256(b"job").digest(), link, HOLDERS, ["platform"]).columns(
            "x", VALUES, own
        )

    found: Figures = {"columns": cpu(lambda: play(dict.fromkeys((*HOLDERS, "platform"), part)))}
    rng = np.random.default_rng(SEED)
    tables = {
        name: pa.table({"id": [str(n) for n in range(1000)], "amount": rng.gamma(2, 50, 1000)})
        for name in HOLDERS
    }
    parties: dict[str, tuple[str, Input | None]] = {name: ("holder", data("amount")) for name in HOLDERS}
    for name, params in {
        "statistics": {"measures": ["sum", "mean", "variance"]},
        "at_least": {"measures": ["at_least"], "threshold": "1"},
    }.items():
        told = manifest(
            statistics.KIND,
            {**parties, "platform": ("receiver", None)},
            {**params, "result_to": ["platform"]},
        )
        _, found[f"{name}-bytes"], found[name] = run(statistics.KIND, told, tables, folder)
    return found


def fitted(folder: Path) -> Figures:
    """Three banks' scorecard."""
    rng = np.random.default_rng(SEED)
    tables, names = {}, [f"f{n:02d}" for n in range(FEATURES)]
    for name in HOLDERS:
        x = rng.normal(size=(BANK_ROWS, FEATURES))
        bad = rng.random(BANK_ROWS) < 1 / (1 + np.exp(2 + x @ np.linspace(0.5, 0, FEATURES)))
        columns = {n: x[:, i] for i, n in enumerate(names)}
        tables[name] = pa.table({"bad": bad.astype(int), **columns})
    brought = data("bad", *names, key=None)
    told = manifest(
        horizontal.KIND,
        dict.fromkeys(HOLDERS, ("bank", brought)),
        {"target": "bad", "ranges": {name: [-4.0, 4.0] for name in names}},
    )
    results, sent, spent = run(horizontal.KIND, told, tables, folder)
    begin = time.process_time()
    pooled = horizontal.KIND.plain(told, tables)
    plain = time.process_time() - begin
    apart = abs(results["tax"].told["auc"] - pooled["tax"].told["auc"])
    return {"fit": spent, "fit-bytes": sent, "fit-plain": plain, "fit-apart": apart}


def job(folder: Path, ids: int) -> None:
    """All measurements, in this process."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        work = Path(fresh)
        found = groups() | functions() | summed(work) | fitted(work) | looked_up(ids, work)
    write(folder, "privacy_lookup", ids, found)


def section(folder: Path) -> list[str]:
    """The section of the results."""
    ids = int(os.environ.get("BENCH_LOOKUP_IDS", str(IDS)))
    measure("privacy_lookup", ["-m", "benchmarks.privacy_lookup", str(folder), str(ids)], ONE_THREAD)
    f = read(folder, "privacy_lookup", ids)

    def peer(name: str) -> str:
        return f"{1000 * f[name]:.2f}" if name in f else "not installed"

    proved = f["evaluate"] + f["prove"]
    jobs = [
        (f"look-up: {QUERIES} ids, verifiable", "voprf-many"),
        ("look-up: 1 id, verifiable", "voprf-one"),
        (f"look-up: {QUERIES} ids, not verifiable", "oprf-many"),
        ("statistics: sum, mean, variance, 3 holders", "statistics"),
        ("statistics: only whether the sum is enough", "at_least"),
        (f"scorecard: 3 banks x {BANK_ROWS:,} x {FEATURES} (pooled {f['fit-plain']:.1f} s)", "fit"),
    ]
    speeds = {
        name: f"{1 / f[name]:,.0f}" for name in ("fast-map", "fast-multiply", "plain-map", "plain-multiply")
    }
    return [
        "| oblivious function, CPU ms an id | xinqiao | voprf (Rust) |",
        "|---|---|---|",
        f"| server's own list | {1000 * f['known']:.3f} | {peer('peer-known')} |",
        f"| client: blind | {1000 * f['blind']:.3f} | {peer('peer-blind')} |",
        f"| server: evaluate | {1000 * f['evaluate']:.3f} | |",
        f"| server: and prove (500 at once; the peer each) | {1000 * proved:.3f} | {peer('peer-prove')} |",
        f"| client: finalize | {1000 * f['finalize']:.3f} | |",
        f"| client: verify (500 at once) | {1000 * f['verify']:.3f} | |",
        "",
        (
            f"Points a CPU second: libsodium maps {speeds['fast-map']}, multiplies {speeds['fast-multiply']}"
            f"; plain Python {speeds['plain-map']} and {speeds['plain-multiply']}."
        ),
        "",
        "| job, all parties together | CPU s | bytes |",
        "|---|---|---|",
        f"| look-up: list of {ids:,} made, first id asked | {f['voprf-made']:.1f} | |",
        *(f"| {words} | {f[name]:.3f} | {f[f'{name}-bytes']:,.0f} |" for words, name in jobs),
        f"| sums: 3 holders x {VALUES:,} values | {f['columns']:.2f} | {3 * 8 * VALUES:,} |",
        "",
        f"The banks' joint AUC differs from the pooled fit's by {f['fit-apart']:.1e}.",
    ]


if __name__ == "__main__":
    job(Path(sys.argv[1]), int(sys.argv[2]))
