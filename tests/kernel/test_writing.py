from __future__ import annotations

from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.writing import write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "新" / "a.bin"
    write_whole(target, b"1")
    write_whole(target, b"22")
    assert target.read_bytes() == b"22"
    assert [p.name for p in target.parent.iterdir()] == ["a.bin"]
    assert target.stat().st_mode & 0o777 == 0o644
    write_whole(target, b"secret", 0o600)
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        write_whole(tmp_path / "file" / "a.bin", b"")
    assert caught.value.code == "FILE-WRITE"
    assert "a.bin" in caught.value.where
