"""Section ``invoices``: the main job on the real set, then ingesting and computing many generated invoices.

Environment: BENCH_ROWS (20,000,000), XINQIAO_DATA (folder with cumcm2020c), BENCH_SKIP (names of jobs,
by comma).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks.measure import Measured, measure

MAPPING = Path(__file__).parent.parent / "tests" / "mappings" / "cumcm2020c.yaml"
REAL_AS_OF = "2020-02-29"
JOBS = (
    ("floor: DuckDB adds up the columns", ["scan"]),
    ("ours: the 16 core indicators", ["engine", "core"]),
    ("ours: all invoice indicators", ["engine", "all"]),
    ("Polars, written directly: the 16", ["polars"]),
    ("pandas, written directly: the 16", ["pandas"]),
)


def section(folder: Path) -> list[str]:
    rows = int(os.environ.get("BENCH_ROWS", "20000000"))
    return table(real_run(folder), rows, *generated(folder, rows))


def real_run(folder: Path) -> list[Measured]:
    data = os.environ.get("XINQIAO_DATA")
    if not data:
        print("cumcm2020c: skipped, XINQIAO_DATA is not set")
        return []
    source = ["--data", f"{data}/cumcm2020c", "--mapping", str(MAPPING), "--as-of", REAL_AS_OF]
    shutil.rmtree(folder / "run", ignore_errors=True)
    command = [
        "-c",
        "from xinqiao.cli.main import main; main()",
        "run",
        *source,
        "--out",
        str(folder / "run"),
    ]
    return [measure("run on cumcm2020c, 1.1 million invoices, 425 companies", command)]


def generated(folder: Path, rows: int) -> tuple[Measured, list[Measured]]:
    skipped = os.environ.get("BENCH_SKIP", "").split(",")
    folder = folder / str(rows)
    folder.mkdir(exist_ok=True)
    if not (folder / "data" / "sales.csv").exists():  # takes its name last
        measure(f"generate {rows:,} invoices", ["-m", "benchmarks.jobs", "generate", str(folder), str(rows)])
    shutil.rmtree(folder / "lake", ignore_errors=True)  # what is already there would not be ingested again
    ingested = measure("ingest", ["-m", "benchmarks.jobs", "ingest", str(folder)])
    measured = [
        measure(name, ["-m", "benchmarks.jobs", job[0], str(folder), *job[1:]])
        for name, job in JOBS
        if job[0] not in skipped
    ]
    if not {"engine", "polars", "pandas"} & set(skipped):
        measure("compare values", ["-m", "benchmarks.jobs", "compare", str(folder)])
    return ingested, measured


def table(real: list[Measured], rows: int, ingested: Measured, measured: list[Measured]) -> list[str]:
    floor = measured[0].cpu
    lines = ["| job | wall s | CPU s | CPU / floor | peak MB |", "|---|---|---|---|---|"]
    lines += [f"| {m.name} | {m.wall:.1f} | {m.cpu:.1f} | | {m.peak_mb:,.0f} |" for m in real]
    rate = f"{rows / ingested.wall:,.0f} rows/s, {rows / ingested.cpu:,.0f} rows per CPU second"
    lines.append(
        f"| ingest {rows:,} invoices from CSV: {rate} "
        f"| {ingested.wall:.1f} | {ingested.cpu:.1f} | {ingested.cpu / floor:.1f} | {ingested.peak_mb:,.0f} |"
    )
    lines += [
        f"| {m.name} | {m.wall:.1f} | {m.cpu:.1f} | {m.cpu / floor:.1f} | {m.peak_mb:,.0f} |"
        for m in measured
    ]
    return lines
