"""Booking (记账): the one way an event reaches a loan.

In one transaction: the loan's row is locked, its events are folded with the new one, and the event, its
journal entries, limits, instalments and the row are written. A key makes sending twice count once.

Locks are always taken in one order: loan, facility, then limits in the order of ``line.ORDER``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.loan import engine
from xinqiao.loan.balances import Balances, Posting, postings
from xinqiao.loan.engine import Loan
from xinqiao.loan.event import Disburse, Event, Restructure, Reverse, kind_of, to_json
from xinqiao.loan.terms import Terms
from xinqiao.loan.terms import to_json as terms_to_json
from xinqiao.servicing import accruing, line, loan_webhook
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.entry import ACCRUAL, COUNTER, About, enter, lines_of
from xinqiao.servicing.facility_row import Facility
from xinqiao.servicing.loan_row import (
    Booked,
    Instalment,
    LoanRow,
    events,
    folded,
    instalments,
    loan,
    loans,
)
from xinqiao.servicing.standing import Standing, columns, standing, totals_json

__all__ = [
    "Booked",
    "Instalment",
    "LoanRow",
    "begin",
    "booked",
    "engine_loan",
    "events",
    "instalments",
    "known",
    "loan",
    "loans",
    "post",
    "replayed",
    "would_enter",
]


@dataclass(frozen=True, slots=True)
class _Writing:
    """One event on its way into the books."""

    actor: Actor
    event: Event
    key: str | None
    booked_on: date
    seq: int


def post(tx: Tx, actor: Actor, loan_id: UUID, event: Event, *, key: str | None = None) -> Loan:
    """Book ``event`` on a loan that ``actor`` may see, and give the loan with it.

    ``key``: whoever sends the same event with it again is answered without booking it again. Raises
    UserError SRV-LOAN-ABSENT, SRV-DAY (later than the business day), SRV-KEY-STATE (the key stands for
    something else), and LON-* where the loan can't take the event.
    """
    loan(tx, loan_id)
    with acting(tx, SYSTEM):
        row = loan(tx, loan_id, lock=True)
        if _known(tx, row, event, key):
            return folded(tx, row)
        day = business_day(tx, row.institution_id)
        if event.on > day:
            fail("SRV-DAY", str(loan_id), on=event.on, day=day)
        was = folded(tx, row)
        became = engine.apply(was, event)
        writing = _Writing(actor, event, key, day, row.version + 1)
        _book(tx, row, writing, was, became)
    audit.note(tx, actor, f"loan.{kind_of(event)}", str(loan_id), {"seq": writing.seq, "on": str(event.on)})
    return became


def begin(
    tx: Tx, facility: Facility, terms: Terms, event: Disburse, *, by: Actor, key: str | None = None
) -> UUID:
    """A new loan by its drawing (scope SYSTEM, ``facility`` locked); limits are taken last.

    Raises UserError SRV-LIMIT-STATE, LON-*.
    """
    made, day = new_id(), business_day(tx, facility.institution_id)
    became = engine.apply(engine.begin(terms), event)
    found = standing(became, event.on)
    told = {
        "id": made,
        "facility_id": facility.id,
        "company_id": facility.company_id,
        "institution_id": facility.institution_id,
        "product_id": facility.product_id,
        "product_version": facility.product_version,
        "terms": Jsonb(terms_to_json(terms)),
        "totals": Jsonb(totals_json(found.totals)),
        "drawn_on": event.on,
        **columns(found),
    }
    places = ", ".join(f"%({name})s" for name in told)
    tx.execute(f"INSERT INTO loan ({', '.join(told)}) VALUES ({places})", told)  # noqa: S608 - own names
    row = loan(tx, made)
    writing = _Writing(by, event, key, day, 1)
    _tell(tx, row, writing)
    about = About(row.institution_id, day, kind_of(event), made, 1)
    enter(tx, about, postings(found.totals))
    _instalments(tx, row, became, found.posted_on)
    accruing.keep(tx, made, became, found.posted_on)
    line.take(tx, facility, event.amount)
    return made


def engine_loan(tx: Tx, loan_id: UUID) -> Loan:
    """The loan as the engine has it, folded from its events. Raises UserError SRV-LOAN-ABSENT."""
    return folded(tx, loan(tx, loan_id))


def replayed(tx: Tx, loan_id: UUID) -> Standing:
    """How the loan stands by its events alone; ``LoanRow.standing`` must be equal.

    The loss allowance is no event of the loan: it is taken from the row. Raises UserError SRV-LOAN-ABSENT.
    """
    row = loan(tx, loan_id)
    return standing(folded(tx, row), row.posted_on, allowance=row.totals.allowance)


def would_enter(tx: Tx, loan_id: UUID, event: Event) -> tuple[tuple[Posting, ...], tuple[Posting, ...]]:
    """What booking ``event`` would enter: what accrues until its day, and the event (no reversal) itself.

    Nothing is booked. Raises UserError SRV-LOAN-ABSENT, LON-*.
    """
    row = loan(tx, loan_id)
    was = folded(tx, row)
    before, after = _sides(row, event, was, engine.apply(was, event))
    return postings(before.totals - row.totals), postings(after.totals - before.totals)


def known(tx: Tx, institution_id: UUID, key: str | None) -> tuple[UUID, Booked] | None:
    """The loan and the event an institution's key stands for (scope SYSTEM)."""
    if key is None:
        return None
    row = tx.execute(
        "SELECT loan_id, seq FROM loan_event WHERE institution_id = %s AND key = %s", [institution_id, key]
    ).fetchone()
    if row is None:
        return None
    return row["loan_id"], next(each for each in events(tx, row["loan_id"]) if each.seq == row["seq"])


def booked(tx: Tx, row: LoanRow, key: str | None) -> Booked | None:
    """What was booked on a loan with a key before."""
    return None if key is None else next((each for each in events(tx, row.id) if each.key == key), None)


def _known(tx: Tx, row: LoanRow, event: Event, key: str | None) -> bool:
    found = known(tx, row.institution_id, key)
    if found is None:
        return False
    # sent again after the business day went on, it is the same all the same
    if found[0] != row.id or replace(event, on=found[1].event.on) != found[1].event:
        fail("SRV-KEY-STATE", str(key)[:80])
    return True


def _book(tx: Tx, row: LoanRow, writing: _Writing, was: Loan, became: Loan) -> None:
    before, after = _sides(row, writing.event, was, became)
    on = after.posted_on
    _tell(tx, row, writing)
    _enter(tx, row, writing, before.totals, after.totals)
    told = columns(after) | {"totals": Jsonb(totals_json(after.totals)), "version": writing.seq}
    if isinstance(writing.event, Restructure):
        told["restructured_on"] = writing.event.on
    pairs = ", ".join(f"{name} = %({name})s" for name in told)
    statement = f"UPDATE loan SET {pairs} WHERE id = %(_id)s"  # noqa: S608 - our own names
    tx.execute(statement, told | {"_id": row.id})
    _instalments(tx, row, became, on)
    accruing.keep(tx, row.id, became, on)
    line.give_back(tx, row.facility_id, row.standing.drawn_cny - after.drawn_cny)


def _sides(row: LoanRow, event: Event, was: Loan, became: Loan) -> tuple[Standing, Standing]:
    """How the loan stands on the day of an event without it, and with it."""
    on = max(row.posted_on, event.on)
    before = standing(was, on, allowance=row.totals.allowance)
    return before, standing(became, on, allowance=row.totals.allowance)


def _enter(tx: Tx, row: LoanRow, writing: _Writing, before: Balances, after: Balances) -> None:
    """What accrued until the day of the event, then the event; a reversal counters its event's entries."""
    about = About(row.institution_id, writing.booked_on, kind_of(writing.event), row.id, writing.seq)
    enter(tx, replace(about, kind=ACCRUAL), postings(before - row.totals))
    if not isinstance(writing.event, Reverse):
        enter(tx, about, postings(after - before))
        return
    left = {posting.account: posting.amount for posting in postings(after - before)}
    for entry, lines in lines_of(tx, row.id, writing.event.seq):
        countered = [Posting(p.account, -p.amount) for p in lines]
        enter(tx, replace(about, kind=COUNTER), countered, counters=entry)
        for posting in lines:
            left[posting.account] = left.get(posting.account, Decimal(0)) + posting.amount
    enter(tx, about, [Posting(account, amount) for account, amount in left.items() if amount])


def _tell(tx: Tx, row: LoanRow, writing: _Writing) -> None:
    """The event itself, and the news of it for the bank's programs."""
    tx.execute(
        "INSERT INTO loan_event (loan_id, seq, company_id, institution_id, kind, on_date, booked_on, at, "
        "body, key, by_side, by_name) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            row.id,
            writing.seq,
            row.company_id,
            row.institution_id,
            kind_of(writing.event),
            writing.event.on,
            writing.booked_on,
            now(),
            Jsonb(to_json(writing.event)),
            writing.key,
            writing.actor.side,
            writing.actor.name,
        ],
    )
    loan_webhook.told(tx, row, writing.seq, writing.event, writing.booked_on)


def _instalments(tx: Tx, row: LoanRow, became: Loan, on: date) -> None:
    """The schedule as it stands now, in place of the one before."""
    found = engine.rows(became, on)
    columns_of = ("n", "due", "principal", "interest", "fee", "penalty", "paid", "settled_on")
    kinds = ("int", "date", "numeric", "numeric", "numeric", "numeric", "numeric", "date")
    given = ", ".join(f"%s::{kind}[]" for kind in kinds)
    names = "due", "principal_cny", "interest_cny", "fee_cny", "penalty_cny", "paid_cny", "settled_on"
    changed = ", ".join(f"{name} = excluded.{name}" for name in names)
    tx.execute("DELETE FROM loan_instalment WHERE loan_id = %s AND n > %s", [row.id, len(found)])
    tx.execute(
        "INSERT INTO loan_instalment AS i (loan_id, company_id, institution_id, n, "  # noqa: S608 - own names
        f"{', '.join(names)}) SELECT %s, %s, %s, t.* FROM unnest({given}) AS t "
        f"ON CONFLICT (loan_id, n) DO UPDATE SET {changed} WHERE i IS DISTINCT FROM excluded",
        [
            *(row.id, row.company_id, row.institution_id),
            *([getattr(each, name) for each in found] for name in columns_of),
        ],
    )
