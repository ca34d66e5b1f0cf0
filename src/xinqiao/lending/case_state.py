"""A case and how it moves: one row with a version, and the event that made each version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db import jobs
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.lending.case_event import put_out
from xinqiao.lending.machine import machine

DUE = "case.due"
"""The job that looks whether a deadline was met."""
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Case:
    """An application of one firm for one product of one institution, from the click to its end."""

    id: UUID
    request_id: UUID
    company_id: str
    institution_id: UUID
    product_id: str
    product_version: str
    amount_cny: Decimal
    term_months: int
    use: str
    answers: Mapping[str, Any]
    grant_id: UUID | None
    applied_by: UUID
    state: str
    version: int
    made_at: datetime
    applied_at: datetime | None
    decided_at: datetime | None
    closed_at: datetime | None
    due_at: datetime | None
    escalated: int
    deadlines: Mapping[str, int]
    handler: str | None
    handler_id: str | None
    automatic: bool
    human_review: bool
    decision_id: str | None

    @property
    def state_name(self) -> Text:
        """The state in words."""
        return machine().states[self.state].name

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.state in machine().open_states

    @property
    def is_agreed(self) -> bool:
        """Whether an offer was accepted and still holds."""
        return machine().states[self.state].agreed

    @property
    def overdue(self) -> bool:
        """Whether its state should have ended before now."""
        return self.due_at is not None and self.due_at <= now()


_NAMES = tuple(field.name for field in fields(Case))


def case_of(row: Row) -> Case:
    """The case of a row of ``lending_case``."""
    return Case(**{name: row[name] for name in _NAMES})


def get(tx: Tx, case_id: UUID) -> Case:
    """A case the scope may see. Raises UserError LND-CASE-ABSENT."""
    row = tx.execute("SELECT * FROM lending_case WHERE id = %s", [case_id]).fetchone()
    if row is None:
        fail("LND-CASE-ABSENT", str(case_id))
    return case_of(row)


def opened(tx: Tx, case_id: UUID, version: int) -> Case:
    """The case as somebody saw it. Raises UserError LND-CASE-ABSENT, LND-VERSION-STATE (it has moved on)."""
    case = get(tx, case_id)
    if case.version != version:
        fail("LND-VERSION-STATE", str(case_id), state=case.state_name)
    return case


def cases(
    tx: Tx, *, states: Collection[str] | None = None, limit: int = 100, after: UUID | None = None
) -> list[Case]:
    """Cases the scope may see, the newest first; ``after``: the id of the last one already had."""
    rows = tx.execute(
        "SELECT * FROM lending_case WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s)) "
        "AND (%(after)s::uuid IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s",
        {
            "states": None if states is None else list(states),
            "after": after,
            "limit": max(1, min(limit, MOST_LISTED)),
        },
    )
    return [case_of(row) for row in rows]


def start(tx: Tx, actor: Actor, transition: str, row: Mapping[str, Any]) -> Case:
    """A new case by its first ``transition``; ``row``: the columns that are given."""
    at = now()
    state = machine().target(transition, "", str(row["id"]))
    told = {
        **row,
        "state": state,
        "made_at": at,
        "due_at": machine().due(state, row["deadlines"], at),
        "deadlines": Jsonb(row["deadlines"]),
        "answers": Jsonb(row["answers"]),
    }
    statement = sql.SQL("INSERT INTO lending_case ({}) VALUES ({}) RETURNING *").format(
        sql.SQL(", ").join(map(sql.Identifier, told)), sql.SQL(", ").join(map(sql.Placeholder, told))
    )
    made = tx.execute(statement, told).fetchone()
    assert made is not None  # noqa: S101 - INSERT without ON CONFLICT returns its row
    case = case_of(made)
    _tell(tx, actor, case, transition, was="", body={})
    return case


def move(
    tx: Tx,
    actor: Actor,
    case: Case,
    transition: str,
    body: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - columns of the row
) -> Case:
    """Take ``case`` one step on, with ``changes`` of its row. ``body``: what both sides may know of the step.

    Raises UserError LND-MOVE-STATE (no such way), LND-VERSION-STATE (somebody else was first).
    """
    state, at = machine().target(transition, case.state, str(case.id)), now()
    told = {"state": state, "version": case.version + 1, **changes}
    if state != case.state:
        told |= {"due_at": machine().due(state, dict(case.deadlines), at), "escalated": 0}
        told["closed_at"] = None if state in machine().open_states else at
        if state in ("offered", "refused") and case.decided_at is None:
            told["decided_at"] = at
    pairs = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in told)
    statement = sql.SQL(
        "UPDATE lending_case SET {} WHERE id = %(_id)s AND version = %(_version)s RETURNING *"
    )
    row = tx.execute(statement.format(pairs), told | {"_id": case.id, "_version": case.version}).fetchone()
    if row is None:
        fail("LND-VERSION-STATE", str(case.id), state=get(tx, case.id).state_name)
    moved = case_of(row)
    _tell(tx, actor, moved, transition, was=case.state, body=body or {})
    return moved


def _tell(tx: Tx, actor: Actor, case: Case, transition: str, *, was: str, body: Mapping[str, Any]) -> None:
    """The event of a step, with all that hangs on it: outbox, deadline, notices."""
    event = new_id()
    tx.execute(
        "INSERT INTO case_event (id, case_id, seq, transition, from_state, to_state, at, by_side, by_name, "
        "by_person, company_id, institution_id, body) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            event,
            case.id,
            case.version,
            transition,
            was,
            case.state,
            now(),
            actor.side,
            actor.name,
            actor.person,
            case.company_id,
            case.institution_id,
            Jsonb(dict(body)),
        ],
    )
    put_out(tx, event)
    if case.due_at is not None and (was != case.state or transition == "escalate"):
        jobs.defer(tx, DUE, at=case.due_at, case_id=str(case.id), due=case.due_at.isoformat())
    _notify(tx, case, transition)


def _notify(tx: Tx, case: Case, transition: str) -> None:
    way = machine().transitions[transition]
    number, amount = str(case.id)[-8:], f"{case.amount_cny:,.2f}"
    text = Text(
        zh=f"{way.name.zh}：{amount} 元，申请 {number}",
        en=f"{way.name.en}: CNY {amount}, application {number}",
    )
    for whom in way.tell:
        if whom == "company":
            notify(tx, to_company=case.company_id, text=text, link=f"/enterprise/applications/{case.id}")
        else:
            link = f"/bank/cases/{case.id}"
            notify(tx, to_institution=case.institution_id, role=whom, text=text, link=link)


def cases_of_request(tx: Tx, request_id: UUID) -> list[Case]:
    """All cases of one need that the scope may see, the first first."""
    rows = tx.execute("SELECT * FROM lending_case WHERE request_id = %s ORDER BY id", [request_id])
    return [case_of(row) for row in rows]
