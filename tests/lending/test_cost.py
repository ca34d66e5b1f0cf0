"""What a loan costs in all: known figures, and sums that always come out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending.cost import COST_CEILING, Fees, cost_of, dearest, schedule
from xinqiao.lending.product import catalog_product, catalog_products, parse_product
from xinqiao.lending.product_format import Fee, RepaymentRule
from xinqiao.lending.product_terms import terms_for
from xinqiao.loan.cost import monthly_rate
from xinqiao.loan.engine import apply, begin
from xinqiao.loan.event import Disburse

WAYS = ["equal_instalment", "equal_principal", "interest_only_then_bullet", "bullet", "flat", "seasonal"]
NAME = Text(zh="服务费", en="service fee")


def test_L04_twelve_equal_parts_at_a_monthly_fee_of_0_6_percent() -> None:  # noqa: N802 - named by the requirement
    fee = Fee(id="service", name=NAME, kind="monthly", rate=Decimal("0.006"))
    cost = cost_of(Decimal(120_000), Decimal(0), 12, "equal_principal", [fee])
    assert round(cost.nominal * 100, 2) == 13.03
    assert round(cost.effective * 100, 2) == 13.84
    assert cost.fees == ((NAME, Decimal("8640.00")),)


def test_L04_flat_is_never_shown_as_its_nominal_rate() -> None:  # noqa: N802 - named by the requirement
    cost = cost_of(Decimal(120_000), Decimal("0.072"), 12, "flat")
    assert round(cost.nominal, 4) == 0.1303
    assert round(cost.effective, 4) == 0.1384


@given(
    st.decimals(1000, 10**7, places=2),
    st.decimals(0, "0.24", places=4),
    st.integers(1, 60),
    st.sampled_from(WAYS),
    st.sampled_from([1, 3]),
)
def test_the_principal_parts_sum_to_the_principal(
    principal: Decimal, rate: Decimal, months: int, way: str, every: int
) -> None:
    plan = RepaymentRule(ways=(way,), every_months=every, season={"9": Decimal("0.4"), "10": Decimal("0.6")})
    rows = schedule(principal, rate, months, way, plan=plan)  # type: ignore[arg-type] # one of the ways
    assert len(rows) == months
    assert sum(part for part, _ in rows) == principal
    assert all(interest >= 0 for _, interest in rows)


def test_a_season_s_shares_and_grace_are_in_the_schedule() -> None:
    season = {"9": Decimal("0.4"), "10": Decimal("0.6")}
    plan = RepaymentRule(ways=("seasonal",), season=season)
    parts = [part for part, _ in schedule(Decimal(100_000), Decimal("0.05"), 12, "seasonal", plan=plan)]
    assert sorted(part for part in parts if part) == [40_000, 60_000]
    plan = RepaymentRule(ways=("equal_principal",), grace_months=6)
    parts = [part for part, _ in schedule(Decimal(60_000), Decimal("0.05"), 12, "equal_principal", plan=plan)]
    assert parts == [0] * 6 + [10_000] * 6


@given(st.decimals("0.01", "0.2", places=4), st.integers(2, 36), st.sampled_from(WAYS[:3]))
def test_without_fees_the_cost_is_the_rate(rate: Decimal, months: int, way: str) -> None:
    cost = cost_of(Decimal(10**6), rate, months, way)  # type: ignore[arg-type] # one of the ways
    assert cost.nominal == pytest.approx(float(rate), abs=2e-5)


@given(st.decimals("0.02", "0.12", places=4), st.decimals(0, "0.03", places=4))
def test_fees_only_add(rate: Decimal, share: Decimal) -> None:
    fee = Fee(id="x", name=NAME, kind="upfront", rate=share)
    plain = cost_of(Decimal(10**6), rate, 12, "equal_instalment")
    more = cost_of(Decimal(10**6), rate, 12, "equal_instalment", [fee])
    assert more.nominal >= plain.nominal - 1e-9


def test_L03_a_product_that_can_cost_more_than_24_percent_is_refused() -> None:  # noqa: N802 - named by the requirement
    product = catalog_product("flat_quick")
    line = next(n for n, text in enumerate(product.text.splitlines(), 1) if "max: 0.09" in text)
    text = product.text.replace("max: 0.09", "max: 0.15", 1)
    with pytest.raises(UserError, match="above 24%") as told:
        parse_product(text, "flat.yaml")
    assert told.value.where == f"flat.yaml:{line}"


def test_L03_no_product_of_the_catalog_can() -> None:  # noqa: N802 - named by the requirement
    assert all(dearest(product.file)[0] <= COST_CEILING for product in catalog_products().values())


@pytest.mark.parametrize("product_id", ["tax_standard", "guarantee_batch", "flat_quick", "inventory_pledge"])
def test_the_quick_cost_is_near_the_exact_one(product_id: str) -> None:
    file = catalog_product(product_id).file
    months, rate = file.tenor.usual, file.pricing.max
    exact = cost_of(Decimal(300_000), rate, months, file.repayment.ways[0], file.fees)
    assert Fees.of(file, months).cost(float(rate), 300_000) == pytest.approx(exact.nominal, abs=0.01)


def test_a_quote_comes_to_what_the_days_of_the_loan_come_to() -> None:
    for product in catalog_products().values():
        file = product.file
        months, rate, sum_ = file.tenor.usual, file.pricing.max, file.limit.max
        for way in file.repayment.ways:
            told = cost_of(sum_, rate, months, way, plan=file.repayment).nominal
            terms = terms_for(
                product, amount=sum_, rate=rate, months=months, way=way, start=date(2026, 1, 15)
            )
            plain = apply(begin(replace(terms, fees=())), Disburse(on=date(2026, 1, 15), amount=sum_))
            assert told == pytest.approx(monthly_rate(plain) * 12, abs=0.0008), (product.id, way)
