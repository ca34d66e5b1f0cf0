"""Words of loans as people read them on every portal's pages."""

from __future__ import annotations

from decimal import Decimal

from xinqiao.kernel.text import Text
from xinqiao.servicing.contract_words import WAYS

CLASSES = {
    "credit": Text(zh="信用", en="unsecured"),
    "collateral": Text(zh="抵质押", en="collateral"),
    "supply_chain": Text(zh="供应链", en="supply chain"),
    "guarantee": Text(zh="担保", en="guaranteed"),
}
REPAYMENTS = WAYS
DRAWDOWNS = {
    "single": Text(zh="一次放款", en="paid out once"),
    "revolving": Text(zh="随借随还", en="revolving"),
    "tranches": Text(zh="分次放款", en="in tranches"),
}
STATE_KINDS = {
    "offered": "good",
    "accepted": "good",
    "contracted": "warn",
    "half_signed": "info",
    "signed": "good",
    "active": "good",
    "refused": "bad",
    "returned": "warn",
    "applied": "info",
    "screened": "info",
    "in_review": "info",
    "proposed": "info",
}
"""Colour of an application's state; others are quiet."""
LIKELY, FAIR = 0.7, 0.4


def chance(p: float) -> Text:
    """A probability of approval in words: more would be more than it knows."""
    if p >= LIKELY:
        return Text(zh="通过可能较高", en="likely to be approved")
    return (
        Text(zh="通过可能一般", en="may be approved")
        if p >= FAIR
        else Text(zh="通过可能较低", en="less likely")
    )


def wan_of(text: str) -> Decimal | None:
    """A sum typed in 10,000 CNY, as CNY; None where it is no number."""
    try:
        value = Decimal(text.strip().replace(",", "") or "x")
    except ArithmeticError:
        return None
    return (value * 10_000).quantize(Decimal("0.01")) if value.is_finite() and 0 < value < 10**7 else None
