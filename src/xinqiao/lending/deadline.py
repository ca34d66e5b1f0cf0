"""Deadlines of cases: a job looks at each whether the state ended in time, else escalates or expires it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import every, job
from xinqiao.kernel.clock import now
from xinqiao.lending.case_state import DUE, Case, case_of, get, move
from xinqiao.lending.deciding import platform_actor
from xinqiao.lending.hand_on import go_on
from xinqiao.lending.machine import machine
from xinqiao.lending.offer_state import close_offer

MOST_AT_ONCE = 500


@job(DUE)
def due(database: Database, case_id: str, due: str) -> None:
    """Look at one case whose deadline ``due`` has come; does nothing where it has moved on."""
    with database.transaction(SYSTEM) as tx:
        case = get(tx, UUID(case_id))
        if case.due_at == datetime.fromisoformat(due):
            look(tx, case)


def look(tx: Tx, case: Case) -> Case:
    """Hand on, escalate or expire ``case`` where it is late (scope SYSTEM)."""
    at_due = machine().states[case.state].at_due
    if not case.overdue or at_due is None:
        return case
    by = platform_actor(case.institution_id)
    if at_due == "expire":
        close_offer(tx, case.id, "expired")
        return move(tx, by, case, "expire")
    gone = go_on(tx, by, case)
    if gone is not None:
        return gone
    count = case.escalated + 1
    again = machine().due(case.state, dict(case.deadlines), now())
    return move(tx, by, case, "escalate", {"count": count}, escalated=count, due_at=again)


@every("*/10 * * * *", "case.sweep")
def sweep(database: Database) -> None:
    """Look at every late case: what a lost job or a stopped clock left behind."""
    while True:
        with database.transaction(SYSTEM) as tx:
            rows = tx.execute(
                "SELECT * FROM lending_case WHERE due_at <= %s "
                "ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED",
                [now(), MOST_AT_ONCE],
            ).fetchall()
            moved = sum(look(tx, case_of(row)).version != row["version"] for row in rows)
        if len(rows) < MOST_AT_ONCE or not moved:
            return
