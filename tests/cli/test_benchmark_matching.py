"""``xinqiao benchmark matching`` on a market small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xinqiao.cli.benchmark_matching import benchmark_matching
from xinqiao.lending.chance import Chances


def test_the_figures_are_printed_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, kept = tmp_path / "out.json", tmp_path / "chances.json"
    benchmark_matching(companies=200, history=600, rows=500, seed=1, json_=out, chances=kept)
    told = json.loads(out.read_text("utf-8"))
    assert set(told["figures"]) == {"matching", "rate", "limit", "popularity"}
    assert told["ineligible"] == 0
    assert told["products"] >= 40
    assert told["figures"]["matching"]["ndcg"][0] > told["figures"]["rate"]["ndcg"][0]
    fitted = Chances.from_json(kept.read_text("utf-8"))
    assert fitted.generated
    assert fitted.approve.lenders == {}
    printed = capsys.readouterr().out
    assert "NDCG@5" in printed
    assert "信桥匹配" in printed
