"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import distributions, version
from pathlib import Path

PACKAGES = ("xinqiao", "duckdb", "ibis-framework", "polars", "pandas", "pyarrow", "numpy")
PEERS = ("zen-engine", "drools-jpy", "optbinning", "toad", "lightgbm", "interpret-core")


def describe() -> list[str]:
    """Processor, memory, load and versions, a line each."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    processor = models[0] if models else platform.processor()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return [
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {system}",
        f"load before: {load}",
        ", ".join(f"{name} {version(name)}" for name in (*PACKAGES, *_installed())),
    ]


def _installed() -> list[str]:
    return [name for name in PEERS if next(iter(distributions(name=name)), None)]
