"""How a loan stands on a day, as its row keeps it: worked out from its events alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from xinqiao.loan import engine
from xinqiao.loan.balances import Balances
from xinqiao.loan.engine import Loan
from xinqiao.loan.schedule import rate_on

State = Literal["open", "closed", "written_off"]
ZERO = Decimal(0)
_TOTALS = tuple(field.name for field in fields(Balances))


@dataclass(frozen=True, slots=True)
class Standing:
    """A loan at the end of the day ``posted_on``: what is posted, and what follows for its row."""

    posted_on: date
    totals: Balances
    state: State
    matures_on: date
    rate: Decimal
    way: str
    next_due: date | None
    unpaid_since: date | None
    days_past_due: int

    @property
    def drawn_cny(self) -> Decimal:
        """Principal drawn and not repaid: what limits count."""
        return self.totals.disbursed - self.totals.principal_paid


def standing(loan: Loan, on: date, *, allowance: Decimal = ZERO) -> Standing:
    """The loan at the end of the day ``on``, with the loss allowance made for it in all until then.

    A write-off uses up the allowance, so there has been at least as much of it as was written off.
    """
    found = engine.balances(loan, on)
    off = written_off(found)
    return Standing(
        posted_on=on,
        totals=replace(found, allowance=max(allowance, off)),
        state="written_off" if off else "closed" if _settled(found) else "open",
        matures_on=engine.matures_on(loan),
        rate=rate_on(loan.terms, loan.state, on),
        way=loan.terms.way,
        next_due=engine.next_due(loan, on),
        unpaid_since=engine.unpaid_since(loan, on),
        days_past_due=engine.days_past_due(loan, on),
    )


def written_off(totals: Balances) -> Decimal:
    """All that was written off, in CNY."""
    return (
        totals.principal_written_off
        + totals.interest_written_off
        + totals.penalty_written_off
        + totals.fee_written_off
    )


def columns(found: Standing) -> dict[str, Any]:
    """The columns of the row ``loan`` that a standing fills."""
    t = found.totals
    return {
        "state": found.state,
        "matures_on": found.matures_on,
        "rate": found.rate,
        "way": found.way,
        "posted_on": found.posted_on,
        "principal_cny": t.principal,
        "interest_cny": t.interest,
        "penalty_cny": t.penalty,
        "fee_cny": t.fee,
        "credit_cny": t.credit,
        "allowance_cny": t.allowance - written_off(t),
        "next_due": found.next_due,
        "unpaid_since": found.unpaid_since,
        "days_past_due": found.days_past_due,
    }


def totals_json(totals: Balances) -> dict[str, str]:
    """Totals as the row keeps them: every total, as text of two decimals."""
    return {name: f"{getattr(totals, name):.2f}" for name in _TOTALS}


def totals_of(plain: Mapping[str, str]) -> Balances:
    """The totals ``totals_json`` wrote."""
    return Balances(**{name: Decimal(plain[name]) for name in _TOTALS if name in plain})


def _settled(found: Balances) -> bool:
    owed = (found.principal, found.interest, found.penalty, found.fee)
    return found.disbursed > 0 and not any(owed)
