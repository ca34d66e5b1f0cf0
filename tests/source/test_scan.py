from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source.conftest import SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.source.scan import Opened, blocks, count_lines, has_lone_return


@given(data=st.text(alphabet="a\r\n", min_size=1, max_size=30).map(str.encode))
def test_counting_as_bytes_count_does(data: bytes) -> None:
    assert count_lines(data) == data.count(b"\n")
    assert has_lone_return(data) == (data.count(b"\r") != data.count(b"\r\n"))


@settings(deadline=None)
@given(data=st.text(alphabet="ab\n", max_size=200).map(str.encode), size=st.integers(1, 50))
def test_blocks_are_whole_lines_and_lose_no_byte(
    data: bytes, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "scan.csv"
    path.write_bytes(data)
    with path.open("rb") as handle:
        limits = replace(SMALL, block_bytes=size)
        found = list(blocks(Opened(handle, "text", "scan.csv", limits, lambda _: None)))
    assert b"".join(found) == data
    assert all(block.endswith(b"\n") for block in found[:-1])
    assert all(len(block) <= size or block.count(b"\n") <= 1 for block in found)


@pytest.mark.parametrize(("length", "good"), [(100, True), (101, False)])
def test_the_limit_of_a_line_is_exact(length: int, good: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrised
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n" * 3 + b"y" * length + b"\nz\n")
    with path.open("rb") as handle:
        file = Opened(handle, "text", "a.csv", replace(SMALL, line_bytes=100), lambda _: None)
        if good:
            assert b"".join(blocks(file)) == path.read_bytes()
        else:
            with pytest.raises(UserError, match=r"SRC-LINE.*a\.csv:4"):
                list(blocks(file))
