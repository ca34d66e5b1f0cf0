"""A list's quota and keys hold though jobs ask and build it side by side."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.lists.list_state import ListState, file_of, load

OLD, NEW = "aa" * 32, "bb" * 32


def state(built: str = OLD, quota: int = 10) -> ListState:
    return ListState(
        name="sims",
        bank="bank",
        built=built,
        key_kind="text",
        publics={"first": "00" * 32, "second": "11" * 32},
        rows=8,
        count_at_most=5,
        answer="total",
        quota=quota,
        hashing=built,
        opening=built,
    )


def test_jobs_that_began_at_once_share_one_quota(tmp_path: Path) -> None:
    state().save(tmp_path)
    one, other = (load(tmp_path, "sims", "bank") for _ in range(2))
    assert one.spend(tmp_path, 6).used == 6
    assert other.spend(tmp_path, 3).used == 9
    with pytest.raises(UserError, match="PRV-LIST-QUOTA"):
        one.spend(tmp_path, 2)
    assert one.spend(tmp_path, 1).used == 10
    assert load(tmp_path, "sims", "bank").used == 10


def test_no_two_jobs_spend_the_last_of_a_quota(tmp_path: Path) -> None:
    state().save(tmp_path)
    began = load(tmp_path, "sims", "bank")

    def asks(_: int) -> bool:
        try:
            began.spend(tmp_path, 3)
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(8) as jobs:
        assert sum(jobs.map(asks, range(16))) == 3
    assert load(tmp_path, "sims", "bank").used == 9


def test_asking_a_list_that_was_built_again_is_refused_and_leaves_its_keys(tmp_path: Path) -> None:
    state().save(tmp_path)
    began = load(tmp_path, "sims", "bank")
    state(NEW).save(tmp_path)
    with pytest.raises(UserError, match="PRV-LIST-STATE"):
        began.spend(tmp_path, 1)
    assert load(tmp_path, "sims", "bank") == state(NEW)


def test_store_and_state_are_replaced_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state().save(tmp_path, b"old")
    write, seen = kept.write, []

    def spend() -> None:
        with pytest.raises(UserError, match="PRV-LIST-STATE"):
            state().spend(tmp_path, 1)

    with ThreadPoolExecutor(1) as jobs:

        def watched(target: Path, data: bytes) -> None:
            write(target, data)
            if target.suffix == ".store":
                seen.append(jobs.submit(spend))  # has to wait for the state

        monkeypatch.setattr(kept, "write", watched)
        state(NEW).save(tmp_path, b"new")
        [told] = seen
        told.result(30)
    assert file_of(tmp_path, "sims", "bank", "store").read_bytes() == b"new"


def test_all_its_files_are_the_nodes_own(tmp_path: Path) -> None:
    state().save(tmp_path, b"store")
    modes: dict[str, Any] = {file.suffix: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {".json": 0o600, ".store": 0o600, ".lock": 0o600}
