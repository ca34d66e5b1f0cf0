"""``xinqiao policy diff`` on generated cases, on a table, on a CSV file and on a run."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.conftest import Done
from tests.cli.small import COMPANIES
from tests.report.html_check import check
from xinqiao.city.cases import generate_cases
from xinqiao.policy.load import load_policy

OLD = "small_firm_credit"
FILES = ["changes.csv", "changes.parquet", "diff.html", "summary.json"]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = files("xinqiao").joinpath("catalog", "policies", f"{OLD}.yaml").read_text("utf-8")
    path = tmp_path_factory.mktemp("policy") / "新版.yaml"
    path.write_text(
        text.replace("作废率 > 0.4", "作废率 > 0.3").replace("expr: 0.0385", "expr: 0.0365"), "utf-8"
    )
    return path


def diff(new: Path, on: object, out: Path, *more: str) -> dict[str, Any]:
    told = call("policy", "diff", OLD, new, "--on", on, "--out", out, *more)
    assert told.code == 0, told.err
    assert str(out / "diff.html") in told.out
    assert sorted(path.name for path in out.iterdir()) == FILES
    html = (out / "diff.html").read_text("utf-8")
    assert check(html).faults == []
    summary: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    changes = pq.read_table(out / "changes.parquet")
    with (out / "changes.csv").open(encoding="utf-8-sig", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == changes.num_rows == summary["changed"]
    assert sum(map(sum, summary["transitions"])) == summary["companies"]
    return summary


def test_generated_companies_are_called_so_and_come_out_the_same(new: Path, tmp_path: Path) -> None:
    one = diff(new, "generated:2000", tmp_path / "1")
    diff(new, "generated:2000", tmp_path / "2")
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert "生成数据" in (tmp_path / "1" / "diff.html").read_text("utf-8")
    assert (one["companies"], one["generated"]) == (2000, True)
    assert {tuple(edit["part"]) for edit in one["edits"]} == {("rules", "A04"), ("derive", "基准利率")}
    assert (
        one["moved"] == next(e for e in one["edits"] if e["part"] == ["rules", "A04"])["alone"]["moved"] > 0
    )


def test_a_table_and_its_csv_say_the_same(new: Path, tmp_path: Path) -> None:
    table = generate_cases(load_policy(OLD), 500, 3)
    pq.write_table(table, tmp_path / "cases.parquet")
    pa_csv.write_csv(table, tmp_path / "cases.csv")
    found = [diff(new, tmp_path / f"cases.{kind}", tmp_path / kind) for kind in ("parquet", "csv")]
    assert [f.pop("generated") for f in found] == [True, False]  # a CSV file cannot say so
    assert found[0] == found[1]
    assert "生成数据" in (tmp_path / "parquet" / "diff.html").read_text("utf-8")


def test_a_run_leads_to_its_companies(new: Path, done: Done, tmp_path: Path) -> None:
    summary = diff(new, done.out, tmp_path / "out", "--lgd", "0.45")
    assert (summary["companies"], summary["lgd"]) == (COMPANIES, 0.45)
    assert {group["name"] for group in summary["groups"]["grade"]} <= {*"D", *(f"R{i}" for i in range(1, 11))}
    assert "生成数据" in (tmp_path / "out" / "diff.html").read_text("utf-8")
    company = pq.read_table(tmp_path / "out" / "changes.parquet")["company_id"][0].as_py()
    html = (tmp_path / "out" / "diff.html").read_text("utf-8")
    link = html.split(f'/{company}.html"', 1)[0].rsplit('href="', 1)[1]
    assert (tmp_path / "out" / link / f"{company}.html").exists()


def test_the_old_side_is_what_the_run_decided(new: Path, done: Done, tmp_path: Path) -> None:
    summary = diff(new, done.out, tmp_path / "out")
    made = pq.read_table(done.out / "decisions" / "results.parquet")["outcome"].to_pylist()
    assert [sum(row) for row in summary["transitions"]] == [made.count(o) for o in summary["outcomes"]]


def test_what_only_the_new_policy_reads_is_generated_too(new: Path, tmp_path: Path) -> None:
    text = new.read_text("utf-8").replace("source: indicator.INV02", "source: indicator.REG11")
    other = tmp_path / "other.yaml"
    other.write_text(text, "utf-8")
    summary = diff(other, "generated:300", tmp_path / "out")
    assert {"indicator.INV02", "indicator.REG11"} <= {g["name"] for g in summary["groups"]["missing"]}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--on", "generated:many"), "POL-CASES"),
        (("--on", "generated:0"), "CITY-CASES"),
        (("--on", "nothing.parquet"), "POL-CASES"),
        (("--on", "generated:10", "--lgd", "1.5"), "POL-LGD"),
    ],
)
def test_errors_are_told(new: Path, tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    told = call("policy", "diff", OLD, new, "--out", tmp_path / "out", *words)
    assert told.code == 2
    assert code in told.err
