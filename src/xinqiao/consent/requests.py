"""Complaints, and what people may ask about information on them: to see, copy, correct, delete, explain.

Each is answered in writing within 30 calendar days by the operator; a complaint's papers can be exported
for the supervisor it is passed to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.consent import query_log
from xinqiao.consent.operators import operators
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Kind = Literal["complaint", "access", "copy", "correct", "delete", "explain"]
DAYS = 30
MAX_CHARS = 4_000
KINDS: dict[Kind, Text] = {
    "complaint": Text(zh="投诉", en="complaint"),
    "access": Text(zh="查阅", en="see"),
    "copy": Text(zh="复制", en="copy"),
    "correct": Text(zh="更正、补充", en="correct"),
    "delete": Text(zh="删除", en="delete"),
    "explain": Text(zh="解释说明", en="explain"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A complaint or request; open while ``answered_at`` is None."""

    id: UUID
    kind: Kind
    company_id: str
    institution: UUID | None
    statement: str
    raised_at: datetime
    due_on: date
    answer: str | None
    answered_at: datetime | None

    @property
    def days_left(self) -> int | None:
        """Calendar days until the answer is due; None once answered."""
        return (self.due_on - today()).days if self.answered_at is None else None


def ask(tx: Tx, actor: Actor, kind: Kind, statement: str, institution: UUID | None = None) -> UUID:
    """Ask or complain for ``actor``'s company. Raises UserError CST-COMPANY-FORBIDDEN, CST-WORDS."""
    if actor.company is None:
        fail("CST-COMPANY-FORBIDDEN", actor.side)
    if not statement.strip() or len(statement) > MAX_CHARS:
        fail("CST-WORDS", "statement")
    made = new_id()
    tx.execute(
        "INSERT INTO subject_request (id, kind, company_id, person, institution, statement, raised_at, "
        "due_on) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            made,
            kind,
            actor.company,
            actor.person,
            institution,
            statement.strip(),
            now(),
            today() + timedelta(days=DAYS),
        ],
    )
    text = Text(zh=f"新的请求：{KINDS[kind].zh}", en=f"New request: {KINDS[kind].en}")
    with acting(tx, SYSTEM):
        for operator in operators(tx):
            notify(tx, to_institution=operator, role="operator.admin", text=text, link="/operator/compliance")
    return made


def answer(tx: Tx, actor: Actor, request_id: UUID, words: str) -> None:
    """Answer in writing. Raises UserError CST-WORDS, CST-REQUEST-STATE (answered, or not there)."""
    if not words.strip() or len(words) > MAX_CHARS:
        fail("CST-WORDS", "answer")
    done = tx.execute(
        "UPDATE subject_request SET answer = %s, answered_at = %s, answered_by = %s "
        "WHERE id = %s AND answered_at IS NULL RETURNING company_id",
        [words.strip(), now(), actor.person, request_id],
    ).fetchone()
    if done is None:
        fail("CST-REQUEST-STATE", str(request_id))
    text = Text(zh="您的请求已答复", en="Your request has been answered")
    notify(tx, to_company=done["company_id"], text=text, link="/enterprise/objections")


_SELECT = (
    "SELECT id, kind, company_id, institution, statement, raised_at, due_on, answer, answered_at "
    "FROM subject_request "
)


def of_company(tx: Tx, company_id: str) -> list[Request]:
    """A firm's requests, the latest first."""
    rows = tx.execute(_SELECT + "WHERE company_id = %s ORDER BY raised_at DESC, id DESC", [company_id])
    return [_request(row) for row in rows]


def queue(tx: Tx) -> list[Request]:
    """What waits for an answer, the most urgent first (scope operator or SYSTEM)."""
    rows = tx.execute(_SELECT + "WHERE answered_at IS NULL ORDER BY due_on, id LIMIT 500")
    return [_request(row) for row in rows]


def papers(tx: Tx, request_id: UUID) -> bytes:
    """The file on a complaint: what was said, and what was read about the firm (operator, SYSTEM inside).

    Raises UserError CST-REQUEST-STATE where there is none.
    """
    found = tx.execute(_SELECT + "WHERE id = %s", [request_id]).fetchone()
    if found is None:
        fail("CST-REQUEST-STATE", str(request_id))
    with acting(tx, SYSTEM):
        reads = query_log.about(tx, found["company_id"])
    told = {name: query_log.plain(value) for name, value in found.items()}
    listed = [{name: query_log.plain(value) for name, value in asdict(read).items()} for read in reads]
    return canonical_json({"request": told, "reads": listed})


def _request(row: Row) -> Request:
    return Request(**row)
