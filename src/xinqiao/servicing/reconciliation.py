"""Reconciliation (对账) of a day's book with the bank's core system: its file compared line by line.

The file is CSV in UTF-8 with the columns ``record,id,amount_cny,status``, one line each:

``balance``
    ``id``: the loan's id; ``amount_cny``: its principal outstanding at the end of the day; ``status``:
    ``open``, ``closed`` (nothing outstanding) or ``written_off``. Closed loans may be left out.
``posting``
    ``id``: the id of the journal entry we sent; ``amount_cny``: the sum of its debits; ``status``: ``booked``
    or ``rejected``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text

Kind = Literal["missing_here", "missing_there", "amount", "status"]
KINDS: dict[str, Text] = {
    "missing_here": Text(zh="核心有、本账无", en="in the core only"),
    "missing_there": Text(zh="本账有、核心无", en="in our book only"),
    "amount": Text(zh="金额不符", en="amounts differ"),
    "status": Text(zh="状态不符", en="states differ"),
}
COLUMNS = ("record", "id", "amount_cny", "status")
STATES = {"balance": ("open", "closed", "written_off"), "posting": ("booked", "rejected")}
MOST_BYTES = 200_000_000
MOST_WORDS = 500
Line = tuple[Decimal, str]
"""An amount in CNY and a status."""
Lines = dict[tuple[str, str], Line]
"""By record and id."""
_Found = tuple[Kind, tuple[str, str], Line | None, Line | None]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A file that was compared: ``rows`` it has, ``agreeing`` of them with us. ``again``: it was known."""

    id: UUID
    day: date
    digest: str
    source: str
    rows: int
    agreeing: int
    open: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two books differ; ``ours`` and ``theirs`` as ``amount status``, empty where missing."""

    id: UUID
    reconciliation_id: UUID
    day: date
    kind: Kind
    subject: str
    ours: str
    theirs: str
    state: Literal["open", "settled"]
    words: str
    settled_by: str


def read(data: bytes, where: str) -> Lines:
    """The lines of a file. Raises UserError SRV-FILE naming the line."""
    if len(data) > MOST_BYTES:
        fail("SRV-FILE", where, detail=f"> {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise user_error("SRV-FILE", where, detail="not UTF-8") from error
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != COLUMNS:
        fail("SRV-FILE", f"{where}:1", detail=",".join(COLUMNS))
    found: Lines = {}
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        key, line = _line(row, f"{where}:{number}")
        if key in found:
            fail("SRV-FILE", f"{where}:{number}", detail=f"{key[0]} {key[1]} twice")
        found[key] = line
    return found


def _line(row: list[str], where: str) -> tuple[tuple[str, str], Line]:
    if len(row) != len(COLUMNS):
        fail("SRV-FILE", where, detail=f"{len(row)} columns")
    record, subject, amount, status = row
    if status not in STATES.get(record, ()):
        fail("SRV-FILE", where, detail=f"{record} {status}")
    try:
        value, key = Decimal(amount), str(UUID(subject))
    except (InvalidOperation, ValueError) as error:
        raise user_error("SRV-FILE", where, detail=f"{subject} {amount}") from error
    if not value.is_finite() or value != round(value, 2):
        fail("SRV-FILE", where, detail=amount)
    return (record, key), (value, status)


def ours(tx: Tx, institution_id: UUID, day: date) -> Lines:
    """The book as of the end of a day, and what was booked on it."""
    found: Lines = {}
    for row in tx.execute(_BALANCES, {"institution": institution_id, "day": day}):
        found["balance", str(row["id"])] = (row["amount"], row["status"])
    for row in tx.execute(_POSTINGS, {"institution": institution_id, "day": day}):
        found["posting", str(row["id"])] = (row["amount"], "booked")
    return found


# A loan's principal moves by entries of its own only, so it is told by the journal as of any day.
_BALANCES = """
    SELECT l.id, coalesce(p.amount, 0) AS amount, CASE WHEN p.off THEN 'written_off'
      WHEN coalesce(p.amount, 0) = 0 THEN 'closed' ELSE 'open' END AS status
    FROM loan l LEFT JOIN LATERAL (
      SELECT sum(j.amount_cny) AS amount, bool_or(e.kind = 'write_off' AND NOT EXISTS (
        SELECT 1 FROM journal_entry c WHERE c.counters = e.id AND c.booked_on <= %(day)s)) AS off
      FROM journal_entry e JOIN journal_line j ON j.entry_id = e.id AND j.account = 'loan_principal'
      WHERE e.loan_id = l.id AND e.booked_on <= %(day)s) p ON true
    WHERE l.institution_id = %(institution)s AND l.drawn_on <= %(day)s
"""
_POSTINGS = """
    SELECT e.id, sum(j.amount_cny) FILTER (WHERE j.amount_cny > 0) AS amount
    FROM journal_entry e JOIN journal_line j ON j.entry_id = e.id
    WHERE e.institution_id = %(institution)s AND e.booked_on = %(day)s GROUP BY 1
"""


def compare(our: Mapping[tuple[str, str], Line], their: Mapping[tuple[str, str], Line]) -> list[_Found]:
    """Every difference; a loan with nothing outstanding may be missing on either side."""
    found: list[_Found] = []
    for key in our.keys() | their.keys():
        mine, other = our.get(key), their.get(key)
        if mine is None or other is None:
            there = mine or other
            if there is not None and not (key[0] == "balance" and there[1] == "closed"):
                found.append((_missing(mine), key, mine, other))
        elif mine[0] != other[0]:
            found.append(("amount", key, mine, other))
        elif mine[1] != other[1]:
            found.append(("status", key, mine, other))
    return sorted(found, key=lambda each: each[1])


def _missing(mine: Line | None) -> Kind:
    return "missing_here" if mine is None else "missing_there"


def reconcile(tx: Tx, actor: Actor, day: date, data: bytes, source: str) -> Reconciliation:
    """Compare a day's file with the actor's institution's book; the same bytes again change nothing.

    A later file of the same day settles what it no longer shows. Raises UserError SRV-FILE, ACC-FORBIDDEN.
    """
    if actor.institution is None:
        fail("ACC-FORBIDDEN", source, permission="reconciliation")
    told = digest(data)
    known = _known(tx, actor.institution, day, told)
    if known is not None:
        return known
    theirs = read(data, source)
    found = compare(ours(tx, actor.institution, day), theirs)
    wrong = sum(other is not None for _, _, _, other in found)
    made = new_id()
    tx.execute(
        "INSERT INTO reconciliation (id, institution_id, day, digest, source, received_at, by_name, rows, "
        "agreeing) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            made,
            actor.institution,
            day,
            told,
            source[:200],
            now(),
            actor.name,
            len(theirs),
            len(theirs) - wrong,
        ],
    )
    still_open = _keep(tx, actor.institution, day, made, found)
    audit.note(tx, actor, "reconciliation.compared", str(day), {"rows": len(theirs), "open": still_open})
    return Reconciliation(made, day, told, source, len(theirs), len(theirs) - wrong, still_open)


def _known(tx: Tx, institution_id: UUID, day: date, told: str) -> Reconciliation | None:
    row = tx.execute(
        "SELECT r.*, (SELECT count(*) FROM reconciliation_difference d WHERE d.reconciliation_id = r.id "
        "AND d.state = 'open') AS open FROM reconciliation r "
        "WHERE institution_id = %s AND day = %s AND digest = %s",
        [institution_id, day, told],
    ).fetchone()
    if row is None:
        return None
    return replace(_reconciliation(row), again=True)


def _keep(tx: Tx, institution_id: UUID, day: date, made: UUID, found: Iterable[_Found]) -> int:
    """Write the differences, in place of those of earlier files of the day; how many are open."""
    tx.execute(
        "UPDATE reconciliation_difference d SET state = 'settled', settled_at = %s, settled_by = 'system', "
        "words = '后一份文件已取代 superseded by a later file' FROM reconciliation r "
        "WHERE r.id = d.reconciliation_id AND r.institution_id = %s AND r.day = %s AND d.state = 'open'",
        [now(), institution_id, day],
    )
    rows = [
        (new_id(), made, institution_id, kind, f"{key[0]}:{key[1]}", _said(mine), _said(other))
        for kind, key, mine, other in found
    ]
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reconciliation_difference (id, reconciliation_id, institution_id, kind, subject, "
            "ours, theirs) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    return len(rows)


def _said(line: Line | None) -> str:
    return "" if line is None else f"{line[0]:.2f} {line[1]}"


def files(tx: Tx, institution_id: UUID, most: int = 100) -> list[Reconciliation]:
    """The files compared, the latest first."""
    rows = tx.execute(
        "SELECT r.*, (SELECT count(*) FROM reconciliation_difference d WHERE d.reconciliation_id = r.id "
        "AND d.state = 'open') AS open FROM reconciliation r WHERE institution_id = %s "
        "ORDER BY received_at DESC, id DESC LIMIT %s",
        [institution_id, most],
    )
    return [_reconciliation(row) for row in rows]


def _reconciliation(row: Row) -> Reconciliation:
    return Reconciliation(
        row["id"], row["day"], row["digest"], row["source"], row["rows"], row["agreeing"], row["open"]
    )


def differences(
    tx: Tx, institution_id: UUID, *, reconciliation: UUID | None = None, state: str | None = None
) -> list[Difference]:
    """Differences of one file or of all, at most 1,000, the latest day first."""
    rows = tx.execute(
        "SELECT d.*, r.day FROM reconciliation_difference d JOIN reconciliation r "
        "ON r.id = d.reconciliation_id WHERE d.institution_id = %(institution)s "
        "AND (%(of)s::uuid IS NULL OR r.id = %(of)s) AND (%(state)s::text IS NULL OR d.state = %(state)s) "
        "ORDER BY r.day DESC, d.subject, d.id LIMIT 1000",
        {"institution": institution_id, "of": reconciliation, "state": state},
    )
    names = [field.name for field in fields(Difference)]
    return [Difference(**{name: row[name] for name in names}) for row in rows]


def settle(tx: Tx, actor: Actor, difference_id: UUID, words: str) -> None:
    """Close a difference, with what was found. Raises UserError SRV-REASON, SRV-DIFFERENCE-STATE."""
    if not words.strip():
        fail("SRV-REASON", "words")
    done = tx.execute(
        "UPDATE reconciliation_difference SET state = 'settled', settled_at = %s, settled_by = %s, "
        "words = %s WHERE id = %s AND institution_id = %s AND state = 'open'",
        [now(), actor.name, words.strip()[:MOST_WORDS], difference_id, actor.institution],
    ).rowcount
    if not done:
        fail("SRV-DIFFERENCE-STATE", str(difference_id))
    audit.note(tx, actor, "reconciliation.settled", str(difference_id), {"words": words.strip()[:MOST_WORDS]})
