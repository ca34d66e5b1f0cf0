"""The engine's process: started, and ended with its folder.

Imports next to nothing, for a node's worker starts the engine before all else (``start_early``): loading it
takes most of a second, in which the worker loads its own libraries and its data and waits for the others.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("engine_worker.py")
LOADS = {
    "intersection": ("spu.libspu", "spu.libpsi"),
    "scorecard": ("jax", "spu", "spu.utils.frontend"),
}
"""What the engine loads at its start, by the kind of job: its own modules, which take long."""
_early: dict[Path, Process] = {}


@dataclass(slots=True)
class Process:
    """An engine that runs in its own ``folder``: asked by ``child.stdin``, it answers by ``answers``."""

    child: subprocess.Popen[bytes]
    answers: int
    folder: Path
    loaded: bool = False

    def wait(self, seconds: float = 60.0) -> None:
        """Until it has loaded its modules, but no longer than so many seconds."""
        if not self.loaded and select.select([self.answers], [], [], seconds)[0]:
            self.loaded = os.read(self.answers, 1) == b"\n"

    def end(self) -> None:
        """Kill it, whatever it does, and remove its folder and its traces."""
        self.child.kill()
        self.child.wait()
        if self.child.stdin is not None:
            with suppress(BrokenPipeError):
                self.child.stdin.close()
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)
        _sweep()


def start(python: Path, place: Path, loads: Sequence[str] = ()) -> Process:
    """An engine by ``python`` in a fresh folder of ``place``; it dies with this thread. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix="engine-", dir=place))
    answers, theirs = os.pipe()
    # -I: modules of this package that are named like those of the standard library don't stand before them
    command = [str(python), "-I", str(WORKER), str(theirs), *loads]
    try:
        with (folder / "engine.log").open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - our own worker
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=_variables(folder),
                pass_fds=[theirs],
            )
    except OSError:
        os.close(answers)
        shutil.rmtree(folder)
        raise
    finally:
        os.close(theirs)
    return Process(child, answers, folder)


def start_early(python: Path, place: Path, kind: str) -> Process | None:
    """Start the engine that a job of ``kind`` whose folder is ``place`` will ask for; None where it can't.

    A job that ends without having asked leaves it to the end of this thread.
    """
    try:
        _early[place] = start(python, place, LOADS.get(kind, ()))
    except OSError:  # the job will tell
        return None
    return _early[place]


def take(python: Path, place: Path, kind: str) -> Process:
    """The engine of the job whose folder is ``place``, started now if not before. Raises OSError."""
    return _early.pop(place, None) or start(python, place, LOADS.get(kind, ()))


def _variables(folder: Path) -> dict[str, str]:
    """The environment: nothing of this process's own."""
    place = str(folder)
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": place,
        "TMPDIR": place,
        "JAX_PLATFORMS": "cpu",
    }


def _sweep() -> None:
    """Remove what the engine leaves in /tmp whatever TMPDIR says: traces of its steps, without data."""
    for trace in Path("/tmp").glob("psi_*.trace"):  # noqa: S108 - where the engine puts them
        with suppress(OSError):
            if trace.stat().st_uid == os.getuid():
                trace.unlink()
