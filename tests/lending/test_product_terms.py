"""The terms of a loan as its product says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.lending.product import catalog_product, catalog_products, parse_product
from xinqiao.lending.product_terms import terms_for

START = date(2026, 3, 2)
SUM = {"amount": Decimal(100_000), "rate": Decimal("0.05")}


def test_every_product_way_and_term_makes_terms() -> None:
    for product in catalog_products().values():
        for way in product.file.repayment.ways:
            for months in product.file.tenor.months:
                terms = terms_for(
                    product,
                    amount=Decimal(100_000),
                    rate=Decimal("0.05"),
                    months=months,
                    way=way,
                    start=START,
                )
                ends = terms.periods[-1][1]
                assert (ends.year - 2026) * 12 + ends.month - 3 == months
                assert terms.periods[0][0] == START


def test_only_what_the_lender_is_paid_is_owed_to_it() -> None:
    product = catalog_product("guarantee_tech")
    assert product.file.fees
    terms = terms_for(
        product, amount=Decimal(100_000), rate=Decimal("0.04"), months=24, way="equal_instalment", start=START
    )
    assert terms.fees == ()


def test_fees_fall_due_as_the_cost_counts_them() -> None:
    text = catalog_product("tax_standard").text
    text += (
        "fees:\n"
        "  - {id: a, name: {zh: 甲, en: a}, kind: monthly, rate: 0.001}\n"
        "  - {id: b, name: {zh: 乙, en: b}, kind: yearly, rate: 0.006}\n"
        "  - {id: c, name: {zh: 丙, en: c}, kind: fixed, cny: 100}\n"
    )
    product = parse_product(text, "own.yaml")
    way = product.file.repayment.ways[0]
    terms = terms_for(product, amount=Decimal(100_000), rate=Decimal("0.05"), months=24, way=way, start=START)
    assert [(fee.name, fee.when, fee.share) for fee in terms.fees] == [
        ("a", "instalment", Decimal("0.001")),
        ("b", "drawing", Decimal("0.006")),
        ("b", "day", Decimal("0.006")),
        ("c", "drawing", Decimal(0)),
    ]
    assert terms.fees[2].on == date(2027, 3, 2)


def test_a_way_or_term_not_on_offer_is_refused() -> None:
    product = catalog_product("flat_quick")
    with pytest.raises(UserError, match="LND-WAY"):
        terms_for(product, amount=Decimal(1000), rate=Decimal("0.05"), months=12, way="bullet", start=START)
    with pytest.raises(UserError, match="LND-TERM"):
        terms_for(product, amount=Decimal(1000), rate=Decimal("0.05"), months=120, way="flat", start=START)
    terms = terms_for(product, amount=Decimal(1000), rate=Decimal("0.05"), months=12, way="flat", start=START)
    assert (terms.interest, terms.day_count) == ("flat", "month")
