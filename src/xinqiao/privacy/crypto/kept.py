"""Files that a node keeps between jobs: its own to read, whole, changed by one job at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET_MODE = 0o600


def write(target: Path, data: bytes) -> None:
    """Replace ``target`` at once by ``data``, which is on the disk then. One writer at a time: ``locked``."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)  # of a job that was killed, or of whom would read along
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One job at a time, each a process of its own, by the lock file ``file``."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, SECRET_MODE)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
