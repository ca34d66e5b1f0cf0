"""The runs this user made, so that a decision can be found by its id alone."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_dir

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.writing import write_whole
from xinqiao.policy.store import INDEX, DecisionStore

DECISIONS = "decisions"
RESULTS = "results"
GENERATED = {b"generated": b"true"}
"""Metadata of a table whose companies were made by a program."""
MOST_RUNS = 500


def _list() -> Path:
    return Path(user_state_dir("xinqiao")) / "runs.txt"


def known_runs() -> list[Path]:
    """Folders of remembered runs that still exist, newest first."""
    try:
        lines = _list().read_text("utf-8").splitlines()
    except OSError:
        return []
    return [path for line in dict.fromkeys(reversed(lines)) if (path := Path(line)).is_dir()]


def remember_run(folder: Path) -> None:
    """Remember the run in ``folder``; a state folder that cannot be written is no error of the run."""
    kept = [str(path) for path in reversed(known_runs()[:MOST_RUNS]) if path != folder.resolve()]
    path = _list()
    try:
        write_whole(path, ("\n".join([*kept, str(folder.resolve())]) + "\n").encode())
    except UserError:
        return


def store_of(run: Path) -> DecisionStore | None:
    """The decisions of the run in ``run`` (or of the decisions folder itself), if finished."""
    return next((DecisionStore(f) for f in (run / DECISIONS, run) if (f / INDEX).is_file()), None)
