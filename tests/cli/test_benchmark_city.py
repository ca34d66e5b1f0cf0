"""The verb on samples of known truth; the way from a run's folder to samples is learn's, tested there."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from tests.cli.command import call
from tests.scoring.industries import COLUMNS, firms
from xinqiao.cli import benchmark_city
from xinqiao.run.learn import Learner, Sample

NAMES = dict(zip(COLUMNS, ("REG15", "TAX01", "INV05", "BNK02", "ELE02", "SOC04"), strict=True))
DAYS = (date(2023, 12, 31), date(2024, 12, 31), date(2025, 12, 31))


def sample(day: date, *, leak: bool = False) -> Sample:
    frame, bad, _ = firms(1500, seed=day.year)
    frame = frame.rename(columns=NAMES).assign(NET01=np.nan)
    if leak:
        frame["BNK02"] = -bad + np.random.default_rng(0).normal(0, 0.1, len(bad))
    return Sample(day, [f"C{i}" for i in range(len(bad))], frame, bad)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for day in DAYS:
        (tmp_path / "run" / "indicators" / day.isoformat()).mkdir(parents=True)
    _, _, truth = firms(1500, seed=DAYS[1].year)
    told = {"company_id": [f"C{i}" for i in range(1500)], "true_pd_12m": expit(truth)}
    folder = tmp_path / "truth"
    folder.mkdir()
    pl.DataFrame(told).with_columns(as_of=pl.lit(DAYS[1])).write_parquet(folder / "truth.parquet")
    return tmp_path / "run"


def figures(
    monkeypatch: pytest.MonkeyPatch, run: Path, *words: str, leak: bool = False
) -> tuple[str, dict[str, Any]]:
    monkeypatch.setattr(Learner, "sample", lambda _self, day: sample(day, leak=leak))
    monkeypatch.setattr(benchmark_city, "Scorecard", _quick)
    out = run.parent / "figures.json"
    told = call("benchmark", "city", "--run", run, "--json", out, *words)
    assert told.code == 0, told.err
    return told.out, json.loads(out.read_text("utf-8"))


def _quick(**told: Any) -> Any:  # noqa: ANN401 - the estimator with one penalty
    from xinqiao.scoring.scorecard import Scorecard  # noqa: PLC0415 - the name is patched above

    return Scorecard(**told, penalties=(16.0,))


def test_sources_are_added_one_by_one_beside_the_truth(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    shown, told = figures(monkeypatch, run, "--sizes", "400,all", "--repeats", "2")
    steps = told["sources"]
    assert [s["name"]["en"] for s in steps] == [name.en for name, _ in benchmark_city.STEPS]
    assert [s["added"] for s in steps] == [2, 3, 1, 1, 1, 0, 0]
    aucs = [s["out_of_fold"]["auc"] for s in steps]
    assert aucs[0] < aucs[1] < aucs[4] < told["oracle_auc"] < 0.9
    assert steps[1]["out_of_time"]["gain_low"] > 0
    assert steps[-1]["out_of_fold"]["gain"] is None
    assert told["leak"] is False
    assert "泄漏" not in shown
    assert told["generated"] is True


def test_ways_to_pool_industries_stand_by_size(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    shown, told = figures(monkeypatch, run, "--sizes", "400,all", "--repeats", "2")
    rows = told["industries"]
    assert [(r["rows"], r["way"]) for r in rows] == [
        (n, way) for n in (400, 1050) for way in ("global", "separate", "overlay", "segmented")
    ]
    for row in rows:
        assert 0.5 < row["auc"]["mean"] < 0.9
    assert "separate cards" in shown
    assert "真实违约概率" in shown


def test_a_leak_is_told_with_the_indicator_that_leaks(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    shown, told = figures(monkeypatch, run, "--sizes", "300", "--repeats", "1", leak=True)
    assert told["leak"] is True
    assert [s["leak"] for s in told["sources"]] == [False, False, True, True, True, True, True]
    assert told["strongest"][0]["indicator"] == "BNK02"
    assert "泄漏" in shown
    assert "BNK02" in shown


def test_without_a_truth_the_bad_rate_stands_beside(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    (run.parent / "truth" / "truth.parquet").unlink()
    shown, told = figures(monkeypatch, run, "--sizes", "300", "--repeats", "1")
    assert told["oracle_auc"] is None
    assert "违约率 bad rate" in shown


def test_an_indicator_joins_when_all_its_sources_are_there() -> None:
    columns = benchmark_city._columns_by_step(sample(DAYS[1]))
    assert columns[0] == ["REG01", "REG15"]
    every = [name for step in columns for name in step]
    assert len(every) == len(set(every)) == 9


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--sizes", "0"), "BEN-SIZES"), (("--sizes", "many"), "BEN-SIZES"), (("--sizes", ""), "BEN-SIZES")],
)
def test_sizes_that_are_none_are_refused(run: Path, words: tuple[str, ...], code: str) -> None:
    told = call("benchmark", "city", "--run", run, *words)
    assert told.code == 2
    assert code in told.err


def test_a_folder_without_a_run_is_refused(tmp_path: Path, run: Path) -> None:
    told = call("benchmark", "city", "--run", tmp_path / "nothing")
    assert (told.code, "BEN-RUN" in told.err) == (2, True)
    (run / "indicators" / "2024-12-31").rmdir()
    told = call("benchmark", "city", "--run", run)
    assert (told.code, "indicators/2024-12-31" in told.err) == (2, True)
