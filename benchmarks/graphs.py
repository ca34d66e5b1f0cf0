"""Questions about graphs: ours, networkx, igraph, scipy, DuckDB; each answer in a process of its own.

``python -m benchmarks.graphs TASK-METHOD FOLDER FIRMS``; figures go to ``FOLDER/TASK-METHOD-FIRMS.json``.
Times are CPU seconds of one thread, from arrays of edges in memory to the answer, the graph's
building included. Our kernels are compiled before, once for all processes.
"""

# ruff: noqa: PLC0415 - each job pays for its own imports only
from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks import graph_peers as peers
from benchmarks.figures import Figures, cpu, write
from benchmarks.figures import read as read_figures
from benchmarks.graph_data import HUB, KEY_CAP, Arrays, read
from benchmarks.graph_data import write as generate
from benchmarks.measure import ONE_THREAD, measure

SMALL, LEAST = 2_000, 400
"""Firms on which all answers are compared, and the fewest, for a peer that does not bear those."""


def stakes_ours(a: Arrays, firms: int) -> np.ndarray:
    from xinqiao.relation.control import control
    from xinqiao.relation.csr import from_edges
    from xinqiao.relation.ownership import ultimate_stakes, whole

    nodes = firms + int(max(a["holder"].max() - firms + 1, 0))
    graph, _ = whole(from_edges(nodes, a["held"], a["holder"], a["share"]))
    found = ultimate_stakes(graph)
    control(graph)  # the actual controllers too, which no peer gives
    firm, holder, share = found.above(peers.THRESHOLD)
    ours = firm < firms  # people hold themselves
    table = np.column_stack([firm[ours], holder[ours], share[ours]])
    return table[np.lexsort((table[:, 1], table[:, 0]))]


def circles_ours(a: Arrays, firms: int) -> np.ndarray:
    from xinqiao.relation.csr import from_edges
    from xinqiao.relation.cycles import simple_cycles

    graph = from_edges(4 * firms, a["seller"], a["buyer"])
    found = simple_cycles(graph, 3, 5, hub=10**9, limit=10**8)
    return np.bincount(np.diff(found.start), minlength=6)[3:]


def rings_ours(a: Arrays, firms: int) -> np.ndarray:
    from xinqiao.relation.components import components
    from xinqiao.relation.csr import from_edges

    keep = (np.bincount(a["contact_key"]) <= KEY_CAP)[a["contact_key"]]
    nodes = firms + int(a["contact_key"].max()) + 1
    label = components(from_edges(nodes, a["contact_firm"][keep], a["contact_key"][keep] + np.int32(firms)))
    return np.unique(label[:firms], return_index=True)[1][np.unique(label[:firms], return_inverse=True)[1]]


def hops_ours(a: Arrays, firms: int) -> np.ndarray:
    from xinqiao.relation.csr import both_ways, from_edges
    from xinqiao.relation.neighbours import neighbours

    found = neighbours(both_ways(from_edges(firms, a["one"], a["other"])), a["bad"], HUB)
    return np.column_stack([found.near, found.near_bad, found.far, found.far_bad])


def _floor(*names: str) -> Callable[[Arrays, int], np.ndarray]:
    """One pass over the memory of the edges: each is read once and each end written once."""

    def floor(a: Arrays, _firms: int) -> np.ndarray:
        return np.array([float(a[name].astype(a[name].dtype, copy=True).sum()) for name in names])

    return floor


Job = Callable[[Arrays, int], np.ndarray]
TASKS: dict[str, tuple[str, dict[str, tuple[Job, float]]]] = {
    "stakes": (
        "ultimate stakes of 25 % and controllers, {firms:,} firms, {edges:,} stakes",
        {
            "floor": (_floor("held", "holder", "share"), 1),
            "ours": (stakes_ours, 1),
            "duckdb": (peers.stakes_duckdb, 1),
            "networkx": (peers.stakes_networkx, 0.05),
        },
    ),
    "circles": (
        "circles of 3 to 5 firms, {edges:,} edges",
        {
            "floor": (_floor("seller", "buyer"), 1),
            "ours": (circles_ours, 1),
            "igraph": (peers.circles_igraph, 0.01),
            "duckdb": (peers.circles_duckdb, 0.01),
            "networkx": (peers.circles_networkx, 0.0004),
        },
    ),
    "rings": (
        "rings over shared contacts, {edges:,} pairs",
        {
            "floor": (_floor("contact_firm", "contact_key"), 1),
            "ours": (rings_ours, 1),
            "scipy": (peers.rings_scipy, 1),
            "igraph": (peers.rings_igraph, 1),
            "duckdb": (peers.rings_duckdb, 0.2),
            "networkx": (peers.rings_networkx, 0.1),
        },
    ),
    "hops": (
        "neighbours one and two ties away and the bad ones, {edges:,} ties",
        {
            "floor": (_floor("one", "other", "bad"), 1),
            "ours": (hops_ours, 1),
            "scipy": (peers.hops_scipy, 0.1),
            "duckdb": (peers.hops_duckdb, 0.1),
            "networkx": (peers.hops_networkx, 0.05),
        },
    ),
}
"""Task -> its words, and each method with the share of the full size it is asked at."""
EDGES = {"stakes": "held", "circles": "seller", "rings": "contact_firm", "hops": "one"}


def job(name: str, folder: Path, firms: int) -> Figures:
    """Answer, time it, and keep the answer where it is to be compared."""
    task, _, method = name.partition("-")
    answer, _ = TASKS[task][1][method]
    if method == "ours":
        answer(read(folder, SMALL), SMALL)  # compiled, or read from the disk where they were kept
    arrays = read(folder, firms)
    found: list[np.ndarray] = []
    seconds = cpu(lambda: found.append(answer(arrays, firms)), most=3)
    if firms <= SMALL and method != "floor":
        np.save(folder / f"{name}-{firms}.npy", found[-1])
    return {"cpu_s": seconds, "edges": float(len(arrays[EDGES[task]]))}


def compare(folder: Path, task: str, method: str, firms: int) -> str:
    """The answers of a peer and of ours on a small graph; raises AssertionError when they differ."""
    ours, theirs = (np.load(folder / f"{task}-{each}-{firms}.npy") for each in ("ours", method))
    assert ours.shape == theirs.shape, f"{task}: {method} gives another number of answers"
    gap = float(np.abs(ours.astype(float) - theirs).max(initial=0.0))
    assert gap < 1e-3, f"{task}: {method} differs by {gap}"
    return f"{task} {method} {firms:,} firms {len(ours):,} rows, largest difference {gap:.1e}"


def section(folder: Path) -> list[str]:
    """Section ``graph``. Environment: BENCH_FIRMS, the full size (1,000,000)."""
    full = int(os.environ.get("BENCH_FIRMS", "1000000"))
    folder = folder / "graphs"
    folder.mkdir(exist_ok=True)
    runs = [
        (task, method, max(LEAST, int(full * share)))
        for task, (_, methods) in TASKS.items()
        for method, (_, share) in methods.items()
        if method in {"ours", "floor"} or find_spec(method)
    ]
    for firms in sorted({SMALL, *(firms for _, _, firms in runs)}):
        # in a process of its own: a child's peak memory counts from what its parent holds
        measure(f"generate {firms:,}", ["-m", "benchmarks.graphs", "generate", str(folder), str(firms)])
    equal = []
    for task, method, firms in runs:
        least = min(firms, SMALL)
        if method != "floor":
            _measure(folder, f"{task}-{method}", least)
        if method not in {"floor", "ours"}:
            if least < SMALL:
                _measure(folder, f"{task}-ours", least)
            equal.append(compare(folder, task, method, least))
    lines = [
        "Generated graphs; CPU seconds of one thread from edges in memory to the answer.",
        "Each peer at the largest size it bears here; its ratio is to ours at its own size.",
        "",
    ]
    for task, (words, methods) in TASKS.items():
        present = [(method, firms) for t, method, firms in runs if t == task and method in methods]
        lines += _table(folder, task, words, present, full)
    return [*lines, "Equal answers: " + "; ".join(equal) + "."]


def _measure(folder: Path, name: str, firms: int) -> float:
    """Run a job in its own process; its peak MB."""
    arguments = ["-m", "benchmarks.graphs", name, str(folder), str(firms)]
    return measure(f"{name} {firms:,}", arguments, ONE_THREAD).peak_mb


def _table(folder: Path, task: str, words: str, runs: list[tuple[str, int]], full: int) -> list[str]:
    ours = {}
    for firms in sorted({full, *(firms for _, firms in runs)}):
        peak = _measure(folder, f"{task}-ours", firms)
        ours[firms] = (read_figures(folder, f"{task}-ours", firms), peak)
    title = words.format(firms=full, edges=int(ours[full][0]["edges"]))
    lines = [f"| {title} | edges | CPU s | time / ours | peak MB |", "|---|---|---|---|---|"]
    for method, firms in runs:
        if method == "ours":
            figures, peak = ours[firms]
        else:
            peak = _measure(folder, f"{task}-{method}", firms)
            figures = read_figures(folder, f"{task}-{method}", firms)
        ratio = figures["cpu_s"] / ours[firms][0]["cpu_s"]
        name = "floor: one pass over the memory" if method == "floor" else method
        cells = f"{int(figures['edges']):,} | {figures['cpu_s']:.3f} | {ratio:.2f} | {peak:,.0f}"
        lines.append(f"| {name} | {cells} |")
    return [*lines, ""]


def main() -> None:
    name, folder, firms = sys.argv[1:]
    if name == "generate":
        generate(Path(folder), int(firms))
        return
    write(Path(folder), name, int(firms), job(name, Path(folder), int(firms)))


if __name__ == "__main__":
    main()
