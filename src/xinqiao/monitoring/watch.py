"""The watch-list (关注名单) and its tasks: who is watched, why, what an officer has to do until when.

A borrower enters by rule or by a person; its level rises by rule or by a person; it leaves by a person alone.
Every step is kept with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.monitoring.parameters import parameters
from xinqiao.monitoring.signal import LEVEL_NAMES, LEVELS, Level

RESULTS: dict[str, Text] = {
    "no_concern": Text(zh="核实无风险", en="checked, no concern"),
    "keep_watching": Text(zh="继续关注", en="keep watching"),
    "limit_frozen": Text(zh="冻结额度", en="limit frozen"),
    "security_added": Text(zh="追加担保", en="security added"),
    "repayment_agreed": Text(zh="商定还款安排", en="repayment agreed"),
    "collect": Text(zh="转催收", en="to collection"),
}
MAX_REASON = 500
MOST = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """A borrower on the list, with what it owes in CNY and its open task's deadline."""

    id: UUID
    company_id: str
    name: str
    level: Level
    entered_on: date
    signals: tuple[str, ...]
    days_past_due: int
    owed_cny: float
    due_on: date | None
    grade: str | None
    pd_12m: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """What happened on the list: entered, level, left or note."""

    kind: str
    level: Level
    reason: str
    signals: tuple[str, ...]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """Work on a watched borrower; ``result`` None: still to do."""

    id: UUID
    company_id: str
    name: str
    level: Level
    made_on: date
    due_on: date
    result: str | None
    words: str
    done_by: str | None
    done_at: datetime | None


def watch(  # noqa: PLR0917 - what an entry is made of
    tx: Tx, actor: Actor, company_id: str, level: Level, reason: str, signals: Sequence[str] = ()
) -> UUID:
    """Put a borrower on the list of the actor's institution, or raise its level; gives the entry.

    A level is never lowered here. A task for the officers and a notice come with it. Raises UserError
    MON-LEVEL, MON-REASON (no reason, or too long), MON-BORROWER-ABSENT (owes nothing here).
    """
    _check(level, reason)
    owes = tx.execute(
        "SELECT 1 FROM loan WHERE company_id = %s AND institution_id = %s AND state <> 'closed' LIMIT 1",
        [company_id, actor.institution],
    ).fetchone()
    if owes is None:
        fail("MON-BORROWER-ABSENT", company_id)
    row = tx.execute(
        "SELECT id, level FROM watch_entry WHERE institution_id = %s AND company_id = %s AND left_on IS NULL "
        "FOR UPDATE",
        [actor.institution, company_id],
    ).fetchone()
    if row is None:
        entry = _enter(tx, actor, company_id, level)
        _step(tx, actor, entry, "entered", level, reason, signals)
    else:
        entry = UUID(str(row["id"]))
        if LEVELS.index(level) <= LEVELS.index(row["level"]):
            return entry
        tx.execute("UPDATE watch_entry SET level = %s WHERE id = %s", [level, entry])
        _step(tx, actor, entry, "level", level, reason, signals)
    _assign(tx, actor, entry, company_id, level)
    return entry


def _check(level: str, reason: str) -> None:
    if level not in LEVELS:
        fail("MON-LEVEL", level[:40], known=", ".join(LEVELS))
    if not reason.strip() or len(reason) > MAX_REASON:
        fail("MON-REASON", "reason", most=MAX_REASON)


def _enter(tx: Tx, actor: Actor, company_id: str, level: Level) -> UUID:
    made = new_id()
    tx.execute(
        "INSERT INTO watch_entry (id, institution_id, company_id, level, entered_on) "
        "VALUES (%s, %s, %s, %s, %s)",
        [made, actor.institution, company_id, level, today()],
    )
    return made


def _step(  # noqa: PLR0917 - what a step is made of
    tx: Tx, actor: Actor, entry: UUID, kind: str, level: str, reason: str, signals: Sequence[str] = ()
) -> None:
    tx.execute(
        "INSERT INTO watch_event (id, entry_id, institution_id, kind, level, reason, signals, by_name, at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [new_id(), entry, actor.institution, kind, level, reason.strip(), list(signals), actor.name, now()],
    )
    audit.note(tx, actor, f"watch.{kind}", str(entry), {"level": level})


def _assign(tx: Tx, actor: Actor, entry: UUID, company_id: str, level: Level) -> None:
    """A task due by the level; an open one of a lower level is due earlier instead of standing twice."""
    due = today() + timedelta(days=parameters().task_days[level])
    changed = tx.execute(
        "UPDATE watch_task SET level = %s, due_on = least(due_on, %s) WHERE entry_id = %s AND result IS NULL",
        [level, due, entry],
    ).rowcount
    if not changed:
        tx.execute(
            "INSERT INTO watch_task (id, entry_id, institution_id, company_id, level, made_on, due_on) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [new_id(), entry, actor.institution, company_id, level, today(), due],
        )
    name = LEVEL_NAMES[level]
    notify(
        tx,
        to_institution=actor.institution,
        role="bank.officer",
        text=Text(
            zh=f"贷后预警（{name.zh}）：{company_id}，请于 {due} 前核查",
            en=f"early warning ({name.en}): {company_id}, to be checked by {due}",
        ),
        link=f"/bank/monitoring/{company_id}",
    )


def finish(tx: Tx, actor: Actor, task_id: UUID, result: str, words: str) -> None:
    """An officer has done a task, and says what came of it.

    Raises UserError MON-TASK-ABSENT, MON-TASK-STATE, MON-RESULT, MON-REASON.
    """
    if result not in RESULTS:
        fail("MON-RESULT", result[:40], known=", ".join(RESULTS))
    if not words.strip() or len(words) > MAX_REASON:
        fail("MON-REASON", "words", most=MAX_REASON)
    row = tx.execute("SELECT result FROM watch_task WHERE id = %s FOR UPDATE", [task_id]).fetchone()
    if row is None:
        fail("MON-TASK-ABSENT", str(task_id))
    if row["result"] is not None:
        fail("MON-TASK-STATE", str(task_id))
    tx.execute(
        "UPDATE watch_task SET result = %s, words = %s, done_by = %s, done_at = %s WHERE id = %s",
        [result, words.strip(), actor.name, now(), task_id],
    )
    audit.note(tx, actor, "watch.task_done", str(task_id), {"result": result})


def escalate(tx: Tx, institution_id: UUID) -> int:
    """Tell the approvers, once, of tasks that are overdue; gives how many."""
    rows = tx.execute(
        "UPDATE watch_task SET escalated = true WHERE institution_id = %s AND result IS NULL "
        "AND due_on < %s AND NOT escalated RETURNING company_id, due_on",
        [institution_id, today()],
    ).fetchall()
    for row in rows:
        notify(
            tx,
            to_institution=institution_id,
            role="bank.approver",
            text=Text(
                zh=f"贷后核查超期：{row['company_id']}，期限 {row['due_on']}",
                en=f"a check of a borrower is overdue: {row['company_id']}, due {row['due_on']}",
            ),
            link=f"/bank/monitoring/{row['company_id']}",
        )
    return len(rows)


def leave(tx: Tx, actor: Actor, company_id: str, reason: str) -> None:
    """Take a borrower off the list, for a reason.

    Raises UserError MON-WATCH-ABSENT, MON-TASK-OPEN-STATE (a task is still to do), MON-REASON.
    """
    row = tx.execute(
        "SELECT e.id, e.level, "
        "EXISTS (SELECT FROM watch_task t WHERE t.entry_id = e.id AND t.result IS NULL) AS open "
        "FROM watch_entry e WHERE e.institution_id = %s AND e.company_id = %s AND e.left_on IS NULL "
        "FOR UPDATE",
        [actor.institution, company_id],
    ).fetchone()
    if row is None:
        fail("MON-WATCH-ABSENT", company_id)
    _check(row["level"], reason)
    if row["open"]:
        fail("MON-TASK-OPEN-STATE", company_id)
    tx.execute("UPDATE watch_entry SET left_on = %s WHERE id = %s", [today(), row["id"]])
    _step(tx, actor, row["id"], "left", row["level"], reason)


def watch_list(tx: Tx, institution_id: UUID) -> list[Watched]:
    """Those on the list, the gravest first."""
    rows = tx.execute(
        "SELECT e.id, e.company_id, coalesce(c.name, e.company_id) AS name, e.level, e.entered_on, "
        "ARRAY(SELECT s.signal FROM warning_signal s WHERE s.institution_id = e.institution_id "
        "AND s.company_id = e.company_id AND s.ended_on IS NULL ORDER BY s.signal) AS signals, "
        "coalesce(l.days, 0) AS days_past_due, coalesce(l.owed, 0)::float8 AS owed_cny, "
        "(SELECT min(t.due_on) FROM watch_task t WHERE t.entry_id = e.id AND t.result IS NULL) AS due_on, "
        "w.grade, w.pd_12m::float8 AS pd_12m FROM watch_entry e LEFT JOIN company c ON c.id = e.company_id "
        "LEFT JOIN warning_state w ON w.institution_id = e.institution_id AND w.company_id = e.company_id "
        "LEFT JOIN LATERAL (SELECT max(days_past_due) AS days, sum(principal_cny + interest_cny) AS owed "
        "FROM loan WHERE loan.company_id = e.company_id "
        "AND loan.institution_id = e.institution_id) l ON true "
        "WHERE e.institution_id = %s AND e.left_on IS NULL "
        "ORDER BY array_position(ARRAY['red', 'orange', 'yellow'], e.level), e.entered_on, e.id LIMIT %s",
        [institution_id, MOST],
    )
    return [Watched(**row | {"signals": tuple(row["signals"])}) for row in rows]


def steps(tx: Tx, institution_id: UUID, company_id: str) -> list[Step]:
    """What happened to a borrower on the list, the latest first."""
    rows = tx.execute(
        "SELECT v.kind, v.level, v.reason, v.signals, v.by_name AS by, v.at FROM watch_event v "
        "JOIN watch_entry e ON e.id = v.entry_id WHERE e.institution_id = %s AND e.company_id = %s "
        "ORDER BY v.at DESC, v.id DESC",
        [institution_id, company_id],
    )
    return [Step(**row | {"signals": tuple(row["signals"])}) for row in rows]


def tasks(tx: Tx, institution_id: UUID, company_id: str | None = None) -> list[Task]:
    """Tasks still to do, the most urgent first; of one company, those done too."""
    rows = tx.execute(
        "SELECT t.id, t.company_id, coalesce(c.name, t.company_id) AS name, t.level, t.made_on, t.due_on, "
        "t.result, t.words, t.done_by, t.done_at "
        "FROM watch_task t LEFT JOIN company c ON c.id = t.company_id "
        "WHERE t.institution_id = %(bank)s AND (%(company)s::text = t.company_id "
        "OR (%(company)s::text IS NULL AND t.result IS NULL)) "
        "ORDER BY t.result IS NOT NULL, t.due_on, t.id LIMIT %(most)s",
        {"bank": institution_id, "company": company_id, "most": MOST},
    )
    return [Task(**row) for row in rows]
