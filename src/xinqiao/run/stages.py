"""Stages of a long job that can be killed at any moment and run again.

A stage has a key (digest of everything its result depends on) and writes into a partial folder
that takes its final name only when complete. A finished stage with the same key is not run again,
so a job run twice, or killed and run again, leaves the same bytes as one uninterrupted run.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import user_error

PARTIAL = ".partial"
MARK = ".stage.json"


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for one process; the lock goes with the process, however it ends.

    Raises UserError RUN-BUSY when another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise user_error("RUN-BUSY", str(folder)) from error
        yield


def stage(folder: Path, depends_on: object, work: Callable[[Path], None]) -> tuple[str, bool]:
    """Make ``folder`` by ``work(partial folder)`` unless it stands already.

    ``depends_on`` is JSON-able and names all that the result depends on.
    Returns the stage's key (for later stages to depend on) and whether work was done.
    """
    key = digest(canonical_json(depends_on))
    if _finished(folder, key):
        return key, False
    partial = folder.with_name(folder.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    work(partial)
    sizes = {str(p.relative_to(partial)): p.stat().st_size for p in sorted(partial.rglob("*")) if p.is_file()}
    (partial / MARK).write_bytes(canonical_json({"key": key, "sizes": sizes}))
    # between these two lines a kill leaves no folder: the next run makes it anew
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
    return key, True


def _finished(folder: Path, key: str) -> bool:
    """Whether ``folder`` holds a complete result of this very key, every file at its size."""
    try:
        mark = json.loads((folder / MARK).read_bytes())
        return bool(mark["key"] == key) and all(
            (folder / name).stat().st_size == size for name, size in mark["sizes"].items()
        )
    except (OSError, ValueError, KeyError):
        return False
