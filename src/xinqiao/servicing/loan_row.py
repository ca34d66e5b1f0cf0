"""Loans, their events and instalments as they stand in the database: read only."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.errors import fail
from xinqiao.loan import engine
from xinqiao.loan.balances import Balances
from xinqiao.loan.event import Event, from_json
from xinqiao.loan.terms import Terms
from xinqiao.loan.terms import from_json as terms_from_json
from xinqiao.servicing.standing import Standing, State, totals_of

MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A loan (借据) as its row has it at the end of the day ``posted_on``; sums in CNY, ``rate`` a year."""

    id: UUID
    facility_id: UUID
    company_id: str
    institution_id: UUID
    product_id: str
    product_version: str
    terms: Terms
    state: State
    drawn_on: date
    matures_on: date
    rate: Decimal
    way: str
    class_: str
    restructured_on: date | None
    posted_on: date
    totals: Balances
    principal_cny: Decimal
    interest_cny: Decimal
    penalty_cny: Decimal
    fee_cny: Decimal
    credit_cny: Decimal
    allowance_cny: Decimal
    next_due: date | None
    unpaid_since: date | None
    days_past_due: int
    version: int

    @property
    def standing(self) -> Standing:
        """What the row says of how the loan stands; ``book.replayed`` works the same out from the events."""
        return Standing(**{each.name: getattr(self, each.name) for each in fields(Standing)})


@dataclass(frozen=True, slots=True)
class Booked:
    """An event as it was booked: number ``seq`` of its loan, on the business day ``booked_on``."""

    seq: int
    kind: str
    event: Event
    on: date
    booked_on: date
    at: datetime
    key: str | None
    by_side: str
    by_name: str


@dataclass(frozen=True, slots=True)
class Instalment:
    """An instalment as it stands: sums in CNY; ``paid_cny`` of all parts together."""

    n: int
    due: date
    principal_cny: Decimal
    interest_cny: Decimal
    fee_cny: Decimal
    penalty_cny: Decimal
    paid_cny: Decimal
    settled_on: date | None


def loan_of(row: Row) -> LoanRow:
    """The loan of a row."""
    told: dict[str, Any] = {each.name: row.get(each.name) for each in fields(LoanRow)}
    told |= {"terms": terms_from_json(row["terms"]), "totals": totals_of(row["totals"])}
    return LoanRow(**told | {"class_": row["class"]})


def loan(tx: Tx, loan_id: UUID, *, lock: bool = False) -> LoanRow:
    """A loan the scope may see; ``lock``: nobody else books on it meanwhile. Raises SRV-LOAN-ABSENT."""
    statement = "SELECT * FROM loan WHERE id = %s"
    row = tx.execute(statement + (" FOR UPDATE" if lock else ""), [loan_id]).fetchone()
    if row is None:
        fail("SRV-LOAN-ABSENT", str(loan_id))
    return loan_of(row)


def loans(
    tx: Tx,
    *,
    facility_id: UUID | None = None,
    company_id: str | None = None,
    product_id: str | None = None,
    state: State | None = None,
    class_: str | None = None,
    overdue: bool | None = None,
    limit: int = 100,
    after: UUID | None = None,
) -> list[LoanRow]:
    """Loans the scope may see, the newest first; ``after``: the id of the last one already had."""
    rows = tx.execute(
        "SELECT * FROM loan WHERE (%(facility)s::uuid IS NULL OR facility_id = %(facility)s) "
        "AND (%(company)s::text IS NULL OR company_id = %(company)s) "
        "AND (%(product)s::text IS NULL OR product_id = %(product)s) "
        "AND (%(state)s::text IS NULL OR state = %(state)s) "
        "AND (%(class)s::text IS NULL OR class = %(class)s) "
        "AND (%(overdue)s::bool IS NULL OR (unpaid_since IS NOT NULL) = %(overdue)s) "
        "AND (%(after)s::uuid IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s",
        {
            "facility": facility_id,
            "company": company_id,
            "product": product_id,
            "state": state,
            "class": class_,
            "overdue": overdue,
            "after": after,
            "limit": max(1, min(limit, MOST_LISTED)),
        },
    )
    return [loan_of(row) for row in rows]


def events(tx: Tx, loan_id: UUID) -> list[Booked]:
    """What happened to a loan, the first first."""
    rows = tx.execute("SELECT * FROM loan_event WHERE loan_id = %s ORDER BY seq", [loan_id])
    return [
        Booked(
            r["seq"],
            r["kind"],
            from_json(r["body"]),
            r["on_date"],
            r["booked_on"],
            r["at"],
            r["key"],
            r["by_side"],
            r["by_name"],
        )
        for r in rows
    ]


def instalments(tx: Tx, loan_id: UUID) -> list[Instalment]:
    """The schedule of a loan as it stands, the first instalment first."""
    names = ", ".join(each.name for each in fields(Instalment))
    rows = tx.execute(f"SELECT {names} FROM loan_instalment WHERE loan_id = %s ORDER BY n", [loan_id])  # noqa: S608 - our own names
    return [Instalment(**row) for row in rows]


def folded(tx: Tx, row: LoanRow) -> engine.Loan:
    """The loan worked out from its terms and events."""
    return engine.fold(row.terms, [each.event for each in events(tx, row.id)])
