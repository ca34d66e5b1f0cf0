from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.strategy.small import terms
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.training import train
from xinqiao.strategy import scored
from xinqiao.strategy.scored import read_run

AS_OF = date(2020, 2, 29)
SIGNS = {"INV01": -1, "INV06": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves: 80 companies with outcomes, 12 without."""
    folder = tmp_path_factory.mktemp("run")
    draw = np.random.default_rng(3)
    sales, void = draw.lognormal(13, 1, 92), draw.random(92)
    bad = draw.random(92) < 1 / (1 + np.exp(np.log(sales) - 12.5 - 2 * void))
    keys = [f"E{i:03d}" for i in range(92)]
    frame = pd.DataFrame({"INV01": sales, "INV06": void})
    model = train(
        frame[:80],
        bad[:80].astype(float),
        signs={"INV01": 1, "INV06": -1},
        as_of=AS_OF.isoformat(),
        folds=2,
        repeats=1,
    )
    values = pa.table({"company_id": keys, "INV01": sales, "INV06": void})
    Snapshot(values, MISSING_SCHEMA.empty_table(), AS_OF).write(folder / "indicators" / AS_OF.isoformat())
    for name in ("model", "decisions"):
        (folder / name).mkdir()
    (folder / "model" / "model.json").write_bytes(model.to_json())
    pq.write_table(
        pa.table({"company_id": keys[:80], "bad": bad[:80].astype("int8")}),
        folder / "model" / "sample.parquet",
    )
    scores = model.score_frame(frame)
    results = pa.table(
        {"company_id": keys, "name": ["某餐饮有限公司 "] * 92, "as_of": [AS_OF] * 92, "pd": scores["pd"]}
    )
    pq.write_table(results, folder / "decisions" / "results.parquet")
    return folder


def test_only_companies_without_an_outcome_apply_with_intervals(run: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = read_run(run, terms(), lambda *step: told.append(step))
    assert [a.id for a in found.applicants] == [f"E{i:03d}" for i in range(80, 92)]
    assert not found.everyone
    assert found.agreement is None
    assert found.as_of == "2020-02-29"
    assert told[-1] == ("folds", 25, 25)
    for each in found.applicants:
        assert each.pd_low is not None
        assert each.pd_high is not None
        assert 0 < each.pd_low < each.pd < each.pd_high < 1
        assert (each.name, each.industry) == ("某餐饮有限公司", "catering")
        assert each.sales_cny is not None


def test_bank_ratings_say_where_the_classes_lie(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rated = {f"E{i:03d}": "ABCD"[i % 4] for i in range(80)}
    monkeypatch.setattr(scored, "_bank_ratings", lambda _: rated)
    found = read_run(run, terms(), lambda *_: None)
    assert found.agreement is not None
    assert found.agreement.companies == 80
    assert np.abs(found.agreement.matrix.sum(axis=0) - 20).max() <= 1  # equal PDs can't be told apart


def test_without_new_companies_all_are_planned_and_said_so(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scored, "_bank_ratings", lambda _: {f"E{i:03d}": "A" for i in range(92)})
    found = read_run(run, terms(), lambda *_: None)
    assert found.everyone
    assert len(found.applicants) == 92


def test_a_model_trained_elsewhere_gives_no_intervals(run: Path, tmp_path: Path) -> None:
    for name in ("decisions/results.parquet", "model/model.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / "indicators").symlink_to(run / "indicators")
    found = read_run(tmp_path, terms(), lambda *_: None)
    assert len(found.applicants) == 92
    assert {a.pd_low for a in found.applicants} == {None}


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="STR-RUN"):
        read_run(tmp_path, terms(), lambda *_: None)
