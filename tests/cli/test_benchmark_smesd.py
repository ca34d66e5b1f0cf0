from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import call
from tests.scoring.smesd_small import write_split


def test_one_table_with_intervals_and_json(tmp_path: Path) -> None:
    train = write_split(tmp_path / "train", seed=1)
    test = write_split(tmp_path / "test", 60, seed=2, name="2020", first=500)
    told = call("benchmark", "smesd", "--train", train, "--test", test, "--json", tmp_path / "found.json")
    assert told.code == 0
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert [s["stage"] for s in found["stages"]] == ["attributes", "lawsuits", "graph"]
    assert found["sides"]["test"] == "2020"
    for stage in found["stages"]:
        low, high = stage["test"]["auc_interval"]
        assert low < stage["test"]["auc"] < high
        assert f"{stage['test']['auc']:.3f}" in told.out
        assert f"{low:.3f} … {high:.3f}" in told.out
    assert found["stages"][0]["gain"] is None


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    told = call("benchmark", "smesd", "--train", tmp_path, "--test", tmp_path)
    assert told.code == 2
    assert "SME-FILE" in told.err
