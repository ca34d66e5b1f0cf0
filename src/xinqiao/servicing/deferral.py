"""A company asks its bank to let the dues of a loan move (申请延期还本付息); people of the bank answer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.servicing import book

Answer = Literal["granted", "refused", "withdrawn"]
MOST_MONTHS = 12
MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Request:
    """What a company asked for, and what became of it. ``months``: how much later all dues shall fall."""

    id: UUID
    loan_id: UUID
    company_id: str
    institution_id: UUID
    months: int
    why: str
    asked_by: str
    asked_at: datetime
    state: str
    answer: str
    decided_at: datetime | None


_COLUMNS = ", ".join(field.name for field in fields(Request))


def ask(tx: Tx, actor: Actor, loan_id: UUID, months: int, why: str) -> UUID:
    """Ask for a deferral of a loan of the actor's company.

    Raises UserError SRV-DEFERRAL (months, no reason), SRV-DEFERRAL-STATE (asked already, or the loan is
    closed) and SRV-LOAN-ABSENT.
    """
    loan, said = book.loan(tx, loan_id), why.strip()[:MOST_WORDS]
    if not 1 <= months <= MOST_MONTHS or not said:
        fail("SRV-DEFERRAL", "months", most=MOST_MONTHS)
    if loan.state != "open" or requests(tx, loan_id=loan_id, state="open"):
        fail("SRV-DEFERRAL-STATE", str(loan_id))
    made = new_id()
    tx.execute(
        "INSERT INTO deferral_request (id, loan_id, company_id, institution_id, months, why, asked_by, "
        "asked_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [made, loan_id, loan.company_id, loan.institution_id, months, said, actor.name, now()],
    )
    number = str(loan_id)[-8:]
    text = Text(
        zh=f"企业申请延期 {months} 个月：借据 {number}",
        en=f"a firm asks to defer loan {number} by {months} months",
    )
    notify(
        tx, to_institution=loan.institution_id, role="bank.officer", text=text, link=f"/bank/loans/{loan_id}"
    )
    return made


def answer(tx: Tx, request_id: UUID, state: Answer, words: str = "") -> Request:
    """Close a request. Raises UserError SRV-DEFERRAL-ABSENT (none such, or answered before)."""
    row = tx.execute(
        f"UPDATE deferral_request SET state = %s, answer = %s, decided_at = %s "  # noqa: S608 - our own names
        f"WHERE id = %s AND state = 'open' RETURNING {_COLUMNS}",
        [state, words.strip()[:MOST_WORDS], now(), request_id],
    ).fetchone()
    if row is None:
        fail("SRV-DEFERRAL-ABSENT", str(request_id))
    return Request(**row)


def refuse(tx: Tx, request_id: UUID, words: str) -> Request:
    """The bank says no, and why. Raises UserError SRV-REASON (none given), SRV-DEFERRAL-ABSENT."""
    if not words.strip():
        fail("SRV-REASON", "words")
    found = answer(tx, request_id, "refused", words)
    text = Text(zh=f"延期申请未获同意：{found.answer}", en=f"your deferral was not granted: {found.answer}")
    notify(tx, to_company=found.company_id, text=text, link=f"/enterprise/loans/{found.loan_id}")
    return found


def requests(tx: Tx, *, loan_id: UUID | None = None, state: str | None = None) -> list[Request]:
    """Requests the scope may see, the newest first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM deferral_request WHERE (%(loan)s::uuid IS NULL OR loan_id = %(loan)s) "  # noqa: S608 - our own names
        "AND (%(state)s::text IS NULL OR state = %(state)s) ORDER BY asked_at DESC LIMIT 200",
        {"loan": loan_id, "state": state},
    )
    return [Request(**row) for row in rows]
