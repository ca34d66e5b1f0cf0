"""Objections (异议): marked at once wherever the data is read, checked and answered in 20 calendar days.

``raised -> checking -> corrected | cleared | recorded``, or ``withdrawn`` by the firm. Corrected: the data
was wrong and has been put right; cleared: it is right, the mark goes; recorded: it can be neither confirmed
nor refuted, and the firm's statement stays beside it. ``permit`` reads the mark in the reader's own
transaction, so it is there with the next read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.consent.operators import operators
from xinqiao.db.database import SYSTEM, Database, Row, Tx, acting, new_id
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import CHINA, now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

State = Literal["raised", "checking", "corrected", "cleared", "recorded", "withdrawn"]
Outcome = Literal["corrected", "cleared", "recorded"]
OPEN: tuple[State, ...] = ("raised", "checking")
DAYS = 20
WARN_DAYS = 15
MAX_CHARS = 4_000
_ITEM = re.compile(r"[A-Z][A-Z_]{1,20}[0-9]{0,3}")
STATES: dict[State, Text] = {
    "raised": Text(zh="已受理，待核查", en="received"),
    "checking": Text(zh="核查中", en="being checked"),
    "corrected": Text(zh="已更正", en="corrected"),
    "cleared": Text(zh="核查无误，取消标注", en="found right, mark removed"),
    "recorded": Text(zh="无法确认，记载说明", en="not settled, statement kept"),
    "withdrawn": Text(zh="企业撤回", en="withdrawn"),
}


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection. ``disputed``: shown with the data; ``answered_at``: when it was settled."""

    id: UUID
    company_id: str
    item: str
    statement: str
    raised_at: datetime
    due_on: date
    state: State
    disputed: bool
    version: int
    answer: str | None
    answered_at: datetime | None

    @property
    def days_left(self) -> int | None:
        """Calendar days until the answer is due; None once answered."""
        return (self.due_on - today()).days if self.state in OPEN else None

    @property
    def late(self) -> bool:
        """Whether the answer came, or still hasn't come, after its day."""
        told = self.answered_at.astimezone(CHINA).date() if self.answered_at else today()
        return self.state != "withdrawn" and told > self.due_on


def raise_objection(tx: Tx, actor: Actor, item: str, statement: str) -> UUID:
    """Object to ``item`` (a data set or an indicator) of ``actor``'s company.

    Raises UserError CST-COMPANY-FORBIDDEN, CST-WORDS (no statement, too long), CST-ITEM.
    """
    if actor.company is None:
        fail("CST-COMPANY-FORBIDDEN", actor.side)
    if not statement.strip() or len(statement) > MAX_CHARS:
        fail("CST-WORDS", "statement")
    if _ITEM.fullmatch(item) is None:
        fail("CST-ITEM", item[:40])
    made = new_id()
    tx.execute(
        "INSERT INTO objection (id, company_id, item, statement, raised_at, raised_by, due_on, state, "
        "disputed) VALUES (%s, %s, %s, %s, %s, %s, %s, 'raised', true)",
        [made, actor.company, item, statement.strip(), now(), actor.person, today() + timedelta(days=DAYS)],
    )
    _event(tx, made, actor.company, state="raised", person=actor.person, words=statement.strip())
    _tell_operators(tx, Text(zh=f"新的异议：{item}", en=f"New objection: {item}"))
    return made


def begin_check(tx: Tx, actor: Actor, objection_id: UUID) -> None:
    """Take an objection up. Raises UserError CST-OBJECTION-ABSENT, CST-OBJECTION-STATE."""
    found = one(tx, objection_id)
    _move(tx, found, "checking", actor.person, "", allowed=("raised",))


def answer(tx: Tx, actor: Actor, objection_id: UUID, outcome: Outcome, words: str) -> None:
    """Settle an objection in writing; the firm is told.

    Raises UserError CST-OBJECTION-ABSENT, CST-OBJECTION-STATE, CST-WORDS.
    """
    if not words.strip() or len(words) > MAX_CHARS:
        fail("CST-WORDS", "answer")
    found = one(tx, objection_id)
    _move(tx, found, outcome, actor.person, words.strip(), allowed=OPEN)
    told = STATES[outcome]
    text = Text(zh=f"异议已答复：{found.item}，{told.zh}", en=f"Objection answered: {found.item}, {told.en}")
    notify(tx, to_company=found.company_id, text=text, link="/enterprise/objections")


def withdraw(tx: Tx, actor: Actor, objection_id: UUID) -> None:
    """Take an own objection back. Raises UserError CST-OBJECTION-ABSENT, CST-OBJECTION-STATE."""
    found = one(tx, objection_id)
    if found.company_id != actor.company:
        fail("CST-OBJECTION-ABSENT", str(objection_id))
    _move(tx, found, "withdrawn", actor.person, "", allowed=("raised", "checking", "recorded"))


def _move(
    tx: Tx, found: Objection, state: State, person: UUID | None, words: str, *, allowed: tuple[State, ...]
) -> None:
    done = (
        found.state in allowed
        and tx.execute(
            "UPDATE objection SET state = %s, disputed = %s, version = version + 1 "
            "WHERE id = %s AND version = %s RETURNING id",
            [state, state in (*OPEN, "recorded"), found.id, found.version],
        ).fetchone()
    )
    if not done:
        fail("CST-OBJECTION-STATE", str(found.id), state=STATES[found.state])
    _event(tx, found.id, found.company_id, state=state, person=person, words=words)


def _event(tx: Tx, objection: UUID, company: str, *, state: State, person: UUID | None, words: str) -> None:
    tx.execute(
        "INSERT INTO objection_event (id, objection_id, company_id, at, state, person, words) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [new_id(), objection, company, now(), state, person, words],
    )


_SELECT = (
    "SELECT o.id, o.company_id, o.item, o.statement, o.raised_at, o.due_on, o.state, o.disputed, o.version, "
    "e.words AS answer, e.at AS answered_at FROM objection o LEFT JOIN objection_event e "
    "ON e.objection_id = o.id AND e.state IN ('corrected', 'cleared', 'recorded') "
)


def one(tx: Tx, objection_id: UUID) -> Objection:
    """An objection that the scope may see. Raises UserError CST-OBJECTION-ABSENT."""
    found = tx.execute(_SELECT + "WHERE o.id = %s", [objection_id]).fetchone()
    if found is None:
        fail("CST-OBJECTION-ABSENT", str(objection_id))
    return _objection(found)


def of_company(tx: Tx, company_id: str) -> list[Objection]:
    """A firm's objections, the latest first."""
    rows = tx.execute(_SELECT + "WHERE o.company_id = %s ORDER BY o.raised_at DESC, o.id DESC", [company_id])
    return [_objection(row) for row in rows]


def statements(tx: Tx, company_id: str) -> list[Objection]:
    """What the firm says about its data, to stand beside it wherever it is shown under a permit."""
    with acting(tx, SYSTEM):
        return [found for found in of_company(tx, company_id) if found.disputed]


def queue(tx: Tx) -> list[Objection]:
    """What waits for an answer, the most urgent first (scope operator or SYSTEM)."""
    rows = tx.execute(_SELECT + "WHERE o.state IN ('raised', 'checking') ORDER BY o.due_on, o.id LIMIT 500")
    return [_objection(row) for row in rows]


def violations(tx: Tx) -> int:
    """How many objections were not answered in time, answered since or not."""
    row = tx.execute(
        "SELECT count(*) AS n FROM objection o LEFT JOIN objection_event e ON e.objection_id = o.id "
        "AND e.state IN ('corrected', 'cleared', 'recorded', 'withdrawn') "
        "WHERE coalesce((e.at AT TIME ZONE 'Asia/Shanghai')::date, %s) > o.due_on",
        [today()],
    ).fetchone()
    return 0 if row is None else int(row["n"])


@every("0 23 * * *", "consent.objections")
def remind_job(database: Database) -> None:
    """Each morning in China: warn of what is due in five days or fewer, and of what is overdue."""
    with database.transaction(SYSTEM) as tx:
        remind(tx)


def remind(tx: Tx) -> int:
    """Tell the operators (scope SYSTEM). Returns how many objections are due soon or overdue."""
    soon = [found for found in queue(tx) if (found.days_left or 0) <= DAYS - WARN_DAYS]
    late = [found for found in soon if found.late]
    if soon:
        text = Text(
            zh=f"异议待答复：5日内到期{len(soon) - len(late)}件，逾期{len(late)}件",
            en=f"Objections to answer: {len(soon) - len(late)} due within 5 days, {len(late)} overdue",
        )
        _tell_operators(tx, text)
    return len(soon)


def _tell_operators(tx: Tx, text: Text) -> None:
    with acting(tx, SYSTEM):
        for operator in operators(tx):
            notify(tx, to_institution=operator, role="operator.admin", text=text, link="/operator/compliance")


def _objection(row: Row) -> Objection:
    return Objection(**row)
