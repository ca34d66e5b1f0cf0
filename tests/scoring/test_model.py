from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tests.scoring.conftest import SIGNS, Sample, companies
from tests.scoring.test_reasons import Described
from xinqiao.indicator.unit import UNITS
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Value
from xinqiao.scoring.model import Model, peer_medians
from xinqiao.scoring.training import train


@pytest.fixture(scope="module", params=[0, 2])
def trained(request: pytest.FixtureRequest, sample: Sample) -> Model:
    from xinqiao.scoring.scorecard import Scorecard  # noqa: PLC0415 - keeps the fixture in one place

    frame, y = sample
    estimator = Scorecard(signs=SIGNS, digits=request.param, penalties=(4.0,))
    return train(frame, y, signs=SIGNS, estimator=estimator, repeats=1, groups=list(frame["trade"]))


def test_one_company_and_a_batch_are_scored_exactly_alike(trained: Model) -> None:
    frame, _ = companies(300, seed=5)
    rows = pl.from_pandas(frame).to_dicts()
    batch = trained.score_frame(frame).to_pylist()
    one = [trained.score_one(row) for row in rows]
    assert batch == [{"points": s.points, "pd": s.pd, "grade": s.grade} for s in one]
    assert trained.score_frame(pl.from_pandas(frame)).to_pylist() == batch


def test_pd_falls_as_points_rise_within_floor_and_cap(trained: Model) -> None:
    pds = [trained.pd_of(p) for p in range(-500, 1500, 20)]
    assert all(a >= b for a, b in pairwise(pds))
    assert pds[0] == trained.scale.pd_cap
    assert pds[-1] == trained.scale.pd_floor


def test_pds_are_right_on_new_companies(trained: Model) -> None:
    frame, bad = companies(4000, seed=6)
    pd = trained.score_frame(frame)["pd"].to_numpy()
    assert pd.mean() == pytest.approx(bad.mean(), abs=0.03)
    safest = np.argsort(pd)[:1000]
    assert pd[safest].mean() == pytest.approx(bad[safest].mean(), abs=0.04)


def test_json_keeps_everything_and_names_the_model(trained: Model) -> None:
    again = Model.from_json(trained.to_json())
    assert again == trained
    assert again.to_json() == trained.to_json()
    assert again.model_id == trained.model_id
    other = trained.model_copy(update={"peers": trained.peers.model_copy(update={"overall": {}})})
    assert other.model_id != trained.model_id


def test_a_damaged_model_is_refused_with_the_place(trained: Model) -> None:
    text = trained.to_json().decode().replace('"edges":[', '"edges":["x",', 1)
    with pytest.raises(UserError, match=r"SCR-CARD-FORMAT.*edges"):
        Model.from_json(text)


def test_reasons_compare_with_the_peer_group(trained: Model) -> None:
    row: dict[str, Value] = {"sales": -2.0, "void": 4.0, "noise": 0.0, "trade": "steel"}
    described = {"void": Described(Text(zh="作废", en="void"), UNITS["ratio"])}
    found = trained.reasons(row, described, group="steel")
    assert {r.indicator for r in found} >= {"sales", "void"}
    assert "trade" not in {r.indicator for r in found}
    assert "trade" in {r.indicator for r in trained.reasons(row, described, group="food")}


def test_peer_medians_need_a_large_enough_group() -> None:
    frame = pl.DataFrame(
        {"a": [1.0, 2.0, None, 9.0], "b": ["x", "y", "y", None], "c": [None, None, None, None]}
    )
    found = peer_medians(frame, ["one", "one", "one", None], least=3)
    assert found.overall == {"a": 2.0, "b": "y", "c": None}
    assert found.groups == {"one": {"a": 1.5, "b": "y", "c": None}}
    assert found.of("two") == found.of() == found.overall
    assert peer_medians(frame, ["one", "one", "one", None], least=4).groups == {}
