"""Yearly reviews (年度重评): a facility that runs longer than its product's interval is judged again in time.

A timer makes the task some weeks ahead; an officer keeps the facility or freezes it, and says on what ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database, Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.servicing.facility import freeze

AHEAD_DAYS = 30
LEAST_NOTE_CHARS = 5
PATH = "/bank/annual-reviews"
Outcome = Literal["kept", "frozen"]


@dataclass(frozen=True, slots=True)
class Review:
    """A review with the facility it is of; ``outcome`` None: still to be done."""

    id: UUID
    facility_id: UUID
    company_id: str
    company: str
    product_id: str
    product_version: str
    amount_cny: float
    term_months: int
    due_on: date
    outcome: Outcome | None
    note: str | None
    done_name: str | None
    done_at: datetime | None


@jobs.every("10 17 * * *", "servicing.annual_review")
def make(database: Database) -> None:
    """Make the tasks of all institutions that are due within ``AHEAD_DAYS``."""
    with database.transaction(SYSTEM) as tx:
        make_due(tx, today())


def make_due(tx: Tx, on: date) -> int:
    """Make what is due by ``AHEAD_DAYS`` after ``on`` (scope SYSTEM); how many. Twice makes nothing more."""
    made: dict[UUID, int] = {}
    groups = tx.execute(
        "SELECT p.institution_id, p.product_id, p.version AS product_version FROM institution_product p "
        "WHERE EXISTS (SELECT FROM facility f WHERE f.state <> 'closed' AND f.institution_id = "
        "p.institution_id AND f.product_id = p.product_id AND f.product_version = p.version)"
    ).fetchall()
    for group in groups:
        product = product_of(tx, *group.values())
        count = _make(tx, list(group.values()), product.file.tenor.review_months, on)
        made[group["institution_id"]] = made.get(group["institution_id"], 0) + count
    for institution, count in made.items():
        if count:
            text = Text(zh=f"{count} 笔授信须年度重评", en=f"{count} facilities are to be judged again")
            notify(tx, to_institution=institution, role="bank.officer", text=text, link=PATH)
    return sum(made.values())


def _make(tx: Tx, group: list[object], months: int, on: date) -> int:
    """The tasks of one product's facilities; of several missed ones only the latest."""
    rows = tx.execute(
        "SELECT id, institution_id, valid_from, term_months FROM facility WHERE state <> 'closed' "
        "AND institution_id = %s AND product_id = %s AND product_version = %s AND term_months > %s",
        [*group, months],
    ).fetchall()
    count = 0
    for row in rows:
        due = _due(row["valid_from"], row["term_months"], months, on + timedelta(days=AHEAD_DAYS))
        if due is not None:
            count += tx.execute(
                "INSERT INTO annual_review (id, facility_id, institution_id, due_on, made_at) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [new_id(), row["id"], row["institution_id"], due, now()],
            ).rowcount
    return count


def _due(begins: date, term: int, months: int, by: date) -> date | None:
    """The last day by ``by`` on which a review falls, before the term ends."""
    days = [add_months(begins, passed) for passed in range(months, term, months)]
    return max((day for day in days if day <= by), default=None)


_SELECT = (
    "SELECT r.id, r.facility_id, f.company_id, coalesce(c.name, f.company_id) AS company, f.product_id, "
    "f.product_version, f.amount_cny, f.term_months, r.due_on, r.outcome, r.note, r.done_name, r.done_at "
    "FROM annual_review r JOIN facility f ON f.id = r.facility_id "
    "LEFT JOIN company c ON c.id = f.company_id "
)


def reviews(tx: Tx, most: int = 300) -> list[Review]:
    """The institution's reviews: those to be done first, by the day they are due; then the last ones done."""
    rows = tx.execute(
        _SELECT + "ORDER BY r.outcome IS NOT NULL, CASE WHEN r.outcome IS NULL THEN r.due_on END, "
        "r.done_at DESC LIMIT %s",
        [most],
    )
    return [Review(**row) for row in rows]


def finish(tx: Tx, actor: Actor, review_id: UUID, outcome: Outcome, note: str) -> None:
    """Keep the facility, or freeze it, and say why.

    Raises UserError SRV-REVIEW-ABSENT, SRV-REVIEW-STATE, SRV-REVIEW-NOTE, SRV-FACILITY-STATE.
    """
    if len(note.strip()) < LEAST_NOTE_CHARS:
        fail("SRV-REVIEW-NOTE", str(review_id))
    row = tx.execute(
        "SELECT facility_id, outcome FROM annual_review WHERE id = %s FOR UPDATE", [review_id]
    ).fetchone()
    if row is None:
        fail("SRV-REVIEW-ABSENT", str(review_id))
    if row["outcome"] is not None:
        fail("SRV-REVIEW-STATE", str(review_id))
    if outcome == "frozen":
        freeze(tx, actor, row["facility_id"], note)
    tx.execute(
        "UPDATE annual_review SET outcome = %s, note = %s, done_by = %s, done_name = %s, done_at = %s "
        "WHERE id = %s",
        [outcome, note.strip(), actor.person, actor.name, now(), review_id],
    )
    audit.note(tx, actor, "facility.reviewed", str(row["facility_id"]), {"outcome": outcome})
