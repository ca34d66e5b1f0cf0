"""What a product being composed costs its borrowers, as far as its draft says: all in, for every term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from xinqiao.lending.cost import Cost, cost_of
from xinqiao.lending.product_check import LONGEST_MONTHS
from xinqiao.lending.product_format import Fee, LimitRule, Pricing, Repayment, RepaymentRule, Tenor

FEES = TypeAdapter(list[Fee])
MOST_ROWS = 40
DEAREST = Decimal(1)
"""Rates above 100 % a year are not worked out."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """A way and a term: the cheapest loan (least rate, greatest sum) and the dearest."""

    way: Repayment
    months: int
    cheapest: Cost
    dearest: Cost


@dataclass(frozen=True, slots=True)
class Costs:
    """All of them. ``lowest`` and ``highest``: the rates of the contract, a year."""

    rows: tuple[CostRow, ...]
    lowest: Decimal
    highest: Decimal


def costs_of(data: Mapping[str, Any]) -> Costs | None:
    """The costs a draft comes to; None where its terms, rates or fees are not yet sound."""
    try:
        tenor, pricing = Tenor.model_validate(data["tenor"]), Pricing.model_validate(data["pricing"])
        limit, repayment = (
            LimitRule.model_validate(data["limit"]),
            RepaymentRule.model_validate(data["repayment"]),
        )
        fees = FEES.validate_python(data.get("fees", []))
    except (KeyError, ValidationError):
        return None
    sound = all(0 < months <= LONGEST_MONTHS for months in tenor.months) and limit.min > 0
    if not sound or not 0 <= pricing.min <= pricing.max <= DEAREST:
        return None
    pairs = [(way, months) for way in repayment.ways for months in tenor.months][:MOST_ROWS]
    rows = tuple(
        CostRow(
            way,
            months,
            cost_of(limit.max, pricing.min, months, way, fees, plan=repayment),
            cost_of(limit.min, pricing.max, months, way, fees, plan=repayment),
        )
        for way, months in pairs
    )
    return Costs(rows, pricing.min, pricing.max)
