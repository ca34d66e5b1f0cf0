"""What an institution's people do with a case: take it up, judge it with two people, or give it back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.evidence.log import record
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending import duty
from xinqiao.lending.case_product import product_of, rung_of
from xinqiao.lending.case_state import Case, get, move, opened
from xinqiao.lending.machine import machine
from xinqiao.lending.offer import Terms, costed, make
from xinqiao.lending.proposal import Proposal, add, judge, open_proposal, who

MOST_WANTED = 20
MOST_WORDS = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """A remark of the institution's people to each other."""

    at: datetime
    by_name: str
    text: str


def take(tx: Tx, actor: Actor, case_id: UUID, version: int) -> None:
    """Take a waiting case up. Raises UserError LND-MOVE-STATE, LND-VERSION-STATE."""
    move(tx, actor, opened(tx, case_id, version), "take", handler=actor.name, handler_id=who(actor))


def hand_over(tx: Tx, actor: Actor, case_id: UUID, version: int) -> None:
    """Take over a case a colleague works on. Raises UserError LND-MOVE-STATE, LND-VERSION-STATE."""
    move(tx, actor, opened(tx, case_id, version), "hand_over", handler=actor.name, handler_id=who(actor))


def propose_offer(tx: Tx, actor: Actor, case_id: UUID, version: int, *, terms: Terms, note: str = "") -> None:
    """Propose an offer to a second person.

    Raises UserError LND-TERMS, LND-COST-STATE, LND-AUTHORITY-FORBIDDEN (nobody may), LND-MOVE-STATE.
    """
    case = opened(tx, case_id, version)
    product = product_of(tx, case.institution_id, case.product_id, case.product_version)
    if terms.amount_cny > case.amount_cny or terms.term_months > case.term_months or terms.rate < 0:
        fail("LND-TERMS", str(case.id), detail="多于申请 more than applied for")
    rung_of(product, terms.amount_cny, terms.rate)
    costed(product, terms)
    move(tx, actor, case, "propose")
    add(tx, actor, case, terms=terms, codes=(), note=note)


def propose_refusal(
    tx: Tx, actor: Actor, case_id: UUID, version: int, *, codes: Collection[str], note: str = ""
) -> None:
    """Propose to refuse, for reasons of the machine's list. Raises UserError LND-REASON, LND-MOVE-STATE."""
    case = move(tx, actor, opened(tx, case_id, version), "propose")
    add(tx, actor, case, terms=None, codes=codes, note=note)


def approve(tx: Tx, actor: Actor, case_id: UUID, version: int) -> None:
    """The second person agrees: the offer is made, or the case refused.

    Raises UserError LND-FOUR-EYES-FORBIDDEN, LND-AUTHORITY-FORBIDDEN, LND-PROPOSAL-ABSENT, LND-MOVE-STATE.
    """
    case = opened(tx, case_id, version)
    found = open_proposal(tx, case_id)
    judge(tx, actor, found, "approved", version + 1)
    gaps = {"proposal": str(found.id), "duties_open": duty.missing(tx, found)}
    audit.note(tx, actor, "case.approved", str(case_id), gaps)
    if found.kind == "refuse":
        _refuse(tx, actor, case, found)
    else:
        _offer(tx, actor, case, found)


def _refuse(tx: Tx, actor: Actor, case: Case, found: Proposal) -> None:
    known = machine().refusals
    reasons = [{"code": c, "text": known[c].model_dump()} for c in found.codes]
    move(tx, actor, case, "refuse", {"reasons": reasons}, automatic=False)
    told = {"case": str(case.id), "outcome": "refuse", "codes": found.codes}
    told |= {"proposed_by": found.proposed_by, "at": now().isoformat()}
    record(tx, "decision", told, subject=case.company_id, institution=case.institution_id)


def _offer(tx: Tx, actor: Actor, case: Case, found: Proposal) -> None:
    terms = found.terms
    product = product_of(tx, case.institution_id, case.product_id, case.product_version)
    rung = rung_of(product, terms.amount_cny, terms.rate)
    if rung == "committee" and found.proposed_as != "approver":  # two approvers stand for the committee
        fail(
            "LND-AUTHORITY-FORBIDDEN",
            str(case.id),
            amount=f"{terms.amount_cny:,.2f}",
            rate=f"{terms.rate:.2%}",
        )
    made = make(tx, case, terms, automatic=False)
    move(tx, actor, case, "offer", {"offer": str(made)}, automatic=False)


def send_back(tx: Tx, actor: Actor, case_id: UUID, version: int, note: str = "") -> None:
    """The second person does not agree. Raises UserError LND-FOUR-EYES-FORBIDDEN, LND-PROPOSAL-ABSENT."""
    case = opened(tx, case_id, version)
    judge(tx, actor, open_proposal(tx, case_id), "sent_back", version + 1)
    move(tx, actor, case, "send_back")
    if note.strip():
        remark(tx, actor, case_id, note)


def give_back(
    tx: Tx, actor: Actor, case_id: UUID, version: int, *, wanted: Collection[str], note: str = ""
) -> None:
    """Return the case to the company for documents or answers. Raises LND-WANTED, LND-MOVE-STATE."""
    asked = [each.strip()[:200] for each in wanted if each.strip()]
    if not 0 < len(asked) <= MOST_WANTED:
        fail("LND-WANTED", str(case_id))
    body = {"wanted": asked, "note": note.strip()[:MOST_WORDS]}
    move(tx, actor, opened(tx, case_id, version), "return", body)


def remark(tx: Tx, actor: Actor, case_id: UUID, text: str) -> None:
    """Leave a remark that the company does not see. Raises UserError LND-CASE-ABSENT, LND-NOTE."""
    case = get(tx, case_id)
    if not 0 < len(text.strip()) <= MOST_WORDS:
        fail("LND-NOTE", str(case_id))
    tx.execute(
        "INSERT INTO case_note (id, case_id, institution_id, at, by_name, text) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [new_id(), case.id, case.institution_id, now(), actor.name, text.strip()],
    )


def remarks(tx: Tx, case_id: UUID) -> list[Note]:
    """The remarks on a case, the first first."""
    rows = tx.execute("SELECT at, by_name, text FROM case_note WHERE case_id = %s ORDER BY id", [case_id])
    return [Note(**row) for row in rows]
