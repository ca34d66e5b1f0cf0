from __future__ import annotations

from pathlib import Path

import pytest

from xinqiao.policy.runs import known_runs, remember_run, store_of


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_runs_are_remembered_newest_first_each_once(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("甲 一", "b", "c")]
    for folder in folders:
        folder.mkdir()
        remember_run(folder)
    remember_run(folders[0])
    assert known_runs() == [folders[0], folders[2], folders[1]]


def test_a_deleted_run_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    remember_run(tmp_path / "a")
    (tmp_path / "a").rmdir()
    assert known_runs() == []


def test_a_state_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    remember_run(tmp_path)
    assert known_runs() == []


def test_a_run_without_decisions_has_no_store(tmp_path: Path) -> None:
    assert store_of(tmp_path) is None
