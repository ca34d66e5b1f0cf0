"""Every decision of a run is made again byte for byte; a changed byte anywhere is told."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.cli.command import call
from tests.cli.conftest import Done
from xinqiao.policy.replay import replay
from xinqiao.policy.runs import remember_run
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.store import ARTIFACTS, RECORDS, DecisionStore

FLIPS = 12


def test_every_decision_is_identical(done: Done) -> None:
    store = DecisionStore(done.out / "decisions")
    lines = set((store.root / RECORDS).read_bytes().splitlines())
    again = set()
    for decision_id in store.index:
        result = replay(store, decision_id, read_scorer)
        assert (result.identical, result.faults) == (True, ())
        again.add(result.data)
    assert again == lines
    assert len(lines) == len(store.index) > 0


def test_a_copy_of_the_decisions_alone_is_enough(done: Done, tmp_path: Path) -> None:
    """Years later: no lake, no model folder, no report, another place."""
    shutil.copytree(done.out / "decisions", tmp_path / "archive")
    decision_id = next(iter(DecisionStore(done.out / "decisions").index))
    told = call("replay", decision_id, "--run", tmp_path / "archive")
    assert told.code == 0
    assert "逐字节一致 identical" in told.out


@pytest.mark.parametrize(
    ("pattern", "words"),
    [(RECORDS, "record was changed"), (f"{ARTIFACTS}/*.json", "model"), (f"{ARTIFACTS}/*.yaml", "policy")],
)
def test_a_flipped_byte_is_told(done: Done, tmp_path: Path, pattern: str, words: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(done.out / "decisions", run / "decisions")
    (path,) = (run / "decisions").glob(pattern)
    sound, rng = path.read_bytes(), random.Random(pattern)  # noqa: S311 - places, not secrets
    store = DecisionStore(run / "decisions")
    decision_id, (offset, length, _) = rng.choice(list(store.index.items()))
    first, last = (offset, offset + length) if pattern == RECORDS else (0, len(sound))
    for _ in range(FLIPS):
        place = rng.randrange(first, last)
        flipped = bytearray(sound)
        flipped[place] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        told = call("replay", decision_id, "--run", run)
        assert told.code == 1, (place, told)
        assert "不一致 different" in told.out
        assert words in told.out
    path.write_bytes(sound)
    assert call("replay", decision_id, "--run", run).code == 0


def test_the_page_of_a_company_names_a_replay_that_works(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    remember_run(done.out)
    store = DecisionStore(done.out / "decisions")
    for decision_id, (_, _, company) in list(store.index.items())[:5]:
        page = (done.out / "report" / "companies" / f"{company}.html").read_text("utf-8")
        assert f"xinqiao replay {decision_id}" in page
        assert call("replay", decision_id).code == 0
