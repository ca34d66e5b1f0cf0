"""kill -9 at random moments of a run, then the run to its end: the bytes of a run left alone."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from tests.cli.conftest import Done
from tests.cli.small import AS_OF, Small, run_small, tree

# where each stage begins to write, and for about how many seconds it does
BEGINS = {
    "ingest": ("lake/data", 1.5),
    "indicators": (f"indicators/{AS_OF}.partial", 4.0),
    "model": ("model.partial", 1.0),
    "decisions": ("decisions.partial", 1.5),
    "report": ("report.partial", 2.0),
}
PATIENCE = 120.0
SEEDS = (2,)  # each kills in all five stages; more seeds show more moments and take a minute each


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with the product imported: the time is spent in the stages."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.cli.small"])
    return context


class Run:
    """A run in a process of its own."""

    def __init__(self, processes: ForkServerContext, region: Small, out: Path) -> None:
        self.out = out
        self.process: ForkServerProcess = processes.Process(
            target=run_small, args=(region.data, region.mapping, out)
        )
        self.process.start()

    def wait_for(self, seen: Callable[[], bool]) -> None:
        """Until ``seen`` or the end of the process."""
        end = time.monotonic() + PATIENCE
        while not seen() and self.process.is_alive():
            assert time.monotonic() < end, "the run hangs"
            time.sleep(0.001)

    def kill(self) -> bool:
        """SIGKILL; whether it hit a process that was still at work."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL

    def finish(self) -> None:
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_in_every_stage_and_run_again(
    processes: ForkServerContext, region: Small, done: Done, tmp_path: Path, seed: int
) -> None:
    rng, out = random.Random(seed), tmp_path / "run"  # noqa: S311 - moments, not secrets
    hits = 0
    for begins, seconds in BEGINS.values():
        run = Run(processes, region, out)
        run.wait_for((out / begins).exists)
        time.sleep(rng.uniform(0, seconds))
        hits += run.kill()
    assert hits >= 3, "too few kills hit a run at work to show anything"
    Run(processes, region, out).finish()
    assert tree(out) == tree(done.out)


@pytest.mark.slow
def test_killed_at_the_moment_a_stage_takes_the_place_of_a_former_one(
    processes: ForkServerContext, region: Small, done: Done, tmp_path: Path
) -> None:
    out, former = tmp_path / "run", b'{"key":"a former run","sizes":{}}'
    shutil.copytree(done.out, out)
    marks = [out / name / ".stage.json" for name in ("model", "decisions", "report")]
    for mark in marks:
        mark.write_bytes(former)
    for mark in marks:
        run = Run(processes, region, out)
        run.wait_for(partial(_differs, mark, former))
        run.kill()
    Run(processes, region, out).finish()
    assert tree(out) == tree(done.out)


def _differs(path: Path, former: bytes) -> bool:
    try:
        return path.read_bytes() != former
    except OSError:
        return True
