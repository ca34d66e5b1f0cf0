"""What people say of a loan's risk (人工认定): its class, its marks, a cure, a write-off; always two of them.

A class set by hand is a floor: rules may ask for a worse one. Taking it away does not raise the loan against
the rules; leaving the non-performing classes needs the cure the rules ask for, with ``able`` found by people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from xinqiao.account import approval, audit
from xinqiao.account.actor import Actor
from xinqiao.account.approval import Approval, Outcome
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.evidence import log
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.loan.classification import CLASSES, bad
from xinqiao.loan.event import WriteOff
from xinqiao.servicing import book, classing, provision
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.classing import MARKS

CLASS_KIND, OFF_KIND = "risk.class", "risk.write_off"
MOST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """A class a loan was given: by rules (``reasons``), or with ``words`` of people."""

    on_date: date
    before: str
    class_: str
    reasons: tuple[str, ...]
    words: str
    at: datetime


def propose_class(
    tx: Tx,
    actor: Actor,
    loan_id: UUID,
    *,
    words: str,
    class_: str | None = None,
    able: bool = False,
    marks: Mapping[str, object] | None = None,
) -> UUID:
    """Put a judgement of a loan up for a second person: a class (None: rules alone), a cure, marks.

    Raises UserError SRV-REASON, SRV-CLASS (no such class or mark), SRV-LOAN-ABSENT, ACC-TWO-FORBIDDEN.
    """
    book.loan(tx, loan_id)
    if not words.strip():
        fail("SRV-REASON", "words")
    if (class_ is not None and class_ not in CLASSES) or not _sound(marks or {}):
        fail("SRV-CLASS", str(loan_id), detail=class_ or ", ".join(marks or {}))
    body = {"class": class_, "able": able, "marks": dict(marks or {}), "words": words.strip()[:MOST_WORDS]}
    return approval.propose(tx, actor, CLASS_KIND, str(loan_id), body)


def decide_class(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> UUID:
    """Decide a judgement; once approved the debtor is judged anew at once. The loan's id. Raises ACC-*."""
    found = approval.decide(tx, actor, approval_id, outcome, reason)
    loan_id = UUID(found.subject)
    if outcome == "approved":
        with acting(tx, SYSTEM):
            _take(tx, found, loan_id)
        _evidence(tx, found, actor)
    return loan_id


def _take(tx: Tx, found: Approval, loan_id: UUID) -> None:
    row, told = book.loan(tx, loan_id, lock=True), found.body
    tx.execute(
        "INSERT INTO loan_risk (loan_id, institution_id, set_by_hand, able) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (loan_id) DO UPDATE SET set_by_hand = EXCLUDED.set_by_hand, able = EXCLUDED.able",
        [loan_id, row.institution_id, told["class"], told["able"]],
    )
    classing.mark(tx, loan_id, row.institution_id, told["marks"])
    day = business_day(tx, row.institution_id)
    rates = provision.rates(tx, row.institution_id, day)
    classing.judge_debtors(tx, row.institution_id, day, rates, [row.company_id])
    now_is = book.loan(tx, loan_id).class_
    tx.execute(
        "INSERT INTO loan_class (id, loan_id, institution_id, on_date, before, class, reasons, words, "
        "approval_id, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            new_id(),
            loan_id,
            row.institution_id,
            day,
            row.class_,
            now_is,
            ["by_hand"],
            told["words"],
            found.id,
            now(),
        ],
    )


def propose_write_off(tx: Tx, actor: Actor, loan_id: UUID, *, words: str) -> UUID:
    """Put the write-off of a non-performing loan up for a second person.

    Raises UserError SRV-REASON, SRV-WRITE-OFF-STATE (not open, or performing), SRV-LOAN-ABSENT.
    """
    if not words.strip():
        fail("SRV-REASON", "words")
    _may_go(tx, loan_id)
    return approval.propose(tx, actor, OFF_KIND, str(loan_id), {"words": words.strip()[:MOST_WORDS]})


def decide_write_off(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> UUID:
    """Decide a write-off; once approved it is booked. The loan's id. Raises as ``propose_write_off``."""
    found = approval.decide(tx, actor, approval_id, outcome, reason)
    loan_id = UUID(found.subject)
    if outcome == "approved":
        _may_go(tx, loan_id)
        day = business_day(tx, found.institution)
        book.post(tx, actor, loan_id, WriteOff(on=day), key=f"write-off:{approval_id}")
        _evidence(tx, found, actor)
    return loan_id


def _may_go(tx: Tx, loan_id: UUID) -> None:
    row = book.loan(tx, loan_id)
    if row.state != "open" or not bad(row.class_):  # type: ignore[arg-type] # the table checks it
        fail("SRV-WRITE-OFF-STATE", str(loan_id))


def note_debtor(
    tx: Tx,
    actor: Actor,
    company_id: str,
    *,
    source: str,
    overdue_share: Decimal | None = None,
    bad_elsewhere: bool = False,
    evades: bool = False,
    bankrupt: bool = False,
    retail: bool = False,
) -> None:
    """Keep what is known of a debtor as a whole, with its source; day-end judges all its loans by it.

    Raises UserError SRV-REASON (no source), SRV-CLASS (a share beyond 0 to 1).
    """
    if not source.strip():
        fail("SRV-REASON", "source")
    if overdue_share is not None and not 0 <= overdue_share <= 1:
        fail("SRV-CLASS", company_id, detail=str(overdue_share))
    told = {
        "institution": actor.institution,
        "company": company_id,
        "overdue_share": overdue_share,
        "bad_elsewhere": bad_elsewhere,
        "evades": evades,
        "bankrupt": bankrupt,
        "retail": retail,
        "known_on": business_day(tx, actor.institution) if actor.institution else None,
        "source": source.strip()[:MOST_WORDS],
    }
    tx.execute(
        "INSERT INTO debtor_risk (institution_id, company_id, overdue_share, bad_elsewhere, evades, "
        "bankrupt, retail, known_on, source) VALUES (%(institution)s, %(company)s, %(overdue_share)s, "
        "%(bad_elsewhere)s, %(evades)s, %(bankrupt)s, %(retail)s, %(known_on)s, %(source)s) "
        "ON CONFLICT (institution_id, company_id) DO UPDATE SET overdue_share = EXCLUDED.overdue_share, "
        "bad_elsewhere = EXCLUDED.bad_elsewhere, evades = EXCLUDED.evades, bankrupt = EXCLUDED.bankrupt, "
        "retail = EXCLUDED.retail, known_on = EXCLUDED.known_on, source = EXCLUDED.source",
        told,
    )
    audit.note(tx, actor, "debtor.noted", company_id, {"source": told["source"]})


def history(tx: Tx, loan_id: UUID) -> list[Judged]:
    """The classes a loan was given, the latest first."""
    rows = tx.execute(
        "SELECT on_date, before, class, reasons, words, at FROM loan_class WHERE loan_id = %s "
        "ORDER BY on_date DESC, at DESC, id DESC",
        [loan_id],
    )
    return [
        Judged(r["on_date"], r["before"], r["class"], tuple(r["reasons"]), r["words"], r["at"]) for r in rows
    ]


def waiting(tx: Tx, institution_id: UUID) -> list[Approval]:
    """Judgements and write-offs that wait for a second person."""
    return approval.open_approvals(tx, institution_id, "risk.%")


def _sound(marks: Mapping[str, object]) -> bool:
    """Whether marks are those there are, and a loss share is one from 0 to 1."""
    if not set(marks) <= MARKS:
        return False
    share = marks.get("loss_share")
    try:
        return share is None or 0 <= Decimal(str(share)) <= 1
    except InvalidOperation:
        return False


def _evidence(tx: Tx, found: Approval, actor: Actor) -> None:
    body: dict[str, Any] = {"kind": found.kind, "loan": found.subject, "told": found.body, "by": actor.name}
    log.record(tx, "decision", body, subject=found.subject, institution=found.institution)
