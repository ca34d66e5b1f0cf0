import pytest
from hypothesis import given

from tests.scoring.conftest import cards
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import MISSING, Bin, Card, Scale, Value, Variable


def variable(**changes: object) -> Variable:
    bins = [Bin(kind="range", label=Text(zh=t, en=t), points=p) for t, p in (("< 3", -10), ("≥ 3", 12))]
    bins += [Bin(kind="special", label=Text(zh="特殊值 -1", en="special -1"), points=2)]
    bins += [Bin(kind="missing", label=MISSING, points=-3)]
    plain = {"name": "v", "edges": (3.0,), "specials": ((-1.0,),), "bins": tuple(bins)}
    return Variable.model_validate({**plain, **changes})


CARD = Card(base_points=500, variables=(variable(),))


@pytest.mark.parametrize(
    ("value", "points"), [(2.999, 490), (3, 512), (3.0, 512), (-1, 502), (None, 497), (float("nan"), 497)]
)
def test_a_value_earns_the_points_of_its_bin_closed_on_the_left(value: Value, points: float) -> None:
    assert CARD.score_one({"v": value}) == points


def test_the_scale_gives_600_at_50_to_1_and_20_points_double_the_odds() -> None:
    scale = Scale()
    card = Card(base_points=0, variables=())
    assert card.log_odds(600) == pytest.approx(-3.912023)  # -ln 50
    assert card.log_odds(580) == pytest.approx(-3.218876)  # -ln 25
    assert scale.offset + scale.factor * 3.912023 == pytest.approx(600, abs=1e-4)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({}, "SCR-COLUMN-ABSENT"),
        ({"v": float("inf")}, "SCR-INFINITE"),
        ({"v": float("-inf")}, "SCR-INFINITE"),
        ({"v": "many"}, "SCR-COLUMN-TYPE"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused(row: dict[str, Value], code: str) -> None:
    with pytest.raises(UserError) as error:
        CARD.score_one(row)
    assert error.value.code == code


def test_a_text_variable_refuses_numbers() -> None:
    text = variable(
        kind="categorical",
        edges=(),
        categories=(("a",),),
        specials=(("?",),),
        bins=(
            Bin(kind="category", label=MISSING),
            Bin(kind="other", label=MISSING),
            Bin(kind="special", label=MISSING),
            Bin(kind="missing", label=MISSING),
        ),
    )
    with pytest.raises(UserError, match="SCR-COLUMN-TYPE"):
        text.code(5.0)


@given(cards())
def test_json_gives_the_same_card_and_the_same_bytes(card: Card) -> None:
    again = Card.from_json(card.to_json())
    assert again == card
    assert again.to_json() == card.to_json()
    assert again.card_id == card.card_id


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"format":"xinqiao.card","version":2}'])
def test_a_file_that_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="SCR-CARD-FORMAT"):
        Card.from_json(text)


def test_bins_must_fit_the_edges_and_edges_must_rise() -> None:
    with pytest.raises(ValueError, match="bins must be"):
        variable(edges=(3.0, 4.0))
    with pytest.raises(ValueError, match="rise strictly"):
        variable(edges=(3.0, 3.0), bins=(variable().bins[0], *variable().bins))


@pytest.mark.parametrize(
    "change", [{"edges": (float("nan"),)}, {"edges": (float("inf"),)}, {"specials": (("?",),)}]
)
def test_edges_are_finite_and_special_values_of_the_variables_kind(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"edges must|variable's kind"):
        variable(**change)


def test_whole_numbers_beyond_float64_are_the_nearest_float_or_infinite() -> None:
    large = variable(edges=(2.0**53 + 4,))
    assert large.code(2**53 + 3) == 1  # the nearest float64 is the edge, as in every frame
    with pytest.raises(UserError, match="SCR-INFINITE"):
        large.code(10**400)


def test_a_card_refuses_two_variables_of_one_name() -> None:
    with pytest.raises(ValueError, match="same name"):
        Card(base_points=0, variables=(variable(), variable()))


@given(cards())
def test_contributions_and_base_points_add_up_to_the_score(card: Card) -> None:
    row: dict[str, Value] = {"number": 1.5, "text": "b"}
    given = [card.units(c.points) for c in card.contributions(row)]
    assert card.units(card.base_points) + sum(given) == card.units(card.score_one(row))
