"""Records and replay with a model of segments and overlays."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.policy.conftest import SMALL
from tests.policy.test_scorer import small_model
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.record import DecisionRecord, Subject, record_decision
from xinqiao.policy.replay import replay
from xinqiao.policy.scorer import basis_of, read_scorer
from xinqiao.policy.store import DecisionStore
from xinqiao.scoring.model import Model, Route
from xinqiao.scoring.overlay import Overlay

POLICY = compile_policy(SMALL, "small.yaml")
NAME = Text(zh="客群", en="segment")


def routed() -> Model:
    """The small model with the self-employed 10 points lower, and industries that differ."""
    single = small_model()
    lower = single.card.model_copy(update={"base_points": single.card.base_points - 10})
    section = Overlay(industry="C", base_points=600, points={"INV05": (20.0, -5.0, 0.0)})
    division = Overlay(industry="C13", parent="C", base_points=605, points={"INV05": (20.0, -5.0, 0.0)})
    own = Route(segment="own", name=NAME, when="company_kind == 'self_employed'", card=lower)
    rest = Route(segment="rest", name=NAME, when=None, card=single.card, overlays=(section, division))
    return Model(version=2, card=single.card, scale=single.scale, peers=single.peers, routes=(own, rest))


def record(application: dict[str, Any], months: float | None = 24.0) -> DecisionRecord:
    values = {"INV01": 2e6, "INV28": months, "INV05": 0.3}
    missing = {} if months is not None else {"INV28": "NO_RECORDS"}
    subject = Subject("E1", date(2020, 12, 31), values, missing, application, "none stated")
    return record_decision(basis_of(routed(), POLICY), subject)


@pytest.mark.parametrize(
    ("application", "points", "segment", "overlay"),
    [
        ({"company_kind": "self_employed", "industry": "C1310"}, 620, "own", None),
        ({"company_kind": "company", "industry": "C1310"}, 655, "rest", "C13"),
        ({"industry": "C3300"}, 650, "rest", "C"),
        ({"industry": "1310"}, 655, "rest", "C13"),
        ({"industry": "F5100"}, 630, "rest", None),
        ({"industry": "no code"}, 630, "rest", None),
        ({}, 630, "rest", None),
    ],
)
def test_the_record_names_segment_and_overlay(
    application: dict[str, Any], points: float, segment: str, overlay: str | None
) -> None:
    score = record(application).content["score"]
    assert (score["points"], score["segment"], score["overlay"]) == (points, segment, overlay)
    assert (
        sum(c["points"] for c in score["contributions"])
        == points
        - {"own": 550, "rest": 560}[segment]
        - {
            None: 0,
            "C": 40,
            "C13": 45,
        }[overlay]
    )


def test_reasons_are_those_of_the_overlay() -> None:
    def gained(application: dict[str, Any]) -> float:
        told = record(application).content["score"]["reasons"]
        return next(float(r["points"]) for r in told if r["indicator"] == "INV05")

    assert gained({}) == 55
    assert gained({"industry": "C1310"}) == 25


def test_decisions_of_every_route_replay_byte_for_byte(tmp_path: Path) -> None:
    basis = basis_of(routed(), POLICY)
    told = [{"company_kind": "self_employed"}, {"industry": "C1310"}, {"industry": "C33"}, {}]
    subjects = [
        Subject(
            f"E{i}",
            date(2020, 12, 31),
            {"INV01": 2e6, "INV28": 24.0, "INV05": None},
            {"INV05": "NO_RECORDS"},
            t,
            "none",
        )
        for i, t in enumerate(told)
    ]
    records = [record_decision(basis, subject) for subject in subjects]
    store = DecisionStore(tmp_path)
    store.write(basis, records)
    assert len({json.loads(r.to_bytes())["score"]["points"] for r in records}) == 4
    for made in records:
        assert replay(store, made.decision_id, read_scorer) == (made.to_bytes(), True, ())


def test_the_score_of_a_single_card_says_nothing_of_segments() -> None:
    subject = Subject(
        "E1", date(2020, 12, 31), {"INV01": 2e6, "INV28": 1.0, "INV05": 0.3}, {}, {}, "none stated"
    )
    score = record_decision(basis_of(small_model(), POLICY), subject).content["score"]
    assert not {"segment", "overlay"} & set(score)


def test_a_fact_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        record({"company_kind": 3})
