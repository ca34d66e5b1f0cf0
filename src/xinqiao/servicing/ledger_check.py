"""Checks of the books: what must be equal whatever happened (scope SYSTEM)."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.errors import UserError
from xinqiao.loan import engine
from xinqiao.loan.balances import Balances, postings
from xinqiao.servicing import line
from xinqiao.servicing.loan_row import LoanRow, folded, instalments, loan_of
from xinqiao.servicing.standing import columns, standing

_TOTALS = tuple(each.name for each in fields(Balances))
_UNBALANCED = (
    "SELECT e.id FROM journal_entry e LEFT JOIN journal_line l ON l.entry_id = e.id "
    "WHERE e.institution_id = %s GROUP BY e.id HAVING coalesce(sum(l.amount_cny), 1) <> 0"
)
_BY_ACCOUNT = (
    "SELECT l.account, sum(l.amount_cny) AS cny FROM journal_line l "
    "JOIN journal_entry e ON e.id = l.entry_id WHERE e.institution_id = %s GROUP BY 1"
)
_BATCHES = (
    "SELECT a.entry_id, (SELECT sum(c) FROM unnest(a.interest_cents) c) AS interest, "
    "(SELECT sum(c) FROM unnest(a.penalty_cents) c) AS penalty, "
    "(SELECT sum(c) FROM unnest(a.allowance_cents) c) AS allowance, "
    "(SELECT jsonb_object_agg(l.account, l.amount_cny) FROM journal_line l "
    "WHERE l.entry_id = a.entry_id) AS lines FROM accrual a WHERE a.institution_id = %s"
)
_GAPS = (
    "SELECT l.id FROM loan l LEFT JOIN loan_event e ON e.loan_id = l.id WHERE l.institution_id = %s "
    "GROUP BY l.id HAVING count(e.seq) <> l.version OR coalesce(max(e.seq), 0) <> l.version"
)


def check(tx: Tx, institution_id: UUID | None = None, *, replays: int | None = None) -> list[str]:
    """What is wrong with the books of an institution (all of them unless told); an empty list: nothing.

    Every entry balances; every account is what its loans come to; batches are the sum of their loans; limits
    are used as the loans say; events have no gap; and every loan (or ``replays`` of them, the latest) worked
    out again from its events alone is what its row says.
    """
    with acting(tx, SYSTEM):
        found = tx.execute("SELECT DISTINCT institution_id AS id FROM facility").fetchall()
        ids = [row["id"] for row in found] if institution_id is None else [institution_id]
        out = []
        for each in ids:
            out += [f"entry {r['id']} does not balance" for r in tx.execute(_UNBALANCED, [each]).fetchall()]
            out += _accounts(tx, each) + _batches(tx, each) + line.faults(tx, each)
            out += [f"events of loan {r['id']} have a gap" for r in tx.execute(_GAPS, [each]).fetchall()]
            out += _replays(tx, each, replays)
    return out


def _accounts(tx: Tx, institution_id: UUID) -> list[str]:
    """Control accounts: the journal against the totals of all loans."""
    sums = ", ".join(f"coalesce(sum((totals->>'{name}')::numeric), 0) AS {name}" for name in _TOTALS)
    row = tx.execute(f"SELECT {sums} FROM loan WHERE institution_id = %s", [institution_id]).fetchone()  # noqa: S608 - our own names
    assert row is not None  # noqa: S101 - sums always have their row
    wanted = {p.account: p.amount for p in postings(Balances(**row))}
    booked = {r["account"]: r["cny"] for r in tx.execute(_BY_ACCOUNT, [institution_id])}
    accounts = sorted(wanted.keys() | booked.keys())
    return [
        f"account {each}: {booked.get(each, 0)} booked, loans say {wanted.get(each, 0)}"
        for each in accounts
        if booked.get(each, Decimal(0)) != wanted.get(each, Decimal(0))
    ]


def _batches(tx: Tx, institution_id: UUID) -> list[str]:
    out = []
    for row in tx.execute(_BATCHES, [institution_id]).fetchall():
        cents = {name: Decimal(row[name] or 0) / 100 for name in ("interest", "penalty", "allowance")}
        change = Balances(
            interest_earned=cents["interest"], penalty_earned=cents["penalty"], allowance=cents["allowance"]
        )
        lines = {account: Decimal(str(cny)) for account, cny in (row["lines"] or {}).items()}
        if lines != {p.account: p.amount for p in postings(change)}:
            out.append(f"entry {row['entry_id']} is not the sum of its loans")
    return out


def _replays(tx: Tx, institution_id: UUID, most: int | None) -> list[str]:
    rows = tx.execute(
        "SELECT * FROM loan WHERE institution_id = %s ORDER BY id DESC LIMIT %s", [institution_id, most]
    ).fetchall()
    return [fault for row in rows for fault in _replay(tx, loan_of(row))]


def _replay(tx: Tx, row: LoanRow) -> list[str]:
    try:
        again = folded(tx, row)
    except UserError as error:
        return [f"loan {row.id} can't be worked out again: {error}"]
    found = standing(again, row.posted_on, allowance=row.totals.allowance)
    out, name, kept = [], f"loan {row.id}", columns(found)
    if found != row.standing:
        out.append(f"{name}: {found} by its events, the row says {row.standing}")
    out += [f"{name}: {each} is {getattr(row, each)}" for each in kept if getattr(row, each) != kept[each]]
    dues = [(each.n, each.due, each.principal_cny) for each in instalments(tx, row.id)]
    rows = [(each.n, each.due, each.principal) for each in engine.rows(again, row.posted_on)]
    return out if dues == rows else [*out, f"{name}: instalments are not those of its events"]
