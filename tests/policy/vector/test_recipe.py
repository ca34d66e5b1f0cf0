from __future__ import annotations

from decimal import Decimal

import numpy as np

from xinqiao.policy.vector.recipe import Cook, columns_of


def test_a_recipe_is_reckoned_in_34_digits() -> None:
    cook = Cook(("*", ("/", "c2", "12.0"), "v7"))
    sales, months = np.array([4_000_000.0, 1.0, np.nan]), np.array([3.0, 3.0, 3.0])
    found = cook.values([sales, months], np.array([0, 2]))
    assert found == [Decimal("999999.9999999999999999999999999999"), None]


def test_every_operation_has_its_decimal() -> None:
    column = np.array([-0.1])
    recipes = {
        ("+", "c0", "0.2"): "0.1",
        ("-", "c0", "0.2"): "-0.3",
        ("**", "c0", "2.0"): "0.01",
        ("negative", "c0"): "0.1",
        ("abs", "c0"): "0.1",
        ("min", "c0", "-5.0"): "-5",
        ("max", "c0", "-5.0"): "-0.1",
    }
    for recipe, want in recipes.items():
        assert Cook(recipe).values([column], np.array([0])) == [Decimal(want)], recipe
    assert Cook(("/", "c0", "0.0")).values([column], np.array([0])) == [None]


def test_a_choice_takes_the_side_its_row_has() -> None:
    recipe = ("choose", "v1", "c0", ("negative", "c0"))
    assert columns_of(recipe) == ("v1", "c0")
    found = Cook(recipe).values([np.array([True, False]), np.array([1.5, 2.5])], np.array([0, 1]))
    assert found == [Decimal("1.5"), Decimal("-2.5")]


def test_written_numbers_alone_have_a_value_in_every_row() -> None:
    assert Cook(("/", "1.0", "8.0")).values([], np.array([3, 4])) == [Decimal("0.125")] * 2
