"""What became of loans, told by the bank: append-only, corrected by a later row; labels come from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.kernel.text import Text
from xinqiao.lending.upload import known_companies, read_sheet
from xinqiao.source.block import LINE

Kind = Literal["performing", "overdue", "default", "repaid", "written_off"]
KINDS: dict[str, Text] = {
    "performing": Text(zh="正常", en="performing"),
    "overdue": Text(zh="逾期", en="overdue"),
    "default": Text(zh="违约", en="default"),
    "repaid": Text(zh="已结清", en="repaid"),
    "written_off": Text(zh="已核销", en="written off"),
}
BAD_DAYS = 90
"""Days overdue that count as a default."""
HORIZON_MONTHS = 12
NEEDED = ("loan", "granted_on", "seen_on", "kind")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A loan as seen on a day. ``loan`` is the bank's own number of it; balances in CNY."""

    company_id: str
    loan: str
    granted_on: date
    seen_on: date
    kind: Kind
    days_overdue: int = 0
    balance_cny: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A loan whose first ``HORIZON_MONTHS`` months are known: did it default in them?"""

    company_id: str
    loan: str
    granted_on: date
    bad: bool


def report(tx: Tx, actor: Actor, outcomes: Iterable[Outcome]) -> int:
    """Keep what the bank tells; the same row told again adds nothing. Raises UserError BWB-ROW."""
    new = 0
    for told in outcomes:
        if not told.granted_on <= told.seen_on <= today() or told.days_overdue < 0:
            fail("BWB-ROW", told.loan, column="seen_on", detail=f"{told.granted_on} / {told.seen_on}")
        made = tx.execute(
            "INSERT INTO bank_outcome (id, institution, company_id, loan, granted_on, seen_on, kind, "
            "days_overdue, balance_cny, reported_by, reported_at) "
            "SELECT %(id)s, %(bank)s, %(company)s, %(loan)s, %(granted)s, %(seen)s, %(kind)s, %(days)s, "
            "%(balance)s, %(by)s, %(at)s WHERE NOT EXISTS (SELECT 1 FROM bank_outcome WHERE "
            "institution = %(bank)s AND loan = %(loan)s AND seen_on = %(seen)s AND company_id = %(company)s "
            "AND kind = %(kind)s AND days_overdue = %(days)s AND granted_on = %(granted)s "
            "AND balance_cny IS NOT DISTINCT FROM %(balance)s::numeric) RETURNING id",
            {
                "id": new_id(),
                "bank": actor.institution,
                "company": told.company_id,
                "loan": told.loan,
                "granted": told.granted_on,
                "seen": told.seen_on,
                "kind": told.kind,
                "days": told.days_overdue,
                "balance": told.balance_cny,
                "by": actor.name,
                "at": now(),
            },
        ).fetchone()
        new += made is not None
    return new


def upload(tx: Tx, actor: Actor, data: bytes, name: str) -> tuple[int, int]:
    """Report a file: rows read and rows new. Raises UserError SRC-*, BWB-FILE, BWB-ROW with the line."""
    sheet = read_sheet(data, name)
    missing = [column for column in NEEDED if column not in sheet.columns]
    if missing:
        fail("BWB-ROW", name, column=", ".join(missing), detail="没有这一列 no such column")
    known = known_companies(tx, sheet.frame[sheet.company].to_list())
    rows = [_read(row, known, sheet.company, name) for row in sheet.frame.iter_rows(named=True)]
    return len(rows), report(tx, actor, rows)


def _read(row: dict[str, Any], known: dict[str, str], company: str, name: str) -> Outcome:
    where = f"{name}:{row[LINE]}"
    told = row[company]
    if told not in known:
        fail("BWB-ROW", where, column=company, detail=f"{told} 不在登记库 not in the register")
    kind = row["kind"].strip()
    by_name = {text.zh: key for key, text in KINDS.items()}
    kind = by_name.get(kind, kind)
    if kind not in get_args(Kind) or not row["loan"].strip():
        fail("BWB-ROW", where, column="kind / loan", detail=f"{kind}; {', '.join(get_args(Kind))}")
    return Outcome(
        known[told],
        row["loan"].strip()[:64],
        _day(row, "granted_on", where),
        _day(row, "seen_on", where),
        kind,
        int(amount(row, "days_overdue", where) or 0),
        amount(row, "balance_cny", where),
    )


def _day(row: dict[str, Any], column: str, where: str) -> date:
    try:
        return date.fromisoformat(row[column].strip())
    except ValueError:
        fail("BWB-ROW", where, column=column, detail=f"{row[column]!r}: 2026-01-31")


def amount(row: dict[str, Any], column: str, where: str) -> Decimal | None:
    """A sum in CNY or a count as written in ``row``; None where blank. Raises UserError BWB-ROW."""
    text = (row.get(column) or "").strip().replace(",", "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0 or value >= Decimal(10) ** 15:
        fail("BWB-ROW", where, column=column, detail=repr(text))
    return value


_LATEST = """
    SELECT DISTINCT ON (institution, loan) * FROM bank_outcome
    ORDER BY institution, loan, seen_on DESC, reported_at DESC
"""


def latest(tx: Tx, most: int = 200) -> list[Row]:
    """Every loan as last seen, the gravest and latest first, with the company's name."""
    return tx.execute(
        f"SELECT o.*, c.name FROM ({_LATEST}) o LEFT JOIN company c ON c.id = o.company_id "  # noqa: S608 - our own text
        "ORDER BY o.kind IN ('default', 'written_off') DESC, o.days_overdue DESC, o.seen_on DESC LIMIT %s",
        [most],
    ).fetchall()


def counts(tx: Tx) -> dict[str, int]:
    """Loans by what they are as last seen."""
    rows = tx.execute(f"SELECT kind, count(*) AS n FROM ({_LATEST}) o GROUP BY kind")  # noqa: S608 - our own text
    return {row["kind"]: row["n"] for row in rows}


def labels(tx: Tx, institution: UUID | None = None) -> list[Label]:
    """Loans that were seen to default within the horizon, and those seen beyond it, or repaid, without.

    Only the last told row of a day counts. ``institution`` None: of the transaction's own.
    """
    rows = tx.execute(
        "SELECT DISTINCT ON (institution, loan, seen_on) institution, company_id, loan, granted_on, "
        "seen_on, kind, days_overdue FROM bank_outcome "
        "WHERE %(bank)s::uuid IS NULL OR institution = %(bank)s "
        "ORDER BY institution, loan, seen_on, reported_at DESC",
        {"bank": institution},
    )
    loans: dict[tuple[UUID, str], list[Row]] = {}
    for row in rows:
        loans.setdefault((row["institution"], row["loan"]), []).append(row)
    found = [_label(seen) for seen in loans.values()]
    return [label for label in found if label is not None]


def _label(seen: list[Row]) -> Label | None:
    last = seen[-1]
    end = add_months(last["granted_on"], HORIZON_MONTHS)
    early = [row for row in seen if row["seen_on"] <= end]
    bad = any(row["kind"] in ("default", "written_off") or row["days_overdue"] >= BAD_DAYS for row in early)
    known = bad or last["seen_on"] >= end or last["kind"] == "repaid"
    return Label(last["company_id"], last["loan"], last["granted_on"], bad) if known else None
