from dataclasses import dataclass

from tests.scoring.test_card import variable
from xinqiao.indicator.unit import UNITS, Unit
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import MISSING, OTHER, Bin, Card, Variable
from xinqiao.scoring.reasons import reasons


@dataclass
class Described:
    name: Text
    unit: Unit


CARD = Card(base_points=500, variables=(variable(name="a"), variable(name="b"), variable(name="c")))
NAMES = {"a": Described(Text(zh="近12月开票额", en="12-month sales"), UNITS["CNY"])}
PEERS = {"a": 123_456.0, "b": 5.0, "c": None}


def test_a_reason_names_value_unit_peer_median_and_points() -> None:
    (first, *_) = reasons(CARD, {"a": 2.0, "b": 5.0, "c": 5.0}, NAMES, PEERS)
    assert first.indicator == "a"
    assert first.points == -22  # -10 where the peer median earns 12
    assert first.sentence.zh == "近12月开票额为2元，低于同类企业中位数12.3万元，比同类企业中位水平少22分"
    assert first.sentence.en == (
        "12-month sales is CNY 2, below the peer median of CNY 123.5k: 22 points less than the peer median"
    )


def test_a_missing_value_is_said_to_be_missing() -> None:
    (only,) = reasons(CARD, {"a": None, "b": 5.0, "c": 5.0}, NAMES, PEERS)
    assert only.missing
    assert only.value is None
    assert only.points == -15
    assert only.sentence.zh == "近12月开票额没有数值，按“无数值”一档计分，比同类企业中位水平少15分"
    assert "has no value and earns the points of that bin" in only.sentence.en


def test_the_greatest_losses_come_first_ties_by_id_and_no_more_than_asked() -> None:
    row = {"a": None, "b": 1.0, "c": 1.0}
    assert [(r.indicator, r.points) for r in reasons(CARD, row, NAMES, PEERS)] == [
        ("b", -22),
        ("a", -15),
        ("c", -10),
    ]
    best = reasons(CARD, row, NAMES, PEERS, reference="best", limit=2)
    assert [(r.indicator, r.points) for r in best] == [("b", -22), ("c", -22)]
    assert "than the best bin" in best[0].sentence.en


def test_a_variable_without_named_categories_is_compared_with_its_only_bin() -> None:
    bins = (Bin(kind="other", label=OTHER, points=4), Bin(kind="missing", label=MISSING, points=-1))
    card = Card(base_points=0, variables=(Variable(name="t", kind="categorical", bins=bins),))
    (only,) = reasons(card, {"t": None}, {}, {}, reference="best")
    assert only.points == -5


def test_gains_are_told_too() -> None:
    (only,) = reasons(CARD, {"a": 9.0, "b": 5.0, "c": 3.0}, {}, {**PEERS, "a": 3.5}, direction="gained")
    assert (only.indicator, only.points, only.direction) == ("c", 12, "gained")
    assert only.sentence.en == "c is 3: 12 points more than average risk"
    assert only.sentence.zh == "c为3，比平均水平多12分"


def test_a_company_at_the_peer_median_has_nothing_to_be_told() -> None:
    assert reasons(CARD, {"a": 123_456.0, "b": 5.0, "c": 5.0}, NAMES, PEERS) == ()
