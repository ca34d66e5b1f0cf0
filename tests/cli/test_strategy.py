"""``xinqiao strategy`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.conftest import Done
from tests.cli.small import tree
from xinqiao.strategy import scored

CHURN = "rate,A,B,C\n0.04,0,0,0\n0.06,0.3,0.28,0.26\n0.1,0.7,0.65,0.6\n0.15,0.92,0.88,0.89\n"
COMPANIES = "company_id,name,pd,rating\n" + "".join(f"E{i},第{i}商贸有限公司,0.0{i},A\n" for i in range(1, 9))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    churn, companies = tmp_path / "churn.csv", tmp_path / "企业.csv"
    churn.write_text(CHURN, "utf-8")
    companies.write_text(COMPANIES, "utf-8")
    return churn, companies


def test_the_demo_says_that_it_is_generated_and_repeats(tmp_path: Path) -> None:
    for name in ("a", "b"):
        told = call("strategy", "--out", tmp_path / name)
        assert told.code == 0, told.err
        assert "含生成数据" in told.out
        assert "利润上界" in told.out
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert {p.name for p in (tmp_path / "a").iterdir()} == {
        "plan.csv",
        "plan.parquet",
        "summary.json",
        "strategy.html",
    }
    assert "生成数据" in (tmp_path / "a" / "strategy.html").read_text("utf-8")


def test_options_override_the_terms(tmp_path: Path, files: tuple[Path, Path]) -> None:
    churn, companies = files
    out = tmp_path / "out"
    told = call(
        "strategy", "--companies", companies, "--churn", churn, "--budget", "3,000,000", "--lgd", "0.6",
        "--funds-rate", "0.03", "--budget-on", "expected", "--shock", "none", "--out", out,
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "含生成数据" not in told.out
    summary = json.loads((out / "summary.json").read_bytes())
    assert summary["terms"]["budget_cny"] == "3000000"
    assert (summary["terms"]["lgd"], summary["terms"]["funds_rate"]) == ("0.6", "0.03")
    assert summary["plan"]["used_cny"] <= 3_000_000
    assert summary["shock"] is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--lgd", "much"], "STR-TERMS"),
        (["--lgd", "nan"], "STR-TERMS"),
        (["--budget", "-5"], "STR-TERMS"),
        (["--budget-on", "hope"], "STR-TERMS"),
        (["--plan", "nowhere.yaml"], "STR-NOT-FOUND"),
        (["--shock", "nowhere.yaml"], "STR-NOT-FOUND"),
        (["--mandate", "nowhere.yaml"], "POL-MANDATE-NOT-FOUND"),
        (["--churn", "nowhere.xlsx"], "STR-FILE"),
        (["--companies", "nowhere.csv"], "STR-FILE"),
        (["--companies", "a.csv", "--run", "b"], "STR-OPTION"),
        (["--run", "nowhere"], "STR-RUN"),
    ],
)
def test_what_a_user_can_mend_is_told_and_nothing_is_written(
    tmp_path: Path, words: list[str], code: str
) -> None:
    told = call("strategy", *words, "--out", tmp_path / "out")
    assert told.code == 2
    assert code in told.err
    assert not (tmp_path / "out").exists()


def test_a_finished_run_is_planned(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored, "REPEATS", 1)
    told = call("strategy", "--run", done.out, "--out", tmp_path / "out")
    assert told.code == 0, told.err
    table = pq.read_table(tmp_path / "out" / "plan.parquet")
    results = pq.read_table(done.out / "decisions" / "results.parquet")
    assert set(table["company_id"].to_pylist()) <= set(results["company_id"].to_pylist())
    assert table["pd_high"].null_count == 0
