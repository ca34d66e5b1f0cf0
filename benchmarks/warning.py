"""Early warning on a generated city: whom a bank looks at, how truly and how early.

BENCH_WARNING_FIRMS: firms of the city (default 20,000; about an hour on 2 cores, most of it indicators at
24 month ends). Snapshots in BENCH_DIR are used again.
"""

from __future__ import annotations

import math
import os
from importlib.resources import files
from pathlib import Path

from xinqiao.city.generate import generate
from xinqiao.cli.benchmark_warning import measure
from xinqiao.monitoring.contest import WAYS
from xinqiao.monitoring.review import Figure
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import parse_mapping

CAPACITY, MONTHS, SAMPLES, SEED = 0.05, 12, 500, 11


def section(folder: Path) -> list[str]:
    firms = int(os.environ.get("BENCH_WARNING_FIRMS", "20000"))
    place = folder / f"warning-{firms}"
    found = measure(
        _lake(place, firms), place / "snapshots", capacity=CAPACITY, months=MONTHS, samples=SAMPLES
    )
    lines = [
        "| way | named | precision | recall | 3 months ahead | months to 30 days | months to 90 days |",
        "|---|---|---|---|---|---|---|",
    ]
    for way in found.ways:
        shares = " | ".join(_shown(figure, 100, "%") for figure in (way.precision, way.recall, way.far))
        leads = " | ".join(_shown(figure, 1, "") for figure in (way.lead_30, way.lead_90))
        lines.append(f"| {WAYS[way.way].en} | {way.named:,} | {shares} | {leads} |")
    aucs = ", ".join(f"{value:.3f} for {months} months" for months, value in found.auc.items())
    judged = f"judged {found.months[0]:%Y-%m} to {found.months[-1]:%Y-%m}: {found.rows:,} borrower-months"
    bads = f"{found.bads:,} borrowers count for recall, {found.base:.1%} bad within a year"
    return [
        *lines,
        "",
        f"{firms:,} firms, 48 months, {judged}, {bads}.  ",
        f"{CAPACITY:.0%} of borrowers looked at a month; AUC of the model {aucs}.",
    ]


def _lake(place: Path, firms: int) -> Path:
    """A city of ``firms``, read in; what is there already is used again."""
    lake, done = place / "lake", place / "read"
    if not done.exists():
        truth = generate(place / "city", companies=firms, months=48, seed=SEED)
        text = files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")
        ingest_folder(truth.data, parse_mapping(text, "city.yaml"), Lake(lake))
        done.touch()
    return lake


def _shown(figure: Figure, scale: float, unit: str) -> str:
    if math.isnan(figure.value):
        return "–"
    value, low, high = (x * scale for x in (figure.value, figure.low, figure.high))
    return f"{value:.1f}{unit} [{low:.1f}, {high:.1f}]"
