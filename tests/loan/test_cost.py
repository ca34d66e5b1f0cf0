"""Rates that flows come to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from xinqiao.loan.calendar import periods
from xinqiao.loan.cost import effective, irr, monthly_irr, monthly_rate, plan_of
from xinqiao.loan.engine import apply, begin
from xinqiao.loan.event import Disburse
from xinqiao.loan.terms import LoanFee, Terms


def test_L04_twelve_parts_of_a_flat_loan_cost_far_more_than_its_rate() -> None:  # noqa: N802 - by requirement
    """Twelve instalments with 0.6 % of the original sum a month: 13.03 % a year, 13.84 % compounded."""
    flows = [120_000.0] + [-10_720.0] * 12
    rate = monthly_irr(flows)
    assert (round(rate * 12 * 100, 2), round(effective(rate) * 100, 2)) == (13.03, 13.84)
    flat = plan_of(Decimal(120_000), Decimal("0.072"), 12, "flat")
    assert monthly_rate(flat) == pytest.approx(rate, abs=1e-9)


def test_the_fee_at_the_drawing_is_part_of_the_cost() -> None:
    agreed = Terms(
        principal=Decimal(10_000),
        rate=Decimal("0.06"),
        periods=periods(date(2026, 1, 15), 12),
        day_count="month",
        fees=(LoanFee(name="service", when="drawing", share=Decimal("0.02")),),
    )
    loan = apply(begin(agreed), Disburse(on=date(2026, 1, 15), amount=Decimal(10_000)))
    assert monthly_rate(loan) * 12 == pytest.approx(0.0981, abs=2e-4)


def test_fees_with_the_instalments_are_too() -> None:
    """0.6 % of the original sum a month and no interest: the same flows as the flat loan."""
    agreed = Terms(
        principal=Decimal(120_000),
        rate=Decimal(0),
        periods=periods(date(2026, 1, 15), 12),
        way="equal_principal",
        fees=(LoanFee(name="service", when="instalment", share=Decimal("0.006")),),
    )
    loan = apply(begin(agreed), Disburse(on=date(2026, 1, 15), amount=Decimal(120_000)))
    assert round(monthly_rate(loan) * 1200, 2) == 13.03


def test_what_is_beyond_all_measure_is_said_as_that() -> None:
    assert irr([(0, 1.0), (1, -100.0)]) == 1.0
