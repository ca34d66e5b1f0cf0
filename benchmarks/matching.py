"""Matching: rankings on a market with known truth, one firm and a million.

BENCH_MATCHING_ROWS: firms of the batch (default 1,000,000).
"""

from __future__ import annotations

import os
from pathlib import Path

from xinqiao.cli.benchmark_matching import NAMES, measure

FIRMS, PAST, SEED = 3000, 12_000, 20260630


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    rows = int(os.environ.get("BENCH_MATCHING_ROWS", "1000000"))
    result, _ = measure(FIRMS, PAST, rows, SEED)
    lines = ["| ranking | NDCG@5 | regret of the first | hit@3 |", "|---|---|---|---|"]
    for name, figures in result.figures.items():
        cells = " | ".join(f"{mean:.3f} ± {half:.3f}" for mean, half in figures.values())
        lines.append(f"| {NAMES[name].en} | {cells} |")
    took = f"{result.batch_cpu_s:.0f} CPU-s, {result.batch_s:.0f} s"
    return [
        *lines,
        "",
        f"{result.shown} products shown to 200 firms, {result.ineligible} of them ineligible.  ",
        f"One firm, 40 products: {result.single_ms:.2f} ms CPU.  ",
        f"{rows:,} firms x {result.products} products: {took}.",
    ]
