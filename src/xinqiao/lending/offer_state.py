"""Offers as they stand: read, and closed once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

Closed = Literal["accepted", "declined", "withdrawn", "expired"]


@dataclass(frozen=True, slots=True)
class Offer:
    """An institution's offer (要约). ``apr``: yearly cost with every fee in, by ``apr_method``."""

    id: UUID
    case_id: UUID
    request_id: UUID
    company_id: str
    institution_id: UUID
    product_id: str
    product_version: str
    amount_cny: Decimal
    rate: Decimal
    term_months: int
    repayment: str
    fees: list[dict[str, Any]]
    apr: Decimal
    apr_method: str
    automatic: bool
    made_at: datetime
    until: datetime
    state: str
    closed_at: datetime | None


_NAMES = tuple(field.name for field in fields(Offer))


def _offer(row: Row) -> Offer:
    return Offer(**{name: row[name] for name in _NAMES})


def offers(tx: Tx, *, case_id: UUID | None = None, request_id: UUID | None = None) -> list[Offer]:
    """Offers the scope may see, of a case or a need if told, the cheapest first."""
    rows = tx.execute(
        "SELECT * FROM offer WHERE (%(case)s::uuid IS NULL OR case_id = %(case)s) "
        "AND (%(request)s::uuid IS NULL OR request_id = %(request)s) ORDER BY apr, made_at, id LIMIT 500",
        {"case": case_id, "request": request_id},
    )
    return [_offer(row) for row in rows]


def get_offer(tx: Tx, offer_id: UUID) -> Offer:
    """One offer. Raises UserError LND-OFFER-ABSENT."""
    row = tx.execute("SELECT * FROM offer WHERE id = %s", [offer_id]).fetchone()
    if row is None:
        fail("LND-OFFER-ABSENT", str(offer_id))
    return _offer(row)


def close_offer(tx: Tx, case_id: UUID, state: Closed) -> bool:
    """Close the open offer of a case, if there is one; an accepted one can lapse until it is signed."""
    done = tx.execute(
        "UPDATE offer SET state = %(state)s, closed_at = %(at)s WHERE case_id = %(case)s "
        "AND (state = 'open' OR (state = 'accepted' AND %(state)s IN ('withdrawn', 'expired')))",
        {"state": state, "at": now(), "case": case_id},
    )
    return done.rowcount > 0
