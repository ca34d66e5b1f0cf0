"""Figures of jobs that run in processes of their own: measured there, written as JSON, read here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

Figures = dict[str, float]


def cpu(job: Callable[[], object], least: float = 2.0, most: int = 5) -> float:
    """CPU seconds of ``job``: the best of up to ``most`` runs, as many as begin within ``least`` seconds."""
    runs: list[float] = []
    while len(runs) < most and sum(runs) < least:
        begin = time.process_time()
        job()
        runs.append(time.process_time() - begin)
    return min(runs)


def write(folder: Path, name: str, rows: int, figures: Figures) -> None:
    """Keep the figures of the job ``name``."""
    (folder / f"{name}-{rows}.json").write_text(json.dumps(figures), encoding="utf-8")


def read(folder: Path, name: str, rows: int) -> Figures:
    """The figures of the job ``name``."""
    found: Figures = json.loads((folder / f"{name}-{rows}.json").read_text("utf-8"))
    return found
