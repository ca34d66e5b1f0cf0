from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.industries import CODES, COLUMNS, KINDS, SIGNS, firms
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.scoring.columns import read_columns
from xinqiao.scoring.model import Model
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segment import FACTS, Segment, segments
from xinqiao.scoring.segmented import SegmentedCard
from xinqiao.scoring.training import train

SOURCES = dict.fromkeys(COLUMNS, "INV") | {"REG01": "REG", "INV01": "INV", "x5": "SOC"}
NAME = Text(zh="客群", en="segment")


def estimator(**settings: Any) -> SegmentedCard:  # noqa: ANN401 - settings of the estimator
    return SegmentedCard(Scorecard(signs=SIGNS, penalties=(16.0,)), sources=SOURCES, **settings)


@pytest.fixture(scope="module")
def model() -> Model:
    frame, bad, _ = firms(5000)
    return train(frame, bad, signs=SIGNS, estimator=estimator(), folds=3, repeats=1, as_of="2024-12-31")


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return pl.from_pandas(frame).to_dicts()


def test_each_segment_has_a_card_of_its_own_sources_and_is_calibrated(model: Model) -> None:
    assert [r.segment for r in model.routes] == [s.id for s in segments()]
    assert all(r.fallback is None for r in model.routes)
    own = {r.segment: set(r.card.names) for r in model.routes}
    assert "x5" in own["established_small"]
    assert "x5" not in own["self_employed"]  # the self-employed have no social insurance
    assert len({r.calibration for r in model.routes}) == len(model.routes)
    assert all(r.validation is not None and r.validation.auc > 0.6 for r in model.routes)
    assert {r.card.provenance.as_of for r in model.routes} == {"2024-12-31"}
    assert not set(FACTS) & {name for r in model.routes for name in (*r.card.names, *model.card.names)}


def test_single_and_batch_are_equal_and_name_segment_and_overlay(model: Model) -> None:
    frame, _, _ = firms(800, seed=7)
    one = [model.score_one(row) for row in rows_of(frame)]
    told = [(s.points, s.pd, s.grade, s.segment, s.overlay) for s in one]
    batch = model.score_frame(frame)
    assert batch.column_names == ["points", "pd", "grade", "segment", "overlay"]
    assert [tuple(row.values()) for row in batch.to_pylist()] == told
    assert len({(s.segment, s.overlay) for s in one}) > 6
    assert all(
        s.points == model.part_named(s.segment, s.overlay).card.score_one(r)
        for s, r in zip(one, rows_of(frame), strict=True)
    )


ROW = st.fixed_dictionaries(
    {name: st.one_of(st.none(), st.floats(-4, 4)) for name in COLUMNS}
    | {
        "REG01": st.one_of(st.none(), st.floats(0, 40), st.just(3.0)),
        "INV01": st.one_of(st.none(), st.floats(0, 1e9), st.just(1e7)),
        "company_kind": st.sampled_from([*KINDS, "unheard of"]),
        "industry": st.sampled_from([*CODES, "1310", "C", "Z9", ""]),
    }
)


@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_any_firms_are_scored_alike_alone_and_together(model: Model, rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    batch = model.score_frame(read_columns(columns)).to_pylist()
    one = [model.score_one(row) for row in rows]
    assert batch == [
        {"points": s.points, "pd": s.pd, "grade": s.grade, "segment": s.segment, "overlay": s.overlay}
        for s in one
    ]


def test_reasons_and_contributions_are_those_of_the_card_that_scored(model: Model) -> None:
    frame, _, _ = firms(60, seed=8)
    for row in rows_of(frame):
        found = model.score_one(row)
        card = model.part(row).card
        assert sum(c.points for c in found.contributions) + card.base_points == found.points
        assert {r.indicator for r in model.reasons(row, {})} <= set(card.names)


def test_the_file_keeps_routes_and_a_file_of_version_1_still_loads(model: Model) -> None:
    again = Model.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    frame, _, _ = firms(200, seed=9)
    assert again.score_frame(frame).equals(model.score_frame(frame))
    single = Model(card=model.card, scale=model.scale)
    told = json.loads(single.to_json())
    assert (told["version"], "routes" in told) == (1, False)  # what was written before there were routes
    assert Model.from_json(single.to_json()).to_json() == single.to_json()


@pytest.mark.parametrize("change", [{"version": 1}, {"version": 3}, {"routes": []}])
def test_version_and_routes_must_agree(model: Model, change: dict[str, Any]) -> None:
    told = {**json.loads(model.to_json()), **change}
    with pytest.raises(UserError, match="SCR-CARD-FORMAT"):
        Model.from_json(json.dumps(told))


def test_routes_that_leave_somebody_out_or_stand_twice_are_refused(model: Model) -> None:
    told = json.loads(model.to_json())
    routes = told["routes"]
    for wrong in (routes[:-1], [*routes[:-1], routes[0], routes[-1]]):
        with pytest.raises(UserError, match="SCR-CARD-FORMAT"):
            Model.from_json(json.dumps({**told, "routes": wrong}))
    routes[1]["overlays"][0]["points"] = {"x1": [1.0]}
    with pytest.raises(UserError, match=r"SCR-CARD-FORMAT.*does not fit"):
        Model.from_json(json.dumps(told))


def test_facts_may_not_be_forgotten(model: Model) -> None:
    frame, _, _ = firms(10)
    with pytest.raises(UserError, match=r"SCR-COLUMN-ABSENT.*industry"):
        model.score_frame(frame.drop(columns="industry"))
    row = rows_of(frame)[0]
    del row["company_kind"]
    with pytest.raises(UserError, match=r"SCR-COLUMN-ABSENT.*company_kind"):
        model.score_one(row)


def kinds(least: int) -> tuple[Segment, ...]:
    old = Segment(
        id="old", order=1, name=NAME, about=NAME, when="REG01 >= 6", sources=("INV",), least_bads=least
    )
    young = Segment(
        id="young", order=2, name=NAME, about=NAME, sources=("INV",), least_bads=10**6, fallback="old"
    )
    return old, young


def test_too_few_outcomes_are_served_by_the_fallback_then_by_the_general_card() -> None:
    frame, bad, _ = firms(1500)
    old, young = estimator(kinds=kinds(30)).fit(frame, bad).model_.routes
    assert (old.fallback, young.fallback) == (None, "old")
    assert young.card == old.card
    thin = estimator(kinds=kinds(10**6)).fit(frame, bad)
    assert [r.fallback for r in thin.model_.routes] == ["general", "general"]
    assert all(r.card == thin.card_ for r in thin.model_.routes)
    plain = Scorecard(signs=SIGNS, penalties=(16.0,)).fit(frame[[c for c in frame if c not in FACTS]], bad)
    assert np.array_equal(
        thin.decision_function(frame), plain.decision_function(frame[[c for c in frame if c not in FACTS]])
    )


def test_a_condition_on_a_value_nobody_has_leaves_everyone_to_the_last_segment() -> None:
    frame, bad, _ = firms(1200)
    frame["REG01"], frame["INV01"], frame["company_kind"] = np.nan, np.nan, None
    found = train(frame, bad, signs=SIGNS, estimator=estimator(), folds=2, repeats=1)
    assert set(found.score_frame(frame)["segment"].to_pylist()) == {"start_up_micro"}
    assert found.routes[0].validation is None
