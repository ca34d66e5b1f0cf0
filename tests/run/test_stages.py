import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.run.stages import exclusive, stage


def _write(text: str) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / "a.txt").write_text(text)

    return work


def test_a_finished_stage_is_not_run_again(tmp_path: Path) -> None:
    assert stage(tmp_path / "s", {"n": 1}, _write("one"))[1]
    assert not stage(tmp_path / "s", {"n": 1}, _write("never"))[1]
    assert (tmp_path / "s" / "a.txt").read_text() == "one"


def test_other_inputs_run_it_again(tmp_path: Path) -> None:
    first, _ = stage(tmp_path / "s", {"n": 1}, _write("one"))
    second, done = stage(tmp_path / "s", {"n": 2}, _write("two"))
    assert done
    assert first != second
    assert (tmp_path / "s" / "a.txt").read_text() == "two"


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    stage(tmp_path / "s", {"n": 1}, _write("one"))
    (tmp_path / "s" / "a.txt").write_text("")
    assert stage(tmp_path / "s", {"n": 1}, _write("one"))[1]


def test_a_failing_stage_keeps_the_former_result(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise RuntimeError

    stage(tmp_path / "s", {"n": 1}, _write("one"))
    with pytest.raises(RuntimeError):
        stage(tmp_path / "s", {"n": 2}, broken)
    assert (tmp_path / "s" / "a.txt").read_text() == "one"
    stage(tmp_path / "s", {"n": 2}, _write("two"))
    assert not (tmp_path / "s" / "half.txt").exists()


def test_the_folder_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    code = (
        "import sys,time,pathlib;from xinqiao.run.stages import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="RUN-BUSY"), exclusive(tmp_path):
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        other.stdout.close()
    for _ in range(50):
        try:
            with exclusive(tmp_path):
                return
        except UserError:
            time.sleep(0.1)
    pytest.fail("the lock outlived its process")


def test_the_mark_lists_every_file(tmp_path: Path) -> None:
    stage(tmp_path / "s", 1, _write("one"))
    assert json.loads((tmp_path / "s" / ".stage.json").read_bytes())["sizes"] == {"a.txt": 3}
