"""Entries of the journal (记账): written once, never changed; wrong ones are countered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.loan.balances import Posting

COUNTER = "counter"
ACCRUAL = "accrual"


@dataclass(frozen=True, slots=True)
class About:
    """What an entry is about: a loan's event, or with neither a whole batch."""

    institution_id: UUID
    booked_on: date
    kind: str
    loan_id: UUID | None = None
    seq: int | None = None


def enter(tx: Tx, about: About, lines: Sequence[Posting], *, counters: UUID | None = None) -> UUID | None:
    """Write an entry of ``lines``, which sum to zero; none where nothing is to be written. Its id."""
    if not lines:
        return None
    made = new_id()
    tx.execute(
        "WITH e AS (INSERT INTO journal_entry (id, institution_id, booked_on, kind, loan_id, seq, counters, "
        "at) VALUES (%(id)s, %(institution)s, %(booked_on)s, %(kind)s, %(loan)s, %(seq)s, %(counters)s, "
        "%(at)s)) INSERT INTO journal_line (entry_id, institution_id, account, amount_cny) "
        "SELECT %(id)s, %(institution)s, a, m "
        "FROM unnest(%(accounts)s::text[], %(amounts)s::numeric[]) AS l (a, m)",
        {
            "id": made,
            "institution": about.institution_id,
            "booked_on": about.booked_on,
            "kind": about.kind,
            "loan": about.loan_id,
            "seq": about.seq,
            "counters": counters,
            "at": now(),
            "accounts": [line.account for line in lines],
            "amounts": [line.amount for line in lines],
        },
    )
    return made


def lines_of(tx: Tx, loan_id: UUID, seq: int) -> list[tuple[UUID, tuple[Posting, ...]]]:
    """The entries that an event of a loan made itself (not the accrual before it), each with its lines."""
    rows = tx.execute(
        "SELECT l.entry_id, array_agg(l.account ORDER BY l.account) AS accounts, "
        "array_agg(l.amount_cny ORDER BY l.account) AS amounts FROM journal_entry e "
        "JOIN journal_line l ON l.entry_id = e.id "
        "WHERE e.loan_id = %s AND e.seq = %s AND e.kind NOT IN (%s, %s) GROUP BY 1 ORDER BY 1",
        [loan_id, seq, COUNTER, ACCRUAL],
    )
    return [
        (r["entry_id"], tuple(Posting(a, m) for a, m in zip(r["accounts"], r["amounts"], strict=True)))
        for r in rows
    ]
