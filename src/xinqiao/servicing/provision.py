"""Loss allowance (贷款损失准备): a share of the principal by class, each institution's own parameter.

The catalog's figures hold until an institution sets its own, by two people. The allowance a loan has had in
all is what was written off of it plus what its principal still needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import cast
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao.account import approval
from xinqiao.account.actor import Actor
from xinqiao.account.approval import Outcome
from xinqiao.db.database import Tx
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.loan.classification import CLASSES, Class

KIND = "provision.rates"
CENT = Decimal("0.01")
Rates = Mapping[Class, Decimal]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rates: dict[Class, Decimal] = Field(description="share of the principal, 0 to 1")

    @model_validator(mode="after")
    def _sound(self) -> _File:
        if not sound(self.rates):
            message = "every class has a rate from 0 to 1, and a worse class no lower one"
            raise ValueError(message)
        return self


def sound(rates: Rates) -> bool:
    """Whether every class has a rate from 0 to 1 and a worse one none below a better one's."""
    row = [rates.get(cls) for cls in CLASSES]
    known = [rate for rate in row if rate is not None]
    return len(known) == len(CLASSES) and known == sorted(known) and known[0] >= 0 and known[-1] <= 1


@cache
def reference_rates() -> Rates:
    """The catalog's figures."""
    path = files("xinqiao").joinpath("catalog", "provision.yaml")
    return parse(path.read_text("utf-8"), _File, path.name)[0].rates


def rates(tx: Tx, institution_id: UUID, on: date) -> Rates:
    """The rates of an institution in force on a day."""
    row = tx.execute(
        "SELECT rates FROM provision_rates WHERE institution_id = %s AND since <= %s "
        "ORDER BY since DESC LIMIT 1",
        [institution_id, on],
    ).fetchone()
    if row is None:
        return reference_rates()
    return {cast("Class", cls): Decimal(rate) for cls, rate in row["rates"].items()}


def needed(principal_cny: Decimal, cls: Class, shares: Rates) -> Decimal:
    """The allowance a principal of a class needs, in CNY, rounded half up to the cent."""
    return (principal_cny * shares[cls]).quantize(CENT, ROUND_HALF_UP)


def propose_rates(tx: Tx, actor: Actor, told: Rates, since: date) -> UUID:
    """Put rates of the actor's institution up for a second person. Raises UserError SRV-RATES."""
    if not sound(told):
        fail("SRV-RATES", "provision")
    body = {"rates": {cls: str(rate) for cls, rate in told.items()}, "since": since.isoformat()}
    return approval.propose(tx, actor, KIND, str(since), body)


def decide_rates(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> None:
    """Decide proposed rates; once approved they hold from their day. Raises UserError ACC-*."""
    found = approval.decide(tx, actor, approval_id, outcome, reason)
    if outcome == "approved":
        tx.execute(
            "INSERT INTO provision_rates (institution_id, since, rates, approval_id) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (institution_id, since) DO UPDATE SET rates = EXCLUDED.rates, "
            "approval_id = EXCLUDED.approval_id",
            [found.institution, found.body["since"], Jsonb(found.body["rates"]), approval_id],
        )
