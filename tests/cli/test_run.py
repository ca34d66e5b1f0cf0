"""The main job on a small generated region: what it leaves, and what a second run does again."""

from __future__ import annotations

import csv
import gzip
import html
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Done
from tests.cli.small import AS_OF, COMPANIES, DATED, UNDATED, Small, job, run_small, stamps, tree
from xinqiao.policy.store import DecisionStore
from xinqiao.run.companies import companies
from xinqiao.run.learn import contract_fields, outcome_fields
from xinqiao.scoring.model import Model
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping

COMMAND = Path(sys.executable).with_name("xinqiao")
STAGES = ("model", "decisions", "report")


def records(out: Path) -> list[dict[str, Any]]:
    lines = (out / "decisions" / "decisions.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def results(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out / "decisions" / "results.parquet").to_pylist()
    return rows


# -- what a run leaves


def test_every_row_is_kept_or_quarantined(region: Small, done: Done) -> None:
    read = {file.manifest.file: file.manifest.read for file in done.report.files}
    assert read == region.rows
    for ingested in done.report.files:
        m = ingested.manifest
        assert m.read == m.kept + m.quarantined
        assert m.kept == sum(pq.read_metadata(done.out / "lake" / part.path).num_rows for part in m.data)
        if m.quarantine:
            with (done.out / "lake" / m.quarantine).open(encoding="utf-8-sig", newline="") as file:
                lines = {row["line"] for row in csv.DictReader(file)}
            assert len(lines) == m.quarantined
    assert done.report.quarantined > 0  # the region is delivered with faults


def test_every_company_has_score_grade_decision_and_page(done: Done) -> None:
    rows = results(done.out)
    assert len(rows) == COMPANIES
    assert [row["company_id"] for row in rows] == sorted(row["company_id"] for row in rows)
    grades = {g.id for g in model_of(done.out).scale.grades}
    for row in rows:
        assert row["grade"] in grades | {"D"}
        assert 0 < row["pd"] < 1
        assert (row["outcome"] == "approve") == (row["limit_cny"] is not None) == (row["rate"] is not None)
        assert row["outcome"] == "approve" or row["reason_codes"]  # a refusal says why
    pages = {path.stem for path in (done.out / "report" / "companies").glob("*.html")}
    assert pages == {row["company_id"] for row in rows}
    assert {row["outcome"] for row in rows} == {"approve", "refer", "reject"}


def test_a_worse_grade_never_means_a_lower_pd(done: Done) -> None:
    scale = [g.id for g in model_of(done.out).scale.grades]
    living = [row for row in results(done.out) if row["grade"] != "D"]  # D is a fact, not a score
    rows = sorted(living, key=lambda row: row["points"])
    for worse, better in itertools.pairwise(rows):
        assert worse["pd"] >= better["pd"]
        assert scale.index(worse["grade"]) >= scale.index(better["grade"])


def model_of(out: Path) -> Model:
    return Model.from_json((out / "model" / "model.json").read_bytes())


def test_csv_parquet_and_records_say_the_same(done: Done) -> None:
    rows = results(done.out)
    with (done.out / "decisions" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    assert [set(row) for row in told] == [set(row) for row in rows]
    for text, row, record in zip(told, rows, records(done.out), strict=True):
        for name, value in row.items():
            match value:
                case None:
                    assert text[name] == ""
                case float() | int():
                    assert float(text[name]) == value
                case Decimal():
                    assert Decimal(text[name]) == value
                case _:
                    assert text[name] == str(value)
        decision = record["decision"]
        assert record["company_id"] == row["company_id"]
        assert record["decision_id"] == row["decision_id"]
        assert (record["score"]["points"], record["score"]["grade"]) == (row["points"], row["grade"])
        assert decision["outcome"] == row["outcome"]
        for name in ("limit_cny", "rate"):
            assert (None if decision[name] is None else Decimal(decision[name])) == row[name]
        assert " ".join(reason["code"] for reason in decision["reasons"]) == row["reason_codes"]
    assert set(DecisionStore(done.out / "decisions").index) == {row["decision_id"] for row in rows}


def test_a_known_default_is_grade_d_and_no_loan(done: Done) -> None:
    known = {c.id for c in companies(Lake(done.out / "lake"), AS_OF) if c.in_default}
    rows = results(done.out)
    assert known == {row["company_id"] for row in rows if row["grade"] == "D"}
    assert {row["outcome"] for row in rows if row["grade"] == "D"} == {"reject"}


def test_no_outcome_is_an_input_of_the_score(done: Done) -> None:
    fields = contract_fields()
    names = model_of(done.out).card.names
    assert names
    for name in names:
        assert not fields[name] & outcome_fields()


def dead_links(report: Path) -> list[str]:
    """Links of any page that lead to no file of the run."""
    dead: list[str] = []
    exists = cache(Path.exists)
    for page in sorted(report.rglob("*.html")):
        found = re.findall(r'(?:href|src)="([^"]*)"', page.read_text("utf-8"))
        assert found, page
        paths = {unquote(urldefrag(html.unescape(target)).url) for target in found} - {""}
        dead += [f"{page.name}: {p}" for p in sorted(paths) if not exists(page.parent / p)]
    return dead


def test_links_of_all_pages_resolve_on_disk(done: Done) -> None:
    assert dead_links(done.out / "report") == []


def test_pages_are_called_generated(done: Done) -> None:
    for page in (done.out / "report").rglob("*.html"):
        assert "生成" in page.read_text("utf-8"), page


# -- what a second run does again


def test_a_second_run_writes_nothing(region: Small, done: Done, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(done.out, out)
    before, bytes_before = stamps(out), tree(out)
    report = run_small(region.data, region.mapping, out)
    assert all(file.already for file in report.files)
    assert stamps(out) == before
    assert tree(out) == bytes_before == tree(done.out)


def test_another_as_of_decides_anew_on_the_same_lake(region: Small, done: Done, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(done.out, out)
    lake = stamps(out / "lake")
    june = date(2025, 6, 30)
    run_small(region.data, region.mapping, out, june)
    assert stamps(out / "lake") == lake
    assert {row["as_of"] for row in results(out)} == {june}
    assert {record["as_of"] for record in records(out)} == {june.isoformat()}
    assert june.isoformat() in (out / "report" / "index.html").read_text("utf-8")
    snapshot = stamps(out / "indicators")
    run_small(region.data, region.mapping, out, AS_OF)
    assert stamps(out / "indicators") == snapshot  # both dates stand already
    shutil.rmtree(out / "indicators" / june.isoformat())
    assert tree(out) == tree(done.out)


@pytest.mark.slow
def test_changed_data_are_mirrored_and_changed_back(region: Small, done: Done, tmp_path: Path) -> None:
    out, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(done.out, out)
    shutil.copytree(region.data, data)
    lines = gzip.decompress((region.data / "sales.csv.gz").read_bytes()).splitlines(keepends=True)
    (data / "sales.csv.gz").write_bytes(gzip.compress(b"".join(lines[:-100]), mtime=0))
    report = run_small(data, region.mapping, out)
    assert [f.manifest.file for f in report.files if not f.already] == ["sales.csv.gz"]
    fresh = Lake(tmp_path / "fresh")
    ingest_folder(data, load_mapping(region.mapping), fresh)
    assert tree(out / "lake") == tree(fresh.root)
    assert {r["decision_id"] for r in records(out)} != {r["decision_id"] for r in records(done.out)}
    run_small(region.data, region.mapping, out)
    assert tree(out) == tree(done.out)


@pytest.mark.slow
def test_a_mapping_without_the_banks_rating_gives_the_same_model(
    region: Small, done: Done, tmp_path: Path
) -> None:
    """The rating by the bank's own staff knows the outcome: it must not reach the score."""
    out, mapping = tmp_path / "run", tmp_path / "小区域.yaml"
    shutil.copytree(done.out, out)
    text = region.mapping.read_text("utf-8")
    mapping.write_text(text.replace("      bank_rating: 人工评级\n", ""), "utf-8")
    report = run_small(region.data, mapping, out)
    assert [f.manifest.file for f in report.files if not f.already] == ["credit.xlsx"]
    assert model_of(out) == model_of(done.out)
    same = ("company_id", "points", "grade", "pd", "outcome", "limit_cny", "rate", "reason_codes")
    assert [[row[n] for n in same] for row in results(out)] == [
        [row[n] for n in same] for row in results(done.out)
    ]


@pytest.mark.slow
def test_a_given_model_scores_without_learning(region: Small, done: Done, tmp_path: Path) -> None:
    out, model = tmp_path / "run", done.out / "model" / "model.json"
    shutil.copytree(done.out / "lake", out / "lake")
    shutil.copytree(done.out / "indicators", out / "indicators")
    before = stamps(out / "indicators")
    run_small(region.data, region.mapping, out, model=model)
    assert stamps(out / "indicators") == before
    assert (out / "model" / "model.json").read_bytes() == model.read_bytes()
    assert not (out / "model" / "challenger.json").exists()
    assert tree(out)["decisions/results.csv"] == tree(done.out)["decisions/results.csv"]
    assert dead_links(out / "report") == []


def test_a_stage_whose_file_was_lost_is_made_again(region: Small, done: Done, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(done.out, out)
    before = {name: (out / name).stat().st_ino for name in STAGES}
    (out / "report" / "model_card.html").unlink()
    run_small(region.data, region.mapping, out)
    assert {name for name in STAGES if (out / name).stat().st_ino != before[name]} == {"report"}
    assert tree(out) == tree(done.out)


# -- outcomes with their dates, as the demo has them


@pytest.mark.slow
def test_dated_outcomes_are_learned_out_of_time(region: Small, tmp_path: Path) -> None:
    mapping = tmp_path / "city.yaml"
    mapping.write_text(region.mapping.read_text("utf-8").replace(UNDATED, DATED), "utf-8")
    out = tmp_path / "run"
    run_small(region.data, mapping, out)
    assert sorted(path.name for path in (out / "indicators").iterdir()) == [
        "2023-12-31",
        "2024-12-31",
        "2025-12-31",
    ]
    sample = pq.read_table(out / "model" / "sample.parquet")["bad"].to_pylist()
    assert sum(sample) < len(sample) / 2
    assert job(region.data, mapping, out).settings.performance_months == 12


# -- the command itself


@pytest.mark.slow
def test_the_command_from_files_to_replay(region: Small, tmp_path: Path) -> None:
    """One whole `xinqiao run` in its own process, then `xinqiao replay` from elsewhere."""
    out, elsewhere = tmp_path / "运行 1", tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = {"XDG_STATE_HOME": str(tmp_path / "state"), "PATH": os.environ["PATH"], "COLUMNS": "160"}
    told |= {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    options = ["--data", region.data, "--mapping", region.mapping, "--as-of", AS_OF, "--out", out]
    run = subprocess.run(
        [COMMAND, "run", *map(str, options)],
        env=told,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for words in (
        "生成数据",
        "generated data",
        "读入 rows read",
        "销项发票",
        "合计 total",
        f"共 {COMPANIES} 户",
    ):
        assert words in run.stdout
    for name, count in region.rows.items():
        assert re.search(rf" {count:,} ", run.stdout), name
    assert str(out / "report" / "index.html") in run.stdout
    assert "Traceback" not in run.stderr
    one = records(out)[7]["decision_id"]
    for shown in (one, one[:8]):
        replay = subprocess.run(
            [COMMAND, "replay", shown],
            env=told,
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
        assert replay.returncode == 0, replay.stderr
        assert "逐字节一致 identical" in replay.stdout
        assert one in replay.stdout
