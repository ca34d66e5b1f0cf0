"""A facility as it stands (授信): what a signed contract lets a company draw."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.errors import fail

State = Literal["active", "frozen", "closed"]
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Facility:
    """What may be drawn: ``amount_cny`` at ``rate`` a year, repaid in ``way`` over ``term_months`` at most.

    Drawn from ``valid_from`` to before ``valid_until``. ``group_key``: who actually controls the company.
    """

    id: UUID
    case_id: UUID
    company_id: str
    institution_id: UUID
    product_id: str
    product_version: str
    amount_cny: Decimal
    rate: Decimal
    term_months: int
    way: str
    drawdown: Literal["single", "revolving", "tranches"]
    group_key: str | None
    valid_from: date
    valid_until: date
    state: State
    version: int


_NAMES = tuple(field.name for field in fields(Facility))


def facility_of(row: Row) -> Facility:
    """The facility of a row."""
    return Facility(**{name: row[name] for name in _NAMES})


def facility(tx: Tx, facility_id: UUID, *, lock: bool = False) -> Facility:
    """A facility the scope may see; ``lock``: nobody else draws or closes meanwhile (scope SYSTEM).

    Raises UserError SRV-FACILITY-ABSENT.
    """
    statement = "SELECT * FROM facility WHERE id = %s"
    row = tx.execute(statement + (" FOR UPDATE" if lock else ""), [facility_id]).fetchone()
    if row is None:
        fail("SRV-FACILITY-ABSENT", str(facility_id))
    return facility_of(row)


def facilities(
    tx: Tx, *, company_id: str | None = None, states: Collection[State] | None = None
) -> list[Facility]:
    """Facilities the scope may see, the newest first."""
    rows = tx.execute(
        "SELECT * FROM facility WHERE (%(company)s::text IS NULL OR company_id = %(company)s) "
        "AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s)) "
        "ORDER BY id DESC LIMIT %(most)s",
        {"most": MOST_LISTED, "company": company_id, "states": None if states is None else list(states)},
    )
    return [facility_of(row) for row in rows]
