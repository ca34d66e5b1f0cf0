"""Measures on a loan (贷后措施): one person of the bank proposes, another decides, and then it is booked.

What is proposed is tried on the loan first, so that nothing impossible waits for a second person. It counts
from the business day it is approved on: nothing is dated back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from xinqiao.account import approval
from xinqiao.account.actor import Actor
from xinqiao.account.approval import Approval, Outcome
from xinqiao.account.notice import notify
from xinqiao.db.database import Tx
from xinqiao.evidence.log import record
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.loan import event as events
from xinqiao.loan.engine import apply
from xinqiao.loan.event import Event
from xinqiao.servicing import book, deferral, repayment
from xinqiao.servicing.business_day import business_day

NAMES: Mapping[str, Text] = {
    "waive": Text(zh="减免", en="waiver"),
    "defer": Text(zh="延期还本付息", en="deferral"),
    "extend_term": Text(zh="展期", en="extension"),
    "renew": Text(zh="无还本续贷", en="renewal without repayment"),
    "restructure": Text(zh="重组", en="restructuring"),
    "rate_change": Text(zh="利率调整", en="change of the rate"),
    "interest_free": Text(zh="免息期", en="interest-free days"),
    "move_due": Text(zh="调整还款日", en="another due date"),
    "charge": Text(zh="收费", en="fee charged"),
    "reverse": Text(zh="冲正", en="reversal"),
}
"""What can be proposed here."""
KIND = "loan."
MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Measure:
    """A proposal that waits, or one just decided. ``request``: the company's own question that it answers."""

    id: UUID
    loan_id: UUID
    kind: str
    told: dict[str, Any]
    reason: str
    request: UUID | None
    proposer: str
    proposed_by: UUID

    @property
    def name(self) -> Text:
        """What it is, in words."""
        return NAMES[self.kind]


def propose(
    tx: Tx, actor: Actor, loan_id: UUID, told: Mapping[str, Any], *, reason: str, request: UUID | None = None
) -> UUID:
    """Put a measure up for a second person; ``told``: the event as JSON, without its day.

    Raises UserError SRV-MEASURE (no such measure, or what it needs is missing), SRV-REASON, what the loan
    itself refuses (LON-*), SRV-MEASURE-STATE (one of its kind waits already), ACC-TWO-FORBIDDEN.
    """
    if not reason.strip():
        fail("SRV-REASON", "reason")
    loan = book.loan(tx, loan_id)
    event = _event(told, business_day(tx, loan.institution_id))
    apply(book.engine_loan(tx, loan_id), event)
    kind = events.kind_of(event)
    if any(each.kind == kind for each in waiting(tx, loan.institution_id, loan_id)):
        fail("SRV-MEASURE-STATE", kind, name=NAMES[kind])
    body = {
        "event": dict(told),
        "reason": reason.strip()[:MOST_WORDS],
        "request": str(request) if request else None,
    }
    made = approval.propose(tx, actor, KIND + kind, str(loan_id), body)
    _tell_approvers(tx, loan, kind)
    return made


def _tell_approvers(tx: Tx, loan: book.LoanRow, kind: str) -> None:
    text = Text(
        zh=f"待复核：{NAMES[kind].zh}，借据 {str(loan.id)[-8:]}",
        en=f"for a second person: {NAMES[kind].en}, loan {str(loan.id)[-8:]}",
    )
    notify(
        tx, to_institution=loan.institution_id, role="bank.approver", text=text, link=f"/bank/loans/{loan.id}"
    )


def approve(tx: Tx, actor: Actor, approval_id: UUID) -> UUID:
    """The second person agrees, and it is booked; the loan's id.

    Raises UserError ACC-APPROVAL-*, ACC-SAME-FORBIDDEN, or what the loan refuses now (LON-*, SRV-*).
    """
    found = _decided(tx, actor, approval_id, "approved")
    loan = book.loan(tx, found.loan_id)
    event, key = _event(found.told, business_day(tx, loan.institution_id)), f"measure/{approval_id}"
    if isinstance(event, events.Reverse):
        repayment.reverse(tx, actor, found.loan_id, event.seq, key=key)
    else:
        book.post(tx, actor, found.loan_id, event, key=key)
    if found.request is not None:
        deferral.answer(tx, found.request, "granted")
    said = {"loan": str(found.loan_id), "measure": events.to_json(event), "approval": str(approval_id)}
    said |= {"reason": found.reason, "step": "contract changed"}
    record(tx, "contract", said, subject=loan.company_id, institution=loan.institution_id)
    number = str(found.loan_id)[-8:]
    text = Text(zh=f"{found.name.zh}已生效：借据 {number}", en=f"{found.name.en} in force: loan {number}")
    notify(tx, to_company=loan.company_id, text=text, link=f"/enterprise/loans/{found.loan_id}")
    return found.loan_id


def refuse(tx: Tx, actor: Actor, approval_id: UUID, reason: str) -> UUID:
    """The second person does not agree; the loan's id. Raises UserError SRV-REASON, ACC-*."""
    if not reason.strip():
        fail("SRV-REASON", "reason")
    return _decided(tx, actor, approval_id, "refused", reason).loan_id


def waiting(tx: Tx, institution_id: UUID, loan_id: UUID | None = None) -> list[Measure]:
    """What waits for a second person, the oldest first."""
    found = [_measure(each) for each in approval.open_approvals(tx, institution_id, f"{KIND}%")]
    return [each for each in found if each.kind in NAMES and loan_id in (None, each.loan_id)]


def _decided(tx: Tx, actor: Actor, approval_id: UUID, outcome: Outcome, reason: str = "") -> Measure:
    found = approval.decide(tx, actor, approval_id, outcome, reason)
    if found.kind.removeprefix(KIND) not in NAMES:  # somebody sent the id of another proposal
        fail("ACC-APPROVAL-ABSENT", str(approval_id))
    return _measure(found)


def _measure(found: Approval) -> Measure:
    body = found.body
    return Measure(
        found.id,
        UUID(found.subject),
        found.kind.removeprefix(KIND),
        body["event"],
        body["reason"],
        UUID(body["request"]) if body["request"] else None,
        found.proposer,
        found.proposed_by,
    )


def _event(told: Mapping[str, Any], on: date) -> Event:
    if told.get("kind") not in NAMES:
        fail("SRV-MEASURE", str(told.get("kind"))[:40])
    try:
        return events.from_json({**told, "on": on.isoformat()})
    except (KeyError, TypeError, ValueError, ArithmeticError):
        fail("SRV-MEASURE", str(told["kind"]))
