"""A person's judgement of a case, for a second person to agree to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending.case_state import Case
from xinqiao.lending.machine import machine
from xinqiao.lending.offer import Terms

MOST_WORDS = 1000


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer or a refusal, proposed. ``codes``: reasons of a refusal; ``verdict``: of the second person."""

    id: UUID
    case_id: UUID
    kind: Literal["offer", "refuse"]
    amount_cny: Decimal | None
    rate: Decimal | None
    term_months: int | None
    repayment: str | None
    codes: list[str]
    note: str
    proposed_by: str
    proposed_as: str
    proposed_name: str
    proposed_at: datetime
    decided_by: str | None
    decided_name: str | None
    decided_at: datetime | None
    verdict: Literal["approved", "sent_back"] | None

    @property
    def terms(self) -> Terms:
        """The terms of a proposed offer."""
        if self.amount_cny is None or self.rate is None or self.term_months is None or self.repayment is None:
            raise AssertionError(self.id)  # the table's check says so for kind offer
        return Terms(self.amount_cny, self.rate, self.term_months, self.repayment)  # type: ignore[arg-type] # checked when proposed


_NAMES = tuple(field.name for field in fields(Proposal))


def _proposal(row: Row) -> Proposal:
    return Proposal(**{name: row[name] for name in _NAMES})


def who(actor: Actor) -> str:
    """How an actor stands in rules about two people."""
    return f"client:{actor.client}" if actor.client is not None else str(actor.person)


def proposals(tx: Tx, case_id: UUID) -> list[Proposal]:
    """The judgements of a case, the first first; institutions see their own only."""
    rows = tx.execute("SELECT * FROM case_proposal WHERE case_id = %s ORDER BY id", [case_id])
    return [_proposal(row) for row in rows]


def open_proposal(tx: Tx, case_id: UUID) -> Proposal:
    """The judgement that waits for a second person. Raises UserError LND-PROPOSAL-ABSENT."""
    found = [each for each in proposals(tx, case_id) if each.verdict is None]
    if not found:
        fail("LND-PROPOSAL-ABSENT", str(case_id))
    return found[-1]


def add(tx: Tx, actor: Actor, case: Case, *, terms: Terms | None, codes: Collection[str], note: str) -> UUID:
    """Write down a judgement: an offer on ``terms``, or a refusal for reasons ``codes``.

    Raises UserError LND-REASON where a refusal has no reason, or one that is not known.
    """
    unknown = set(codes) - set(machine().refusals)
    if unknown or (terms is None) != bool(codes):
        fail("LND-REASON", str(case.id), codes=", ".join(machine().refusals))
    made = new_id()
    tx.execute(
        "INSERT INTO case_proposal (id, case_id, institution_id, kind, amount_cny, rate, term_months, "
        "repayment, codes, note, proposed_by, proposed_as, proposed_name, proposed_at) "
        "VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            made,
            case.id,
            case.institution_id,
            "refuse" if terms is None else "offer",
            None if terms is None else terms.amount_cny,
            None if terms is None else terms.rate,
            None if terms is None else terms.term_months,
            None if terms is None else terms.repayment,
            sorted(codes),
            note.strip()[:MOST_WORDS],
            who(actor),
            "approver" if "bank.approver" in actor.roles else "officer",
            actor.name,
            now(),
        ],
    )
    return made


def judge(tx: Tx, actor: Actor, proposal: Proposal, verdict: str, version: int) -> None:
    """The second person's word. Raises UserError LND-FOUR-EYES-FORBIDDEN for the first one's own."""
    if who(actor) == proposal.proposed_by:
        fail("LND-FOUR-EYES-FORBIDDEN", str(proposal.case_id))
    tx.execute(
        "UPDATE case_proposal SET decided_by = %s, decided_name = %s, decided_at = %s, verdict = %s, "
        "version = %s WHERE id = %s AND verdict IS NULL",
        [who(actor), actor.name, now(), verdict, version, proposal.id],
    )
