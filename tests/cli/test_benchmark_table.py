from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.report.html_check import check
from tests.scoring.conftest import companies
from xinqiao.cli.main import build
from xinqiao.kernel.errors import UserError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame, y = companies(300)
    path = tmp_path / "loans.csv"
    frame.assign(outcome=y.astype(int)).to_csv(path, index=False, sep=";")
    return path


def test_one_table_and_one_page(table: Path, tmp_path: Path) -> None:
    words = ["benchmark", "table", "--csv", str(table), "--target", "outcome", "--folds", "2"]
    words += ["--only", "woe,dummy,lightgbm", "--out", str(tmp_path / "out")]
    app = build("benchmark table")
    first = CliRunner().invoke(app, words, catch_exceptions=False)
    assert first.exit_code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "table.csv").read_text("utf-8").splitlines()))
    assert [r["method"] for r in rows] == ["woe", "dummy", "lightgbm"]
    assert all(r["state"] == "done" and 0.6 < float(r["auc_mean"]) < 1 for r in rows)
    html = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert check(html).faults == []
    assert "loans.csv" in html
    again = CliRunner().invoke(app, words, catch_exceptions=False)  # from the cache: the same bytes
    assert again.exit_code == 0
    assert (tmp_path / "out" / "index.html").read_text("utf-8") == html


def test_a_wrong_target_is_named(table: Path, tmp_path: Path) -> None:
    words = ["benchmark", "table", "--csv", str(table), "--target", "void", "--out", str(tmp_path)]
    with pytest.raises(UserError, match="FLT-TARGET"):
        CliRunner().invoke(build("benchmark table"), words, catch_exceptions=False)
