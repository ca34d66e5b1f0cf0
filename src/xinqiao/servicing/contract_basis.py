"""What a contract is made of, and how sums and rates are written in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from xinqiao.account.institution import Institution
from xinqiao.consent.grants import Grant
from xinqiao.lending.case_state import Case
from xinqiao.lending.offer_state import Offer
from xinqiao.lending.product import Product


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a contract is made of. ``on``: the day it is drawn up; ``generated``: it is demo data."""

    number: str
    case: Case
    offer: Offer
    product: Product
    lender: Institution
    borrower: str
    borrower_code: str
    grant: Grant | None
    on: date
    generated: bool = False


def cny(value: Decimal) -> str:
    """A sum in CNY."""
    return f"{value:,.2f}"


def percent(value: Decimal | float) -> str:
    """A ratio in percent, to four digits at most."""
    return f"{float(value) * 100:.4f}".rstrip("0").rstrip(".") + "%"
