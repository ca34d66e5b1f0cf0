"""Joint WOE and boosted trees: CPU-seconds and bytes of each party, by encryption and with a dealer.

BENCH_PRIVACY_TREES: rows x columns, by comma (default 10000x20,100000x50; encrypted at the first size only,
for it takes minutes); BENCH_PRIVACY_TREE_COUNT: trees (default
20). Half of the columns are the bank's. Parties are threads of one process on a memory link, each timed by
its own CPU clock; so the time on separate machines is about the sum.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.privacy.manifests import data, job, manifest

from xinqiao.privacy.job.kind import Kind, Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling import trees, woe
from xinqiao.privacy.modelling.label_features import binned, joined_plain
from xinqiao.privacy.modelling.tree_growth import Local, boost
from xinqiao.privacy.modelling.tree_terms import TreeParams
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.metrics import auc

SEED = 20260630


@dataclass(frozen=True, slots=True)
class Measured:
    """One job: CPU-seconds and bytes sent by each party, and the results."""

    asked: Manifest
    cpu_s: Mapping[str, float]
    sent_mb: Mapping[str, float]
    results: Mapping[str, Result]


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    count = int(os.environ.get("BENCH_PRIVACY_TREE_COUNT", "20"))
    lines = [
        "| job | way | CPU-s: bank, holder, dealer | MB sent: bank, holder, dealer | result | beside |",
        "|---|---|---|---|---|---|",
    ]
    ways = ["paillier", "okamoto_uchiyama", "dealer"]
    for size in os.environ.get("BENCH_PRIVACY_TREES", "10000x20,100000x50").split(","):
        rows, columns = (int(n) for n in size.split("x"))
        tables = firms(rows, columns)
        for way in ways:
            found = measured(woe.KIND, tables, way, {"bins": 16})
            lines.append(_line(f"WOE, {size}", way, found, _values) + " |")
            params = {"trees": count, "depth": 4, "bins": 16, "rate": 0.3}
            found = measured(trees.KIND, tables, way, params)
            own, peer = pooled(found.asked, tables)
            lines.append(_line(f"{count} trees, {size}", way, found, _aucs))
            lines[-1] += f" {own:.4f} pooled, {peer:.4f} LightGBM pooled |"
            print(lines[-1], flush=True)
        ways = ["dealer"]
    return lines


def firms(rows: int, columns: int) -> dict[str, pa.Table]:
    """Generated firms, half of the columns at the bank, the stronger half at the holder."""
    drawn = np.random.default_rng(SEED)
    values = drawn.normal(size=(columns, rows))
    weight = (
        np.where(np.arange(columns) % 2, 1.0, 0.5) * drawn.choice([-1, 1], columns) / np.sqrt(columns / 4)
    )
    odds = weight @ values + 0.8 * values[0] * values[1] - 1.5
    bad = (drawn.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    ids = [f"{n:018d}" for n in range(rows)]
    of = {f"x{n}": values[n] for n in range(columns)}
    return {
        "bank": pa.table(
            {"id": ids, "bad": bad} | {n: v for i, (n, v) in enumerate(of.items()) if i % 2 == 0}
        ),
        "tax": pa.table({"id": ids} | {n: v for i, (n, v) in enumerate(of.items()) if i % 2}),
    }


def measured(kind: Kind, tables: Mapping[str, pa.Table], way: str, params: Mapping[str, Any]) -> Measured:
    """Run a job of ``kind`` between threads."""
    parties: dict[str, Any] = {
        "bank": ("bank", data(*tables["bank"].column_names[1:])),
        "tax": ("holder", data(*tables["tax"].column_names[1:])),
    }
    if way == "dealer":
        parties["regulator"] = "dealer"
    else:
        params = {**params, "encryption": way}
    asked = manifest(kind.name, parties, {"label": "bad", **params})
    cpu: dict[str, float] = {}
    ends: dict[str, Recorded] = {}

    def recorded(link: Link) -> Link:
        ends[link.me] = Recorded(link)
        return ends[link.me]

    def part(name: str, folder: Path) -> Callable[[Link], Result]:
        own = job(asked, name, tables.get(name), folder)

        def run(link: Link) -> Result:
            start = time.thread_time()
            told = kind.run(own, link)
            cpu[name] = time.thread_time() - start
            return told

        return run

    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        results = play({name: part(name, Path(folder)) for name in asked.names}, recorded)
    sent = {n: sum(s.size_bytes for s in e.lines if s.direction == "sent") / 1e6 for n, e in ends.items()}
    return Measured(asked, cpu, sent, results)


def pooled(asked: Manifest, tables: Mapping[str, pa.Table]) -> tuple[float, float]:
    """AUC of all columns in one place, on the job's own test rows: our trees, and LightGBM's."""
    rows, params = joined_plain(asked, tables), TreeParams.model_validate(asked.params)
    label, train = trees.labelled(asked, rows["bank"], params)
    names = [(n, c) for n, t in rows.items() for c in t.column_names if c[0] == "x"]
    whole = pa.table({c: rows[n][c] for n, c in names})
    _, bins = binned(whole, whole.column_names, params.bins)
    own = boost(label, train, [Local("pooled", bins, params.least)], params.shape).odds
    peer = like_trees(params)
    matrix = np.column_stack([whole[c].to_numpy() for c in whole.column_names])
    peer.fit(read_columns(matrix[train]), label[train])
    told = peer.decision_function(read_columns(matrix[~train]))
    return auc(own[~train], label[~train]), auc(told, label[~train])


def like_trees(params: TreeParams) -> BoostedTrees:
    """LightGBM with the job's settings, but for its own finer bins."""
    return BoostedTrees(
        trees=params.trees,
        learning_rate=params.rate,
        depth=params.depth,
        column_share=1.0,
        ridge=params.ridge,
        min_leaf=params.least,
    )


def _line(job_name: str, way: str, found: Measured, told: Callable[[Mapping[str, Any]], str]) -> str:
    names = ("bank", "tax", "regulator")
    cpu = ", ".join(f"{found.cpu_s[n]:.1f}" for n in names if n in found.cpu_s)
    sent = ", ".join(f"{found.sent_mb[n]:.1f}" for n in names if n in found.sent_mb)
    return f"| {job_name} | {way} | {cpu} | {sent} | {told(found.results['bank'].told)} |"


def _values(told: Mapping[str, Any]) -> str:
    return f"IV of x1 {told['iv']['tax']['x1']:.3f}"


def _aucs(told: Mapping[str, Any]) -> str:
    return f"AUC {told['joint']['auc']:.4f} joint, {told['alone']['auc']:.4f} bank alone"
