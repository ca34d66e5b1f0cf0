"""Day-end (日终): every open loan of an institution brought to the end of its business day.

The next day opens first, so bookings go on; then loans are taken in batches of ascending ids, a transaction
each with one entry: most by their lines in the database, the others by the engine. After that debtors are
classified and reminders sent. Every part can be killed and run again: what is done is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import defer, every, job
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.loan.balances import Balances, postings
from xinqiao.loan.classification import Class
from xinqiao.servicing import accruing, classing, day_lines, provision, rate_reset, reminder
from xinqiao.servicing.business_day import business_day, open_next
from xinqiao.servicing.day_lines import LAST, Batch, enter_parts
from xinqiao.servicing.entry import ACCRUAL, About, enter
from xinqiao.servicing.loan_row import LoanRow, folded, loan
from xinqiao.servicing.standing import Standing, columns, standing, totals_json, written_off

__all__ = [
    "DayEnd",
    "Progress",
    "State",
    "business_day",
    "close_next",
    "nightly",
    "run",
    "run_until",
    "state",
]

BATCH = 5000
JOB = "servicing.day_end_one"
WORKERS = 2
TRIES = 5
FIRST = UUID(int=0)
BEGIN, ACCRUE, END = "begin", "accrue", "end"
Progress = Callable[[int, int], None]
"""Told of batches done and of all."""


_NEXT = """
    SELECT coalesce(
      (SELECT least(b.day, coalesce(
        (SELECT max(e.day) + 1 FROM day_end_batch e WHERE e.institution_id = %(id)s AND e.step = %(end)s),
        (SELECT min(e.day) FROM day_end_batch e WHERE e.institution_id = %(id)s)))
      FROM business_day b WHERE b.institution_id = %(id)s),
      (SELECT min(l.posted_on) FROM loan l WHERE l.institution_id = %(id)s)) AS day
"""


@dataclass(frozen=True, slots=True)
class DayEnd:
    """What a run did: loans brought to the day's end, of them by the engine, classes changed, reminders.

    ``again``: the day was closed before, and nothing was done.
    """

    day: date
    loans: int
    by_engine: int
    reclassified: int
    reminders: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The open business day, the last one closed and when, and one begun but not finished."""

    day: date
    closed: date | None
    closed_at: datetime | None
    half_done: date | None


def run(
    database: Database,
    institution_id: UUID,
    day: date,
    *,
    batch: int = BATCH,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> DayEnd:
    """Close the business day ``day`` of an institution and open the next; run again it goes on.

    Raises UserError SRV-DAY-END-STATE (an earlier day is still open, or another run is at work).
    """
    with _alone(database, institution_id):
        if _begin(database, institution_id, day):
            return DayEnd(day, 0, 0, 0, 0, again=True)
        rate_reset.reset(database, institution_id, day)
        with database.transaction(SYSTEM) as tx:
            rates = provision.rates(tx, institution_id, day)
            edges = _edges(tx, institution_id, batch)
        todo = [
            Batch(institution_id, day, a, b, rates) for a, b in zip(edges, [*edges[1:], LAST], strict=True)
        ]
        loans = by_engine = 0
        with ThreadPoolExecutor(workers) as pool:
            for done, (advanced, worked) in enumerate(pool.map(lambda each: _batch(database, each), todo), 1):
                loans, by_engine = loans + advanced + worked, by_engine + worked
                if progress is not None:
                    progress(done, len(todo))
        changed = classing.judge(database, institution_id, day, rates)
        with database.transaction(SYSTEM) as tx:
            sent = reminder.send(tx, institution_id, day)
            _mark(tx, institution_id, day, step=END, from_id=FIRST, loans=loans)
    return DayEnd(day, loans, by_engine, changed, sent)


def run_until(
    database: Database, institution_id: UUID, until: date, *, progress: Progress | None = None
) -> list[DayEnd]:
    """Close every open business day of an institution up to ``until``; what was left half done first."""
    with database.transaction(SYSTEM) as tx:
        row = tx.execute(_NEXT, {"end": END, "id": institution_id}).fetchone()
    day = row["day"] if row and row["day"] else until
    done = []
    while day <= until:
        done.append(run(database, institution_id, day, progress=progress))
        day += timedelta(days=1)
    return done


@every("10 17 * * *", "servicing.day_end")
def nightly(database: Database) -> None:
    """At ten past one in China: the days before today, of every institution that has lent."""
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute("SELECT DISTINCT institution_id AS id FROM facility ORDER BY 1").fetchall()
    for row in rows:
        run_until(database, row["id"], today() - timedelta(days=1))


def close_next(tx: Tx, actor: Actor) -> date:
    """Queue the day-end of the open business day of the actor's institution; the day.

    Raises UserError SRV-DAY-END-STATE where the day is not over yet or a day-end is at work.
    """
    if actor.institution is None:
        fail("ACC-FORBIDDEN", JOB, permission="day-end")
    found = state(tx, actor.institution)
    day = found.half_done or found.day
    if day > today():
        fail("SRV-DAY-END-STATE", str(day), day=day)
    defer(tx, JOB, lock=f"day-end:{actor.institution}", institution=str(actor.institution), day=str(day))
    audit.note(tx, actor, "day_end.queued", str(day))
    return day


@job(JOB)
def close(database: Database, institution: str, day: str) -> None:
    """Close one business day."""
    run(database, UUID(institution), date.fromisoformat(day))


def state(tx: Tx, institution_id: UUID) -> State:
    """Where an institution's day-end stands."""
    row = tx.execute(
        "SELECT max(day) FILTER (WHERE step = %(end)s) AS closed, max(day) AS last, "
        "max(done_at) FILTER (WHERE step = %(end)s) AS closed_at FROM day_end_batch "
        "WHERE institution_id = %(id)s",
        {"end": END, "id": institution_id},
    ).fetchone()
    day = business_day(tx, institution_id)
    if row is None or row["last"] is None:
        return State(day, None, None, half_done=None)
    half = row["last"] if row["last"] != row["closed"] else None
    return State(day, row["closed"], row["closed_at"], half_done=half)


@contextmanager
def _alone(database: Database, institution_id: UUID) -> Iterator[None]:
    """One run at a time: the lock is the connection's, so a killed run gives it back."""
    with database.transaction(SYSTEM) as tx:
        key = int.from_bytes(institution_id.bytes[8:], signed=True)
        row = tx.execute("SELECT pg_try_advisory_xact_lock(%s) AS got", [key]).fetchone()
        if row is None or not row["got"]:
            fail("SRV-DAY-END-STATE", str(institution_id), day=business_day(tx, institution_id))
        yield


def _begin(database: Database, institution_id: UUID, day: date) -> bool:
    """Open the next day; True where the day was closed before."""
    with database.transaction(SYSTEM) as tx:
        row = tx.execute(
            "SELECT day FROM business_day WHERE institution_id = %s", [institution_id]
        ).fetchone()
        if row is not None and row["day"] < day:
            fail("SRV-DAY-END-STATE", str(institution_id), day=row["day"])
        if row is not None and row["day"] > day:
            return _done(tx, institution_id, day, END, FIRST)
        open_next(tx, institution_id, day + timedelta(days=1))
        _mark(tx, institution_id, day, step=BEGIN, from_id=FIRST, loans=0)
        return False


def _edges(tx: Tx, institution_id: UUID, batch: int) -> list[UUID]:
    """The first id of every batch: the same ones however often the day is run."""
    edges, last = [FIRST], FIRST
    while True:
        row = tx.execute(
            "SELECT id FROM loan WHERE institution_id = %s AND id >= %s ORDER BY id OFFSET %s LIMIT 1",
            [institution_id, last, batch],
        ).fetchone()
        if row is None:
            return edges
        last = row["id"]
        edges.append(last)


def _done(tx: Tx, institution_id: UUID, day: date, step: str, from_id: UUID) -> bool:
    row = tx.execute(
        "SELECT 1 FROM day_end_batch WHERE institution_id = %s AND day = %s AND step = %s AND from_id = %s",
        [institution_id, day, step, from_id],
    ).fetchone()
    return row is not None


def _mark(tx: Tx, institution_id: UUID, day: date, *, step: str, from_id: UUID, loans: int) -> None:
    tx.execute(
        "INSERT INTO day_end_batch (institution_id, day, step, from_id, done_at, loans) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [institution_id, day, step, from_id, now(), loans],
    )


def _batch(database: Database, batch: Batch) -> tuple[int, int]:
    """One batch in a transaction of its own; tried again where it and a booking waited for each other."""
    for attempt in range(TRIES):
        try:
            with database.transaction(SYSTEM) as tx:
                if _done(tx, batch.institution_id, batch.day, ACCRUE, batch.from_id):
                    return 0, 0
                worked = _by_engine(tx, batch, day_lines.left(tx, batch))
                advanced = day_lines.advance(tx, batch)
                total = worked + advanced
                _mark(tx, batch.institution_id, batch.day, step=ACCRUE, from_id=batch.from_id, loans=total)
                return advanced, worked
        except psycopg.errors.DeadlockDetected:
            if attempt == TRIES - 1:
                raise
    return 0, 0


def _by_engine(tx: Tx, batch: Batch, ids: list[UUID]) -> int:
    """Loans that the engine works out; their parts go into one entry, but what only one loan has."""
    parts: list[tuple[UUID, Balances]] = []
    for loan_id in ids:
        row = loan(tx, loan_id, lock=True)
        if row.posted_on > batch.day or row.state != "open":
            continue
        change = _advance(tx, batch, row)
        if change is not None:
            parts.append((loan_id, change))
    enter_parts(tx, batch.institution_id, batch.day, parts)
    return len(ids)


def _advance(tx: Tx, batch: Batch, row: LoanRow) -> Balances | None:
    """One loan at the end of the day by its events; what accrued, None where it has an entry of its own."""
    folded_ = folded(tx, row)
    found = standing(folded_, batch.day, allowance=row.totals.allowance)
    wanted = provision.needed(found.totals.principal, _class(row), batch.rates) + written_off(found.totals)
    found = replace(found, totals=replace(found.totals, allowance=wanted))
    _write(tx, row.id, found)
    accruing.keep(tx, row.id, folded_, batch.day)
    change = found.totals - row.totals
    rest = replace(change, **dict.fromkeys(("interest_earned", "penalty_earned", "allowance"), Decimal(0)))
    if postings(rest):
        enter(tx, About(batch.institution_id, batch.day, ACCRUAL, row.id), postings(change))
        return None
    return change


def _class(row: LoanRow) -> Class:
    return row.class_  # type: ignore[return-value] # the table checks it


def _write(tx: Tx, loan_id: UUID, found: Standing) -> None:
    told = columns(found) | {"totals": Jsonb(totals_json(found.totals)), "id": loan_id}
    pairs = ", ".join(f"{name} = %({name})s" for name in told if name != "id")
    tx.execute(f"UPDATE loan SET {pairs} WHERE id = %(id)s", told)  # noqa: S608 - our own names
