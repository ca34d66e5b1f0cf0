from __future__ import annotations

from typing import Any

from tests.portrait.files import sample_file


def test_a_score_tells_nothing_of_sources_beyond_the_grant() -> None:
    parts: list[dict[str, Any]] = [{"variable": name, "bin": name} for name in ("INV01", "BNK02")]
    reasons = [{"indicator": name, "value": 1.0} for name in ("INV01", "BNK02")]
    score = {"points": 640.0, "pd": 0.01, "grade": "R4", "contributions": parts, "reasons": reasons}
    file = sample_file(score=score).within(frozenset({"INV", "SCORE"}))
    assert file.score is not None
    assert file.score["points"] == 640.0
    assert [part["variable"] for part in file.score["contributions"]] == ["INV01"]
    assert [part["indicator"] for part in file.score["reasons"]] == ["INV01"]
    assert sample_file(score=score).within(frozenset({"INV"})).score is None
