"""Advice rests on the real model: what is promised is what scoring says of the changed firm."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.scoring.calibration import Calibration
from xinqiao.scoring.card import Bin, Card, Variable
from xinqiao.scoring.counterfactual import MOST, Action, Advice, Plan, actions, advise, load
from xinqiao.scoring.model import Model
from xinqiao.scoring.rating import master_scale

SAID = Text(zh="甲", en="a")


def _variable(name: str, sign: int, edges: tuple[float, ...], points: tuple[float, ...]) -> Variable:
    bins = [Bin(kind="range", label=SAID, points=p) for p in points]
    return Variable(
        name=name, sign=sign, edges=edges, bins=(*bins, Bin(kind="missing", label=SAID, points=-5))
    )


CARD = Card(
    base_points=560,
    variables=(
        _variable("TAX10", -1, (0.5, 2.5), (9, 2, -12)),
        _variable("CRD10", -1, (0.3, 0.5, 0.7), (11, 6, 1, -7)),
        _variable("INV13", -1, (0.5, 0.7), (8, 2, -6)),
        _variable("REG14", 1, (0.6, 0.95), (-6, 2, 7)),
        _variable("ELE09", -1, (0.5, 3.5), (5, 0, -4)),
        _variable("REG01", 1, (2.0, 5.0), (-10, 0, 15)),
    ),
)
MODEL = Model(card=CARD, calibration=Calibration(), scale=master_scale())
FIRMS = st.fixed_dictionaries(
    {
        "TAX10": st.one_of(st.none(), st.integers(0, 6).map(float)),
        "CRD10": st.one_of(st.none(), st.floats(0, 1)),
        "INV13": st.one_of(st.none(), st.floats(0, 1)),
        "REG14": st.one_of(st.none(), st.floats(0, 1)),
        "ELE09": st.one_of(st.none(), st.integers(0, 12).map(float)),
        "REG01": st.floats(0, 30),
    }
)


def _after(row: dict[str, float | None], plan: Plan) -> dict[str, float | None]:
    return row | {name: then for step in plan.steps for name, (_, then) in step.changes.items()}


def _reaches(advice: Advice, row: dict[str, float | None], levels: dict[str, int]) -> bool:
    changed = dict(row)
    for key, level in levels.items():
        changed |= actions()[key].on(changed, level)
    ranks = [grade.id for grade in MODEL.scale.grades]
    return ranks.index(MODEL.score_one(changed).grade) < ranks.index(advice.now.grade)


@given(FIRMS)
def test_a_plan_keeps_its_promise_and_holds_nothing_it_does_not_need(row: dict[str, float | None]) -> None:
    advice = advise(MODEL, row)
    for plan in advice.plans:
        assert MODEL.score_one(_after(row, plan)) == plan.score
        levels = {step.id: step.level for step in plan.steps}
        assert 1 <= len(levels) <= MOST
        assert _reaches(advice, row, levels)
        for size in range(len(levels)):
            for fewer in combinations(levels, size):
                assert not _reaches(advice, row, {key: levels[key] for key in fewer})
        for key, level in levels.items():
            assert level == 1 or not _reaches(advice, row, levels | {key: level - 1})


@given(FIRMS)
def test_nothing_is_advised_that_cannot_be_done_or_is_not_better(row: dict[str, float | None]) -> None:
    advice = advise(MODEL, row)
    for plan in (*advice.singles, *advice.plans):
        for step in plan.steps:
            assert step.changes
            for name, (now, then) in step.changes.items():
                assert name != "REG01"  # nobody can be older than they are
                assert row[name] == now  # a missing value can't be promised to move
                assert (then > now) == (indicators()[name].direction == "+")
    assert all(plan.score.points > advice.now.points for plan in advice.singles)


def test_a_firm_one_action_short_of_the_next_grade_is_told_that_action() -> None:
    row = {"TAX10": 3.0, "CRD10": 0.2, "INV13": 0.6, "REG14": 1.0, "ELE09": 0.0, "REG01": 1.0}
    advice = advise(MODEL, row)
    assert [step.id for step in advice.plans[0].steps] == ["TAX_ON_TIME"]
    assert advice.plans[0].months == 24
    assert advice.plans[0].score.grade == advice.next_grade


def test_the_best_firm_has_no_next_grade() -> None:
    row = {"TAX10": 0.0, "CRD10": 0.1, "INV13": 0.1, "REG14": 1.0, "ELE09": 0.0, "REG01": 20.0}
    best = MODEL.model_copy(update={"card": CARD.model_copy(update={"base_points": 700.0})})
    advice = advise(best, row)
    assert (advice.next_grade, advice.plans, advice.singles) == (None, (), ())


def test_every_action_moves_indicators_the_better_way_only() -> None:
    for action in actions().values():
        row = {effect.indicator: 0.5 for effect in action.effects}
        for level in range(1, action.levels + 1):
            for name, then in action.on(row, level).items():
                assert (then > 0.5) == (indicators()[name].direction == "+")


@pytest.mark.parametrize(
    ("effect", "line"),
    [("{indicator: XX99, to: 0}", 6), ("{indicator: TAX07, to: 0}", 6), ("{indicator: TAX11, by: 1}", 6)],
)
def test_a_faulty_action_is_told_with_its_line(effect: str, line: int) -> None:
    text = f"""actions:
  A:
    name: {{zh: 甲, en: a}}
    how: {{zh: 乙, en: b}}
    months: 1
    effects: [{effect}]
"""
    with pytest.raises(UserError) as caught:
        load(text, "x.yaml")
    assert caught.value.code == "SCR-ACTION"
    assert caught.value.where == f"x.yaml:{line}"


def test_an_effect_has_exactly_one_way() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Action.model_validate(
            {"name": SAID, "how": SAID, "months": 1, "effects": [{"indicator": "TAX11", "to": 0, "by": 1}]}
        )
