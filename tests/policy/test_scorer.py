"""Records and replay with a real model of the scoring package."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.policy.conftest import SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.record import Subject, record_decision
from xinqiao.policy.replay import replay
from xinqiao.policy.scorer import basis_of, read_scorer
from xinqiao.policy.store import DecisionStore
from xinqiao.scoring.card import Bin, Card, Variable
from xinqiao.scoring.model import Model, Peers
from xinqiao.scoring.rating import MasterScale, master_scale


def _bin(kind: str, label: str, points: float) -> Bin:
    return Bin.model_validate({"kind": kind, "label": Text(zh=label, en=label), "points": points})


def small_scale() -> MasterScale:
    """The master scale under the small policy's four grades."""
    scale = master_scale().model_dump(mode="json")
    bounds = [0.01, 0.05, 1.0]
    scale["grades"] = [
        {**grade, "id": name, "pd_upper": bound}
        for grade, name, bound in zip(scale["grades"], "ABC", bounds, strict=False)
    ]
    return MasterScale.model_validate(scale)


def small_model() -> Model:
    """A card of two variables."""
    months = Variable(
        name="INV28",
        sign=1,
        edges=(12.0,),
        bins=(_bin("range", "< 12", -20), _bin("range", ">= 12", 30), _bin("missing", "missing", -5)),
    )
    variation = Variable(
        name="INV05",
        sign=-1,
        edges=(0.5,),
        bins=(_bin("range", "< 0.5", 40), _bin("range", ">= 0.5", -15), _bin("missing", "missing", 0)),
    )
    card = Card(base_points=560, variables=(months, variation))
    return Model(card=card, scale=small_scale(), peers=Peers(overall={"INV28": 20.0, "INV05": 0.6}))


POLICY = compile_policy(SMALL, "small.yaml")


def _subject(company: str, months: float | None) -> Subject:
    values = {"INV01": 2e6, "INV28": months, "INV05": 0.3}
    missing = {} if months is not None else {"INV28": "NO_RECORDS"}
    return Subject(company, date(2020, 12, 31), values, missing, {}, "none stated")


def test_the_score_part_has_points_pd_grade_contributions_and_reason_codes() -> None:
    score = json.loads(record_decision(basis_of(small_model(), POLICY), _subject("E1", 24.0)).to_bytes())[
        "score"
    ]
    assert score["points"] == 630
    assert score["grade"] == "A"
    assert 0 < score["pd"] == round(score["pd"], 9) < 0.01
    assert [c["variable"] for c in score["contributions"]] == ["INV28", "INV05"]
    assert [(r["indicator"], r["direction"], r["points"]) for r in score["reasons"]] == [
        ("INV05", "gained", 55)
    ]
    assert "sentence" not in score["reasons"][0]


def test_decisions_by_a_real_model_replay_byte_for_byte(tmp_path: Path) -> None:
    basis = basis_of(small_model(), POLICY)
    records = [record_decision(basis, _subject(f"E{i}", value)) for i, value in enumerate([None, 3.0, 40.0])]
    store = DecisionStore(tmp_path)
    assert store.write(basis, records) == 3
    assert [json.loads(r.to_bytes())["decision"]["outcome"] for r in records] == [
        "refer",
        "reject",
        "approve",
    ]
    for record in records:
        assert replay(store, record.decision_id, read_scorer) == (record.to_bytes(), True, ())


def test_a_snapshot_without_a_variable_of_the_card_is_refused() -> None:
    subject = Subject("E1", date(2020, 12, 31), {"INV28": 1.0}, {}, {}, "none stated")
    with pytest.raises(UserError, match="SCR-COLUMN-ABSENT"):
        record_decision(basis_of(small_model(), POLICY), subject)
