"""``xinqiao control`` as a user calls it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.command import call
from tests.indicator.lakes import RowLake, firm
from tests.relation.test_measures import stake
from tests.relation.test_penetration import lake
from xinqiao.cli import control as verb


@pytest.fixture(autouse=True)
def _small_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manifests").mkdir()
    monkeypatch.setattr(verb, "Lake", lake)


def test_in_words_and_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    words = ("control", "--lake", tmp_path, "--company", "A", "--as-of", "2024-12-31")
    told = call(*words, "--svg", picture)
    assert told.code == 0
    for expected in ("实际控制人", "p1 →51.00%→ B →60.00%→ A", "60.60%", "70.60%", "未记录的股权 10.00%"):
        assert expected in told.out
    assert picture.read_text("utf-8").startswith("<svg")


def test_as_json_with_another_threshold(tmp_path: Path) -> None:
    words = ("control", "--lake", tmp_path, "--company", "A", "--as-of", "2024-12-31")
    found = json.loads(call(*words, "--threshold", "0.5", "--json").out)
    assert [holder["id"] for holder in found["ultimate_holders"]] == ["p1"]


def test_a_chain_too_long_to_be_listed_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firms = [f"F{place}" for place in range(15)]
    holdings = [stake(*pair, 1.0) for pair in pairwise([*firms, "p1"])]
    tables = {"registry": [*map(firm, firms)], "registry_holding": holdings}
    monkeypatch.setattr(verb, "Lake", lambda folder: RowLake(folder, tables))
    told = call("control", "--lake", tmp_path, "--company", "F0", "--as-of", "2024-12-31")
    assert "层级 layers 15" in told.out
    assert "长于 12 层，未列出" in told.out


def test_a_company_nobody_knows(tmp_path: Path) -> None:
    told = call("control", "--lake", tmp_path, "--company", "nobody", "--as-of", "2024-12-31")
    assert told.code == 2
    assert "REL-COMPANY" in told.err
