"""The all-in cost on a loan's page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from xinqiao.lending.cost import cost_of
from xinqiao.lending.product import catalog_product
from xinqiao.lending.product_terms import terms_for
from xinqiao.loan.cost import monthly_rate
from xinqiao.loan.engine import apply, begin
from xinqiao.loan.event import Disburse
from xinqiao.portal.loan_view import monthly_cost


def test_the_guarantors_fee_is_part_of_the_cost() -> None:
    product, start = catalog_product("guarantee_batch"), date(2026, 3, 2)
    amount, rate, way = product.file.limit.max, product.file.pricing.max, product.file.repayment.ways[0]
    terms = terms_for(product, amount=amount, rate=rate, months=24, way=way, start=start)
    loan = apply(begin(terms), Disburse(on=start, amount=amount))
    told = cost_of(amount, rate, 24, way, product.file.fees, plan=product.file.repayment).nominal
    assert monthly_cost(loan, product.file) * 12 == pytest.approx(told, abs=0.002)
    assert Decimal(monthly_rate(loan) * 12) < Decimal(told) - Decimal("0.015")  # without the fee
