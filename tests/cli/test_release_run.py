"""A run under a release: both arms decide, both are kept, replayed and shown side by side."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.conftest import Done
from tests.cli.small import AS_OF, FOLDS, REPEATS, Small, Told
from tests.report.html_check import check
from xinqiao.policy.release import load_release
from xinqiao.policy.replay import replay
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.store import DecisionStore
from xinqiao.run import learn
from xinqiao.run.job import Job, Source
from xinqiao.run.stages import exclusive
from xinqiao.source.mapping import load_mapping

RELEASE = """\
id: trial
name: {zh: 降价试行, en: cheaper loans}
mode: MODE
effective: {from: 2025-01-01}
unit: company_id
salt: test-release-1
champion: {policy: small_firm_credit}
challengers:
  - {id: cheaper, name: {zh: 降价, en: cheaper}, policy: cheaper.yaml, share: 0.5}
"""


def release_file(folder: Path, mode: str) -> Path:
    policy = files("xinqiao").joinpath("catalog", "policies", "small_firm_credit.yaml").read_text("utf-8")
    cheaper = policy.replace("expr: 0.0385", "expr: 0.0300").replace('version: "1.0"', 'version: "1.1"')
    assert cheaper != policy
    folder.mkdir(exist_ok=True)
    (folder / "cheaper.yaml").write_text(cheaper, "utf-8")
    path = folder / "release.yaml"
    path.write_text(RELEASE.replace("MODE", mode), "utf-8")
    return path


def run_release(region: Small, done: Done, folder: Path, mode: str) -> Path:
    """The finished run, decided again under the release; the stages before stand."""
    out = folder / "run"
    shutil.copytree(done.out, out)
    release = load_release(release_file(folder / "release", mode))
    with pytest.MonkeyPatch.context() as patch, exclusive(out):
        patch.setattr(learn, "FOLDS", FOLDS)
        patch.setattr(learn, "REPEATS", REPEATS)
        source = Source(region.data, load_mapping(region.mapping), str(region.mapping))
        Job(out, source, AS_OF, Told(), release=release).run()
    return out


@pytest.fixture(scope="module", params=["live", "shadow"])
def trial(
    request: pytest.FixtureRequest, region: Small, done: Done, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    mode: str = request.param
    return mode, run_release(region, done, tmp_path_factory.mktemp(mode), mode)


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "decisions" / "decisions.jsonl").read_bytes().splitlines()]


def test_the_drawn_companies_are_decided_by_the_challenger(trial: tuple[str, Path]) -> None:
    mode, out = trial
    for record in records(out):
        entry = record["release"]
        version = {"champion": "1.0", "cheaper": "1.1"}
        assert record["policy"]["version"] == version[entry["arm"]]
        assert [silent["policy"]["version"] for silent in entry["silent"]] == [
            version[silent["arm"]] for silent in entry["silent"]
        ]
    arms = {record["release"]["arm"] for record in records(out)}
    assert arms == ({"champion", "cheaper"} if mode == "live" else {"champion"})
    assert 0 < sum(bool(record["release"]["silent"]) for record in records(out)) < len(records(out))


def test_results_and_silent_decisions_are_what_the_records_say(trial: tuple[str, Path]) -> None:
    _, out = trial
    rows = pq.read_table(out / "decisions" / "results.parquet").to_pylist()
    silent = pq.read_table(out / "decisions" / "silent.parquet").to_pylist()
    kept = records(out)
    assert [row["arm"] for row in rows] == [record["release"]["arm"] for record in kept]
    told = [
        (r["company_id"], s["arm"], s["decision"]["outcome"]) for r in kept for s in r["release"]["silent"]
    ]
    assert [(row["company_id"], row["arm"], row["outcome"]) for row in silent] == told


def test_every_decision_of_the_trial_replays(trial: tuple[str, Path]) -> None:
    _, out = trial
    store = DecisionStore(out / "decisions")
    for decision_id in list(store.index)[:25]:
        assert replay(store, decision_id, read_scorer).identical


def test_the_summary_shows_both_arms(trial: tuple[str, Path]) -> None:
    mode, out = trial
    html = (out / "report" / "index.html").read_text("utf-8")
    assert check(html).faults == []
    part = html[html.index('id="trial"') :].split("</section>", 1)[0]
    assert "降价试行" in part
    assert ("未抽中的企业" if mode == "live" else "全部企业") in part
    assert part.count("<tr>") == 4  # head, champion, and the pair on the drawn companies
    rows = pq.read_table(out / "decisions" / "results.parquet").to_pylist()
    if mode == "live":
        drawn = sum(row["arm"] == "cheaper" for row in rows)
        assert part.count(f'data-l="户数">{drawn}<') == 2
        page = next(r for r in rows if r["arm"] == "cheaper")["company_id"]
        assert "灰度发布" in (out / "report" / "companies" / f"{page}.html").read_text("utf-8")


def test_without_a_release_nothing_is_added(done: Done) -> None:
    assert all("release" not in record for record in records(done.out))
    assert "arm" not in pq.read_schema(done.out / "decisions" / "results.parquet").names
    assert 'id="trial"' not in (done.out / "report" / "index.html").read_text("utf-8")


def test_a_release_not_in_force_is_refused_before_the_work(region: Small, tmp_path: Path) -> None:
    path = release_file(tmp_path / "release", "live")
    words = ("run", "--data", region.data, "--mapping", region.mapping, "--out", tmp_path / "out")
    told = call(*words, "--as-of", "2024-12-31", "--release", path)
    assert told.code == 2
    assert "POL-RELEASE-NOT-EFFECTIVE" in told.err
    assert not (tmp_path / "out" / "lake").exists()
