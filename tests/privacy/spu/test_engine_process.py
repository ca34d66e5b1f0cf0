"""The engine's process: started before it is asked for, it is the one that is taken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xinqiao.privacy.spu.engine_process import Process, start, start_early, take

PYTHON = Path(sys.executable)


@pytest.fixture
def running() -> Iterator[list[Process]]:
    found: list[Process] = []
    yield found
    for process in found:
        process.end()


def test_an_engine_started_early_is_taken_once_and_only_by_its_job(
    running: list[Process], tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    early = start_early(PYTHON, one, "intersection")
    assert early is not None
    running += [take(PYTHON, two, "intersection"), take(PYTHON, one, "intersection")]
    running += [take(PYTHON, one, "intersection")]
    assert running[1] is early
    assert len({process.child.pid for process in running}) == 3
    assert {process.folder.parent for process in running} == {one, two}


def test_it_tells_when_it_has_loaded_and_is_gone_with_its_folder_after(tmp_path: Path) -> None:
    process = start(PYTHON, tmp_path, ("json", "no.such.module"))
    told = [process.loaded]
    for _ in range(2):
        process.wait()
        told.append(process.loaded)
    assert told == [False, True, True]
    process.end()
    assert process.child.returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_one_that_ends_before_it_has_loaded_is_not_waited_for(tmp_path: Path) -> None:
    process = start(Path("/bin/false"), tmp_path)
    process.wait(10)
    assert not process.loaded
    process.end()


def test_a_python_that_is_missing_is_told_when_the_engine_is_asked_for(tmp_path: Path) -> None:
    missing = tmp_path / "python"
    assert start_early(missing, tmp_path, "scorecard") is None
    with pytest.raises(FileNotFoundError):
        take(missing, tmp_path, "scorecard")
    assert list(tmp_path.iterdir()) == []
