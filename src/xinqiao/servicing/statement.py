"""Statements (对账单) and the trial balance (试算平衡), from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.loan.balances import Balances, postings
from xinqiao.servicing.ledger_check import check
from xinqiao.servicing.loan_row import loan

__all__ = ["Moved", "Statement", "Trial", "check", "statement", "trial"]

Sums = Mapping[str, Decimal]
ACCOUNTS = (
    "loan_principal",
    "interest_receivable",
    "penalty_receivable",
    "fee_receivable",
    "borrower_credit",
)
"""What a borrower's statement shows: the loan's own accounts."""
CENT = Decimal("0.01")
DAY_END = "day_end"
_ENTRIES = (
    "SELECT e.booked_on, e.kind, e.seq, e.id, v.on_date, jsonb_object_agg(l.account, l.amount_cny) AS sums "
    "FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id "
    "LEFT JOIN loan_event v ON v.loan_id = e.loan_id AND v.seq = e.seq "
    "WHERE e.loan_id = %(loan)s AND e.booked_on <= %(until)s GROUP BY e.id, v.on_date "
    "ORDER BY e.booked_on, e.seq, e.id"
)
_ACCRUED = (
    "SELECT a.booked_on, a.interest_cents[p.i] AS interest, a.penalty_cents[p.i] AS penalty, "
    "a.allowance_cents[p.i] AS allowance "
    "FROM accrual a, LATERAL (SELECT array_position(a.loan_ids, %(loan)s) AS i) p "
    "WHERE a.institution_id = %(institution)s AND a.booked_on <= %(until)s AND a.first_id <= %(loan)s "
    "AND a.last_id >= %(loan)s AND p.i IS NOT NULL ORDER BY a.booked_on"
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A line of a statement: what was booked and what of it was principal, interest, ... in CNY.

    ``sums`` by account, a debit (the debt grows) where positive; ``after``: the accounts after it.
    """

    booked_on: date
    on: date
    kind: str
    seq: int | None
    sums: Sums
    after: Sums


@dataclass(frozen=True, slots=True)
class Statement:
    """The accounts of a loan from ``since`` to ``until``, both counted; ``before`` and ``after`` in CNY."""

    loan_id: UUID
    since: date
    until: date
    before: Sums
    lines: tuple[Moved, ...]
    after: Sums


@dataclass(frozen=True, slots=True)
class Trial:
    """An account of an institution's books: sums of debits and credits, and their difference, in CNY."""

    account: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        """Debit where positive."""
        return self.debit - self.credit


def statement(tx: Tx, loan_id: UUID, since: date, until: date) -> Statement:
    """What was booked on a loan on business days from ``since`` to ``until``.

    Accruals of day-ends between two bookings stand as one line. Raises UserError SRV-LOAN-ABSENT.
    """
    row = loan(tx, loan_id)
    told = {"loan": loan_id, "institution": row.institution_id, "until": until}
    with acting(tx, SYSTEM):  # a company doesn't see the books of its bank, but what they say of its loan
        booked = [
            Moved(r["booked_on"], r["on_date"] or r["booked_on"], r["kind"], r["seq"], _sums(r["sums"]), {})
            for r in tx.execute(_ENTRIES, told)
        ]
        accrued = [_accrued(r) for r in tx.execute(_ACCRUED, told)]
    # of one day, the day-end comes last
    moved = sorted([*booked, *accrued], key=lambda m: (m.booked_on, m.kind == DAY_END))
    before = _added({}, [m for m in moved if m.booked_on < since])
    lines, sums = [], before
    for each in _together([m for m in moved if m.booked_on >= since]):
        sums = _added(sums, [each])
        lines.append(replace(each, after=sums))
    return Statement(loan_id, since, until, before, tuple(lines), sums)


def trial(tx: Tx, institution_id: UUID, on: date | None = None) -> list[Trial]:
    """The accounts of an institution at the end of a business day (of all, unless told)."""
    rows = tx.execute(
        "SELECT l.account, coalesce(sum(l.amount_cny) FILTER (WHERE l.amount_cny > 0), 0) AS debit, "
        "coalesce(-sum(l.amount_cny) FILTER (WHERE l.amount_cny < 0), 0) AS credit "
        "FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id WHERE e.institution_id = %(of)s "
        "AND (%(on)s::date IS NULL OR e.booked_on <= %(on)s) GROUP BY 1 ORDER BY 1",
        {"of": institution_id, "on": on},
    )
    return [Trial(**row) for row in rows]


def _sums(plain: Mapping[str, object]) -> Sums:
    return {account: Decimal(str(amount)).quantize(CENT) for account, amount in plain.items()}


def _accrued(row: Mapping[str, object]) -> Moved:
    def cny(name: str) -> Decimal:
        return Decimal(int(str(row[name]))) * CENT

    change = Balances(
        interest_earned=cny("interest"), penalty_earned=cny("penalty"), allowance=cny("allowance")
    )
    day = row["booked_on"]
    assert isinstance(day, date)  # noqa: S101 - the column's type
    return Moved(day, day, DAY_END, None, {p.account: p.amount for p in postings(change)}, {})


def _together(moved: list[Moved]) -> list[Moved]:
    """Day-ends one after the other as one line of the last day."""
    out: list[Moved] = []
    for each in moved:
        if each.kind == DAY_END and out and out[-1].kind == DAY_END:
            out[-1] = replace(each, sums=_added(out[-1].sums, [each]))
        else:
            out.append(each)
    return out


def _added(sums: Sums, moved: list[Moved]) -> dict[str, Decimal]:
    out = dict(sums)
    for each in moved:
        for account, amount in each.sums.items():
            out[account] = out.get(account, Decimal(0)) + amount
    return {account: amount for account, amount in sorted(out.items()) if amount}
