"""What a node keeps is whole, its own to read, and changed by one job at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xinqiao.privacy.crypto.kept import locked, write


def test_a_file_is_replaced_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    (tmp_path / ".key.partial").write_bytes(b"left by a job that was killed, readable by all")
    for data in (b"one", b"another"):
        write(file, data)
        assert file.read_bytes() == data
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [file]


def test_one_at_a_time_has_the_lock(tmp_path: Path) -> None:
    inside: list[str] = []

    def job(name: str) -> None:
        with locked(tmp_path / "lock"):
            inside.append(name)
            time.sleep(0.05)
            inside.append(name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(job, "abcd"))
    assert inside[::2] == inside[1::2]
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
