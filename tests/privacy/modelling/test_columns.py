"""A party's columns, binned and turned."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.modelling.columns import ROWS_OF_A_BIN, block, labels
from xinqiao.privacy.modelling.joint_logistic import fit_plain


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=20, max_size=60),
    st.integers(2, 10),
    st.integers(0, 5),
)
def test_a_card_gives_the_log_odds_that_were_fitted(values: list[float | None], bins: int, seed: int) -> None:
    words = [["a", "b", None][(n + seed) % 3] for n in range(len(values))]
    table = pa.table({"x": pa.array(values, pa.float64()), "w": pa.array(words, pa.string())})
    own = block(table, ["x", "w"], bins)
    assert np.abs(own.matrix.mean(axis=0)).max(initial=0) < 1e-9
    assert (own.matrix.var(axis=0) <= 1 + 1e-9).all()
    coefficients = np.asarray(np.random.default_rng(seed).normal(size=own.matrix.shape[1]))
    card = own.card(coefficients, -2.0)
    odds = own.matrix @ coefficients - 2.0
    told = [card.log_odds(card.score_one(row)) for row in table.to_pylist()]
    assert np.abs(np.array(told) - odds).max() < 0.002
    assert all(abs(sum(b.points * b.count for b in v.bins)) < len(values) for v in card.variables)


def test_many_words_become_few_and_the_rest_other() -> None:
    table = pa.table({"w": [f"w{n % 40}" if n % 2 else "often" for n in range(200)]})
    (variable,) = block(table, ["w"], 3).variables
    assert len(variable.categories) == 6
    assert ("often",) in variable.categories


def test_points_tell_no_holder_what_became_of_a_few_subjects() -> None:
    """Trap: a subject with a word of its own had points by its own outcome, at a holder without outcomes."""
    words = ["rare"] * (ROWS_OF_A_BIN - 1) + ["common", "often", "usual"] * 100
    own = block(pa.table({"w": words}), ["w"], 8)
    matrix = np.column_stack([np.ones(len(words)), own.matrix])
    told = []
    for outcome in (0.0, 1.0):
        bad = np.array([outcome] * (ROWS_OF_A_BIN - 1) + [1.0, 0.0, 0.0, 0.0, 1.0, 1.0] * 50)
        (variable,) = own.card(fit_plain(matrix, bad, np.ones(len(bad)))[1:]).variables
        told.append(variable.bins[variable.categories.index(("rare",))].points)
    assert abs(told[0] - told[1]) < 0.05


def test_no_columns_and_constant_columns_have_no_width() -> None:
    table = pa.table({"x": [1.0] * 30})
    assert block(table, [], 5).matrix.shape == (30, 0)
    assert block(table, ["x"], 5).matrix.shape == (30, 0)


def test_outcomes_are_zeros_and_ones_enough_of_both() -> None:
    assert labels(pa.table({"bad": [0, 1] * 5}), "bad", 5).tolist() == [0.0, 1.0] * 5
    assert labels(pa.table({"bad": [False, True]}), "bad", 1).tolist() == [0.0, 1.0]
    for wrong in ([0, 2], ["a", "b"], [0, None]):
        with pytest.raises(UserError, match="PRV-LABEL"):
            labels(pa.table({"bad": wrong}), "bad", 1)
    with pytest.raises(UserError, match="PRV-MODEL-FEW"):
        labels(pa.table({"bad": [0, 1]}), "bad", 2)
