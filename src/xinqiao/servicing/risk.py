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
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.evidence import log
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.loan.balances import Posting
from xinqiao.loan.classification import CLASSES, bad
from xinqiao.loan.event import WriteOff
from xinqiao.servicing import book, classing, provision
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.classing import MARKS

CLASS_KIND, OFF_KIND, DEBTOR_KIND = "risk.class", "risk.write_off", "risk.debtor"
NAMES: Mapping[str, Text] = {
    CLASS_KIND: Text(zh="分类认定", en="judgement of the class"),
    OFF_KIND: Text(zh="核销", en="write-off"),
    DEBTOR_KIND: Text(zh="债务人情况", en="what is known of the debtor"),
}
"""What two people decide here."""
MOST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What people have said of a loan so far: a class as the floor (None: rules alone), the cure, marks."""

    class_: str | None
    able: bool
    marks: Mapping[str, object]


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

    Raises UserError SRV-REASON, SRV-CLASS (no such class or mark), SRV-LOAN-ABSENT, SRV-MEASURE-STATE (one
    waits already), ACC-TWO-FORBIDDEN.
    """
    loan = book.loan(tx, loan_id)
    if not words.strip():
        fail("SRV-REASON", "words")
    if (class_ is not None and class_ not in CLASSES) or not _sound(marks or {}):
        fail("SRV-CLASS", str(loan_id), detail=class_ or ", ".join(marks or {}))
    body = {"class": class_, "able": able, "marks": dict(marks or {}), "words": words.strip()[:MOST_WORDS]}
    return _propose(tx, actor, loan, (CLASS_KIND, str(loan_id)), body)


def decide_class(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> UUID:
    """Decide a judgement; once approved the debtor is judged anew at once. The loan's id. Raises ACC-*."""
    found = _decided(tx, actor, approval_id, CLASS_KIND, outcome, reason)
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

    Raises UserError SRV-REASON, SRV-WRITE-OFF-STATE (not open, or performing), SRV-LOAN-ABSENT,
    SRV-MEASURE-STATE (one waits already).
    """
    if not words.strip():
        fail("SRV-REASON", "words")
    loan, body = _may_go(tx, loan_id), {"words": words.strip()[:MOST_WORDS]}
    return _propose(tx, actor, loan, (OFF_KIND, str(loan_id)), body)


def write_off_entries(tx: Tx, loan_id: UUID) -> tuple[tuple[Posting, ...], tuple[Posting, ...]]:
    """What a write-off today would enter: what accrues until then, and the write-off itself.

    Raises UserError SRV-WRITE-OFF-STATE, SRV-LOAN-ABSENT.
    """
    row = _may_go(tx, loan_id)
    return book.would_enter(tx, loan_id, WriteOff(on=business_day(tx, row.institution_id)))


def decide_write_off(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> UUID:
    """Decide a write-off; once approved it is booked. The loan's id. Raises as ``propose_write_off``."""
    found = _decided(tx, actor, approval_id, OFF_KIND, outcome, reason)
    loan_id = UUID(found.subject)
    if outcome == "approved":
        _may_go(tx, loan_id)
        day = business_day(tx, found.institution)
        book.post(tx, actor, loan_id, WriteOff(on=day), key=f"write-off:{approval_id}")
        _evidence(tx, found, actor)
    return loan_id


def _may_go(tx: Tx, loan_id: UUID) -> book.LoanRow:
    row = book.loan(tx, loan_id)
    if not may_write_off(row):
        fail("SRV-WRITE-OFF-STATE", str(loan_id))
    return row


def may_write_off(row: book.LoanRow) -> bool:
    """Whether a loan is open and non-performing."""
    return row.state == "open" and bad(row.class_)  # type: ignore[arg-type] # the table checks it


def propose_debtor(
    tx: Tx,
    actor: Actor,
    loan_id: UUID,
    *,
    source: str,
    overdue_share: Decimal | None = None,
    bad_elsewhere: bool = False,
    evades: bool = False,
    bankrupt: bool = False,
    retail: bool = False,
) -> UUID:
    """Put what is known of a loan's debtor as a whole up for a second person, with its source.

    Raises UserError as ``note_debtor``, SRV-LOAN-ABSENT, SRV-MEASURE-STATE, ACC-TWO-FORBIDDEN.
    """
    loan = book.loan(tx, loan_id)
    _known(loan.company_id, source, overdue_share)
    body = {
        "source": source.strip()[:MOST_WORDS],
        "overdue_share": None if overdue_share is None else str(overdue_share),
        "bad_elsewhere": bad_elsewhere,
        "evades": evades,
        "bankrupt": bankrupt,
        "retail": retail,
    }
    return _propose(tx, actor, loan, (DEBTOR_KIND, loan.company_id), body)


def decide_debtor(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> str:
    """Decide what is known of a debtor; day-end judges by it once approved. The company. Raises ACC-*."""
    found = _decided(tx, actor, approval_id, DEBTOR_KIND, outcome, reason)
    if outcome == "approved":
        share = found.body["overdue_share"]
        told = found.body | {"overdue_share": None if share is None else Decimal(share)}
        note_debtor(tx, actor, found.subject, **told)
        _evidence(tx, found, actor)
    return found.subject


def decide(tx: Tx, actor: Actor, found: Approval, outcome: Outcome, reason: str = "") -> None:
    """Decide one of those that wait; saying no needs a reason.

    Raises UserError SRV-REASON, ACC-* and what became impossible meanwhile (SRV-*, LON-*).
    """
    if outcome == "refused" and not reason.strip():
        fail("SRV-REASON", "reason")
    deciding = {CLASS_KIND: decide_class, OFF_KIND: decide_write_off, DEBTOR_KIND: decide_debtor}
    deciding[found.kind](tx, actor, found.id, outcome, reason)


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
    _known(company_id, source, overdue_share)
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


def judgement(tx: Tx, loan_id: UUID) -> Told:
    """What people have said of a loan so far."""
    row = tx.execute(
        "SELECT set_by_hand, able, facts FROM loan_risk WHERE loan_id = %s", [loan_id]
    ).fetchone()
    return Told(row["set_by_hand"], row["able"], row["facts"]) if row else Told(None, able=False, marks={})


def debtor(tx: Tx, institution_id: UUID, company_id: str) -> Mapping[str, Any]:
    """What an institution knows of a debtor as a whole; empty where nothing."""
    row = tx.execute(
        "SELECT overdue_share, bad_elsewhere, evades, bankrupt, retail, known_on, source FROM debtor_risk "
        "WHERE institution_id = %s AND company_id = %s",
        [institution_id, company_id],
    ).fetchone()
    return row or {}


def waiting(tx: Tx, institution_id: UUID, loan: book.LoanRow | None = None) -> list[Approval]:
    """Judgements, write-offs and facts of debtors that wait for a second person: of all, or about a loan."""
    found = approval.open_approvals(tx, institution_id, "risk.%")
    return [each for each in found if loan is None or each.subject in {str(loan.id), loan.company_id}]


def _propose(tx: Tx, actor: Actor, loan: book.LoanRow, about: tuple[str, str], body: dict[str, Any]) -> UUID:
    """Put ``about`` (kind and subject) up once, and tell those who may decide."""
    kind, subject = about
    if any((each.kind, each.subject) == about for each in waiting(tx, loan.institution_id, loan)):
        fail("SRV-MEASURE-STATE", kind, name=NAMES[kind])
    made = approval.propose(tx, actor, kind, subject, body)
    number = str(loan.id)[-8:]
    text = Text(
        zh=f"待复核：{NAMES[kind].zh}，借据 {number}",
        en=f"for a second person: {NAMES[kind].en}, loan {number}",
    )
    link = f"/bank/loans/{loan.id}"
    notify(tx, to_institution=loan.institution_id, role="bank.approver", text=text, link=link)
    return made


def _decided(  # noqa: PLR0917 - a decision and the kind it must be of
    tx: Tx, actor: Actor, approval_id: UUID, kind: str, outcome: Outcome, reason: str
) -> Approval:
    found = approval.decide(tx, actor, approval_id, outcome, reason)
    if found.kind != kind:  # somebody sent the id of another proposal
        fail("ACC-APPROVAL-ABSENT", str(approval_id))
    return found


def _known(company_id: str, source: str, overdue_share: Decimal | None) -> None:
    if not source.strip():
        fail("SRV-REASON", "source")
    if overdue_share is not None and not 0 <= overdue_share <= 1:
        fail("SRV-CLASS", company_id, detail=str(overdue_share))


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
