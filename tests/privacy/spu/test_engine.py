"""The engine's process: what it is told and answers, and its end, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.privacy.manifests import data, job, manifest
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.spu import engine_process, engine_worker
from xinqiao.privacy.spu.engine import PROTOCOLS, engine

FUNCTIONS = """
import os, signal, time
import numpy as np

def double(context, numbers, word):
    return {"numbers": 2 * numbers, "word": f"{word} of {context.rank} in {context.parties}"}

def dies(context):
    os.kill(os.getpid(), signal.SIGSEGV)

def lasts(context):
    time.sleep(60)

def secretive(context):
    raise ValueError("91310000MA1FL00001")

def files(context):
    open("left-behind", "w").write("data")
    secret = os.environ.get("XINQIAO_SECRET", "")
    return {"folder": os.getcwd(), "temporary": os.environ["TMPDIR"], "secret": secret}
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's file with one beside it whose functions need no engine."""
    (tmp_path / "functions.py").write_text(FUNCTIONS, "utf-8")
    copy = tmp_path / "engine_worker.py"
    copy.write_text(Path(engine_worker.__file__).read_text("utf-8"), "utf-8")
    monkeypatch.setattr(engine_process, "WORKER", copy)


def call(folder: Path, function: str, arguments: Mapping[str, Any], seconds: float = 20.0) -> dict[str, Any]:
    """What the bank's engine tells; the tax bureau's does the same."""
    parties = {name: ("holder", data()) for name in ("bank", "tax")}
    agreed = manifest("intersection", parties)

    def part(name: str) -> Callable[[Link], dict[str, Any]]:
        own = job(agreed, name, None, folder, Path(sys.executable))

        def run(link: Link) -> dict[str, Any]:
            with engine(own, link, ("bank", "tax")) as running:
                return running.call(function, arguments, "functions", seconds)

        return run

    told = play({name: part(name) for name in parties})
    assert told.keys() == parties.keys()
    return told["bank"]


def left(folder: Path) -> list[Path]:
    return list((folder / "jobs").glob("*/*"))


@pytest.mark.usefixtures("worker")
def test_arrays_and_words_go_there_and_come_back(tmp_path: Path) -> None:
    numbers = np.arange(5)
    told = call(tmp_path, "double", {"numbers": numbers, "word": "word"})
    assert told["word"] == "word of 0 in 2"
    assert np.array_equal(told["numbers"], 2 * numbers)
    assert left(tmp_path) == []


@pytest.mark.usefixtures("worker")
def test_it_works_in_a_fresh_folder_that_is_gone_after_and_sees_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XINQIAO_SECRET", "secret")
    told = [call(tmp_path, "files", {}) for _ in range(2)]
    assert told[0]["folder"] != told[1]["folder"]
    assert all(one["temporary"] == one["folder"] and one["secret"] == "" for one in told)
    assert not any(Path(one["folder"]).exists() for one in told)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("function", "seconds", "detail"),
    [("dies", 20.0, "ended"), ("lasts", 0.7, "s"), ("secretive", 20.0, "ValueError"), ("psi", 20.0, "Error")],
)
def test_an_engine_that_crashes_or_hangs_or_fails_ends_the_job_and_leaves_nothing(
    function: str, seconds: float, detail: str, tmp_path: Path
) -> None:
    """Trap 5: among others, a cache mode without a link crashes the process."""
    began = time.monotonic()
    with pytest.raises(UserError, match=detail) as failed:
        call(tmp_path, function, {}, seconds)
    assert failed.value.code == "PRV-ENGINE"
    assert "91310000" not in str(failed.value)
    assert time.monotonic() - began < 15
    assert left(tmp_path) == []


@pytest.mark.usefixtures("worker")
def test_what_the_engine_leaves_elsewhere_is_swept(tmp_path: Path) -> None:
    """Trap 5: it writes a trace of each run to /tmp, whatever TMPDIR says."""
    trace = Path("/tmp") / f"psi_{os.getpid()}.trace"  # noqa: S108 - where the engine leaves them
    trace.write_text("trace", "utf-8")
    call(tmp_path, "double", {"numbers": np.arange(2), "word": ""})
    assert not trace.exists()


def test_semi2k_is_on_no_list() -> None:
    """Trap 4: its default helper is the first party."""
    assert engine_worker.ALLOWED == PROTOCOLS == {"ABY3": 3, "CHEETAH": 2}
    for protocol, parties in (("SEMI2K", 2), ("SEMI2K", 3), ("ABY3", 2), ("CHEETAH", 3), ("REF2K", 2)):
        with pytest.raises(ValueError, match=protocol):
            engine_worker.Context(0, parties).runtime(protocol)


def test_the_engine_dies_with_who_started_it(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "r, w = os.pipe()\n"
        f"child = subprocess.Popen([sys.executable, '-I', {engine_worker.__file__!r}, str(w)],\n"
        "    stdin=subprocess.PIPE, pass_fds=[w])\n"
        'child.stdin.write(b\'{"rank": 0, "parties": 2, "call": "none", "with": {}}\\n\')\n'
        "child.stdin.flush()\n"
        "os.read(r, 100)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, cwd=tmp_path, timeout=30, check=False
    )
    pid = int(done.stdout)
    end = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
