from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.scoring.conftest import cards
from tests.scoring.export.conftest import Rows, cards_and_rows
from xinqiao.kernel.errors import UserError
from xinqiao.scoring.card import Card
from xinqiao.scoring.columns import Columns
from xinqiao.scoring.compiled import compile_card
from xinqiao.scoring.export.python import to_python


def loaded(card: Card) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(to_python(card), module)  # noqa: S102 - the export is to be run
    return module


@given(cards_and_rows())
def test_the_module_scores_exactly_as_the_card(given_: tuple[Card, Rows]) -> None:
    card, rows = given_
    module = loaded(card)
    for row in rows:
        assert module["score"](row) == card.score_one(row)
        assert module["codes"](row) == card.code_one(row)


@given(cards_and_rows())
def test_our_vectors_codes_and_single_rows_score_exactly_as_the_card(given_: tuple[Card, Rows]) -> None:
    card, rows = given_
    ready = compile_card(card)
    data = [_column([row[v.name] for row in rows], v.kind == "categorical") for v in card.variables]
    columns = Columns(card.names, data, len(rows))
    expected = [card.score_one(row) for row in rows]
    assert ready.score(columns).tolist() == expected
    codes = ready.codes(columns)
    assert [tuple(c) for c in codes.tolist()] == [card.code_one(row) for row in rows]
    assert ready.score_codes(codes).tolist() == expected
    assert [ready.score_one(row) for row in rows] == expected


def _column(values: list[Any], texts: bool) -> np.ndarray[Any, Any]:  # noqa: FBT001 - which of two kinds
    if not texts:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


@given(cards())
def test_it_imports_nothing_of_ours_and_refuses_what_scoring_refuses(card: Card) -> None:
    module = loaded(card)
    assert "import xinqiao" not in to_python(card)
    for row, error in (
        ({"number": float("inf"), "text": "a"}, ValueError),
        ({"number": 10**400, "text": "a"}, ValueError),
        ({"number": "1", "text": "a"}, TypeError),
        ({"number": 1.0, "text": 1.0}, TypeError),
        ({"number": 1.0}, KeyError),
    ):
        with pytest.raises(error):
            module["score"](row)
        with pytest.raises(UserError):
            compile_card(card).score_one(row)  # type: ignore[arg-type]  # a wrong row on purpose
    assert module["score"]({"number": True, "text": "a"}) == card.score_one({"number": 1.0, "text": "a"})
