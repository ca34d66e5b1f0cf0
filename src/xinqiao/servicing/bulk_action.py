"""A measure of policy on many loans at once (批量政策措施): previewed, decided by two people, done as a job.

The list is fixed when it is proposed. Before it is decided it can be withdrawn; once done it is undone by
counter-entries, again by two people, where nothing happened to the loan since. ``bulk_work`` does the work.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account import approval, audit
from xinqiao.account.actor import Actor
from xinqiao.account.approval import Outcome
from xinqiao.account.notice import notify
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.db.jobs import defer
from xinqiao.evidence import log
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.servicing.bulk_choice import (
    Choice,
    Measure,
    choice_json,
    choice_of,
    measure_json,
    measure_of,
    preview,
)
from xinqiao.servicing.business_day import business_day

KIND, UNDO_KIND = "bulk.action", "bulk.undo"
JOB, UNDO_JOB = "servicing.bulk_action", "servicing.bulk_undo"
MOST_WORDS = 200
ZERO = Decimal(0)
State = Literal["proposed", "refused", "withdrawn", "running", "done", "undoing", "undone"]
STATES: dict[str, Text] = {
    "proposed": Text(zh="待复核", en="waits for a second person"),
    "refused": Text(zh="未同意", en="refused"),
    "withdrawn": Text(zh="已撤回", en="withdrawn"),
    "running": Text(zh="执行中", en="being done"),
    "done": Text(zh="已执行", en="done"),
    "undoing": Text(zh="撤销中", en="being undone"),
    "undone": Text(zh="已撤销", en="undone"),
}
LOAN_STATES: dict[str, Text] = {
    "waiting": Text(zh="等待", en="waiting"),
    "done": Text(zh="已执行", en="done"),
    "failed": Text(zh="未能执行", en="could not be done"),
    "undone": Text(zh="已撤销", en="undone"),
    "kept": Text(zh="保留（其后已有变动）", en="kept: something happened since"),
}


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A measure and where it stands. ``counts``: its loans by state; ``extra_cny``: what was done came to."""

    id: UUID
    institution_id: UUID
    title: str
    choice: Choice
    measure: Measure
    approval_id: UUID
    undo_approval_id: UUID | None
    proposed_by: UUID
    proposer: str
    undo_proposed_by: UUID | None
    state: State
    proposed_at: datetime
    principal_cny: Decimal
    cost_cny: Decimal
    extra_cny: Decimal
    loans: int
    counts: dict[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class BulkLoan:
    """One loan of a measure."""

    loan_id: UUID
    company_id: str
    company: str
    principal_cny: Decimal
    cost_cny: Decimal
    extra_cny: Decimal | None
    state: str
    note: str


def propose(tx: Tx, actor: Actor, title: str, choice: Choice, measure: Measure, *, seen: str) -> UUID:
    """Put a measure up for a second person; ``seen``: the digest of the preview the first one saw.

    Raises UserError SRV-REASON (no title), SRV-BULK, SRV-BULK-EMPTY, SRV-BULK-STATE (the list is another by
    now), ACC-TWO-FORBIDDEN.
    """
    if not title.strip():
        fail("SRV-REASON", "title")
    if actor.institution is None:
        fail("ACC-TWO-FORBIDDEN", KIND)
    found = preview(tx, actor.institution, choice, measure, business_day(tx, actor.institution))
    if not found.loans:
        fail("SRV-BULK-EMPTY", "choice")
    if found.digest != seen:
        fail("SRV-BULK-STATE", "choice")
    made = new_id()
    body = {
        "title": title.strip()[:MOST_WORDS],
        "choice": choice_json(choice),
        "measure": measure_json(measure),
        "loans": len(found.loans),
        "principal_cny": str(found.principal_cny),
        "cost_cny": str(found.cost_cny),
        "digest": found.digest,
    }
    approved = approval.propose(tx, actor, KIND, str(made), body)
    tx.execute(
        "INSERT INTO bulk_action (id, institution_id, title, choice, measure, approval_id, state, "
        "proposed_at, principal_cny, cost_cny, loans, digest) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'proposed', %s, %s, %s, %s, %s)",
        [
            made,
            actor.institution,
            body["title"],
            Jsonb(body["choice"]),
            Jsonb(body["measure"]),
            approved,
            now(),
            found.principal_cny,
            found.cost_cny,
            len(found.loans),
            found.digest,
        ],
    )
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bulk_action_loan (action_id, loan_id, institution_id, company_id, principal_cny, "
            "cost_cny) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (made, x.loan_id, actor.institution, x.company_id, x.principal_cny, x.cost_cny)
                for x in found.loans
            ],
        )
    text = Text(zh=f"批量措施待复核：{body['title']}", en=f"a bulk measure waits for you: {body['title']}")
    link = f"/bank/bulk-actions/{made}"
    notify(tx, to_institution=actor.institution, role="bank.approver", text=text, link=link)
    return made


def decide(tx: Tx, actor: Actor, action_id: UUID, outcome: Outcome, reason: str = "") -> None:
    """Decide a proposed measure; once approved its job is queued in this transaction.

    Raises UserError SRV-BULK-ABSENT, SRV-BULK-STATE, ACC-SAME-FORBIDDEN.
    """
    found = _locked(tx, action_id, "proposed")
    approval.decide(tx, actor, found["approval_id"], outcome, reason)
    put(tx, action_id, "running" if outcome == "approved" else "refused")
    _evidence(tx, found, actor, outcome)
    if outcome == "approved":
        defer(tx, JOB, lock=f"bulk:{action_id}", action=str(action_id))


def withdraw(tx: Tx, actor: Actor, action_id: UUID) -> None:
    """Take a proposed measure back, before anything is done. Raises UserError SRV-BULK-STATE."""
    found = _locked(tx, action_id, "proposed")
    put(tx, action_id, "withdrawn")
    audit.note(tx, actor, "bulk.withdrawn", str(action_id), {"title": found["title"]})


def propose_undo(tx: Tx, actor: Actor, action_id: UUID, reason: str) -> UUID:
    """Ask a second person to have a measure undone. Raises UserError SRV-REASON, SRV-BULK-STATE."""
    if not reason.strip():
        fail("SRV-REASON", "reason")
    found = _locked(tx, action_id, "done")
    if found["undo_approval_id"] is not None and _undecided(tx, found["undo_approval_id"]):
        fail("SRV-BULK-STATE", str(action_id))
    body = {"title": found["title"], "reason": reason.strip()[:MOST_WORDS]}
    made = approval.propose(tx, actor, UNDO_KIND, str(action_id), body)
    tx.execute("UPDATE bulk_action SET undo_approval_id = %s WHERE id = %s", [made, action_id])
    return made


def decide_undo(tx: Tx, actor: Actor, action_id: UUID, outcome: Outcome, reason: str = "") -> None:
    """Decide on undoing; once approved its job is queued. Raises UserError SRV-BULK-STATE, ACC-*."""
    found = _locked(tx, action_id, "done")
    if found["undo_approval_id"] is None:
        fail("SRV-BULK-STATE", str(action_id))
    approval.decide(tx, actor, found["undo_approval_id"], outcome, reason)
    _evidence(tx, found, actor, f"undo {outcome}")
    if outcome == "approved":
        put(tx, action_id, "undoing")
        defer(tx, UNDO_JOB, lock=f"bulk:{action_id}", action=str(action_id))


def body_of(found: Row) -> dict[str, Any]:
    """What the evidence of a measure tells of it."""
    return {
        "bulk_action": str(found["id"]),
        "title": found["title"],
        "choice": found["choice"],
        "measure": found["measure"],
        "loans": found["loans"],
        "digest": found["digest"],
    }


def _evidence(tx: Tx, found: Row, actor: Actor, outcome: str) -> None:
    body = body_of(found) | {"outcome": outcome, "by": actor.name}
    log.record(tx, "decision", body, subject=str(found["id"]), institution=found["institution_id"])


def _locked(tx: Tx, action_id: UUID, state: State) -> Row:
    row = tx.execute("SELECT * FROM bulk_action WHERE id = %s FOR UPDATE", [action_id]).fetchone()
    if row is None:
        fail("SRV-BULK-ABSENT", str(action_id))
    if row["state"] != state:
        fail("SRV-BULK-STATE", str(action_id))
    return row


def put(tx: Tx, action_id: UUID, state: State) -> None:
    """Move a measure to a state."""
    tx.execute("UPDATE bulk_action SET state = %s WHERE id = %s", [state, action_id])


def _undecided(tx: Tx, approval_id: UUID) -> bool:
    row = tx.execute("SELECT outcome FROM approval WHERE id = %s", [approval_id]).fetchone()
    return row is not None and row["outcome"] is None


def counts_of(tx: Tx, action_id: UUID) -> dict[str, int]:
    """Loans of a measure by state."""
    rows = tx.execute(
        "SELECT state, count(*) AS n FROM bulk_action_loan WHERE action_id = %s GROUP BY 1 ORDER BY 1",
        [action_id],
    )
    return {row["state"]: row["n"] for row in rows}


_ACTION = """
    SELECT b.*, a.proposed_by, coalesce(p.name, '') AS proposer, u.proposed_by AS undo_proposed_by,
      (SELECT coalesce(sum(extra_cny), 0) FROM bulk_action_loan l
        WHERE l.action_id = b.id AND l.state = 'done') AS extra_cny
    FROM bulk_action b JOIN approval a ON a.id = b.approval_id LEFT JOIN person p ON p.id = a.proposed_by
    LEFT JOIN approval u ON u.id = b.undo_approval_id AND u.outcome IS NULL
"""


def action(tx: Tx, action_id: UUID) -> BulkAction:
    """A measure the scope may see. Raises UserError SRV-BULK-ABSENT."""
    row = tx.execute(f"{_ACTION} WHERE b.id = %s", [action_id]).fetchone()
    if row is None:
        fail("SRV-BULK-ABSENT", str(action_id))
    return _action(tx, row)


def actions(tx: Tx, institution_id: UUID) -> list[BulkAction]:
    """The measures of an institution, the latest first."""
    rows = tx.execute(
        f"{_ACTION} WHERE b.institution_id = %s ORDER BY b.proposed_at DESC LIMIT 100", [institution_id]
    ).fetchall()
    return [_action(tx, row) for row in rows]


def loans_of(tx: Tx, action_id: UUID, limit: int = 500) -> list[BulkLoan]:
    """The loans of a measure, those that need a look first."""
    rows = tx.execute(
        "SELECT l.*, coalesce(c.name, l.company_id) AS company FROM bulk_action_loan l "
        "LEFT JOIN company c ON c.id = l.company_id WHERE action_id = %s "
        "ORDER BY l.state = 'failed' DESC, l.state = 'kept' DESC, l.principal_cny DESC, l.loan_id LIMIT %s",
        [action_id, limit],
    )
    names = [field.name for field in fields(BulkLoan)]
    return [BulkLoan(**{name: row[name] for name in names}) for row in rows]


def _action(tx: Tx, row: Row) -> BulkAction:
    told = {field.name: row[field.name] for field in fields(BulkAction) if field.name in row}
    told |= {
        "choice": choice_of(row["choice"]),
        "measure": measure_of(row["measure"]),
        "counts": counts_of(tx, row["id"]),
    }
    return BulkAction(**told)
