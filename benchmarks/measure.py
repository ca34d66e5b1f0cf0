"""Run one job in a process of its own and measure wall time, CPU time and peak memory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """Seconds of wall and CPU (user + system, children included) and peak resident MB of one process."""

    name: str
    wall: float
    cpu: float
    peak_mb: float


class JobFailedError(RuntimeError):
    """A job ended with an error; its output stands above."""


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For jobs whose CPU time is compared: threads that wait in a busy loop would count as work."""


def measure(name: str, arguments: list[str], variables: Mapping[str, str] | None = None) -> Measured:
    """Start Python with ``arguments`` and wait for it; raises JobFailedError when it fails.

    ``variables`` are added to the environment.
    """
    sys.stdout.flush()
    begin = time.perf_counter()
    pid = os.posix_spawn(sys.executable, [sys.executable, *arguments], _environment() | dict(variables or {}))
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status):
        message = f"{name}: exit {os.waitstatus_to_exitcode(status)}"
        raise JobFailedError(message)
    measured = Measured(name, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    print(f"  {name}: {wall:.1f} s, CPU {measured.cpu:.1f} s, {measured.peak_mb:,.0f} MB", flush=True)
    return measured


def _environment() -> dict[str, str]:
    here = str(Path(__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": here}
