from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from xinqiao.kernel.errors import UserError
from xinqiao.lending.product import catalog_products
from xinqiao.portal.enterprise_apply import answers_of


def test_a_products_own_questions_become_answers_of_their_types() -> None:
    told = {"number": "12", "integer": "3", "money": "5000", "ratio": "40", "bool": "yes"}
    seen = set()
    for product in catalog_products().values():
        form = {f"ask_{name}": told.get(item.type, "2026-01-01") for name, item in product.questions.items()}
        answers = answers_of(product, FormData(form))
        assert set(answers) == set(product.questions)
        for name, item in product.questions.items():
            seen.add(item.type)
            if item.type == "ratio":
                assert answers[name] == 0.4
            if item.type == "bool":
                assert answers[name] is True
    assert seen


def test_blank_answers_are_left_out_and_odd_numbers_told() -> None:
    product = next(
        p for p in catalog_products().values() if any(i.type == "money" for i in p.questions.values())
    )
    field = next(name for name, item in product.questions.items() if item.type == "money")
    assert answers_of(product, FormData({f"ask_{field}": " "})) == {}
    with pytest.raises(UserError, match="LND-ASKED"):
        answers_of(product, FormData({f"ask_{field}": "many"}))
