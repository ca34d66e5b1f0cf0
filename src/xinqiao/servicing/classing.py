"""Classes at day-end (分类): every debtor with something overdue, marked or not normal is judged as a whole.

All other loans are normal and stay so without being looked at. Judging again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import cast
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Database, Row, Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.text import Text
from xinqiao.loan.balances import Balances
from xinqiao.loan.classification import Class, Cure, Facts, Verdict, bad, classify, watch_ends
from xinqiao.servicing.day_lines import enter_parts
from xinqiao.servicing.provision import Rates

CHUNK = 500
MARKS = frozenset({"technical", "use_changed", "refinanced", "impaired", "loss_share"})
"""Facts of a loan that people set; the others are the debtor's or the book's."""
_DEBTORS = """
    SELECT company_id FROM (
      SELECT company_id FROM loan WHERE institution_id = %(institution)s AND state = 'open'
        AND (unpaid_since IS NOT NULL OR class <> 'normal' OR restructured_on IS NOT NULL)
      UNION SELECT l.company_id FROM loan_risk r JOIN loan l ON l.id = r.loan_id
        WHERE r.institution_id = %(institution)s AND l.state = 'open'
      UNION SELECT company_id FROM debtor_risk WHERE institution_id = %(institution)s) c ORDER BY company_id
"""
_LOANS = """
    SELECT l.id, l.company_id, l.class, l.principal_cny, l.days_past_due, l.restructured_on,
      coalesce(r.facts, '{}') AS facts, r.set_by_hand, coalesce(r.able, false) AS able, r.clean_since,
      r.watched_until, d.overdue_share, coalesce(d.bad_elsewhere, false) AS bad_elsewhere,
      coalesce(d.evades, false) AS evades, coalesce(d.bankrupt, false) AS bankrupt,
      coalesce(d.retail, false) AS retail,
      CASE WHEN r.clean_since IS NULL THEN 0 ELSE (SELECT count(*) FROM loan_instalment i
        WHERE i.loan_id = l.id AND i.due > r.clean_since AND i.settled_on <= i.due) END AS periods_paid
    FROM loan l LEFT JOIN loan_risk r ON r.loan_id = l.id
    LEFT JOIN debtor_risk d ON d.institution_id = l.institution_id AND d.company_id = l.company_id
    WHERE l.institution_id = %(institution)s AND l.state = 'open' AND l.company_id = ANY (%(debtors)s)
    ORDER BY l.company_id, l.id
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """A loan whose class is another one now."""

    loan_id: UUID
    before: Class
    verdict: Verdict


def judge(database: Database, institution_id: UUID, day: date, rates: Rates) -> int:
    """Judge every debtor that needs it as of the end of ``day``; how many loans changed their class."""
    told = {"institution": institution_id}
    with database.transaction(SYSTEM) as tx:
        debtors = [row["company_id"] for row in tx.execute(_DEBTORS, told)]
    count = 0
    for start in range(0, len(debtors), CHUNK):
        with database.transaction(SYSTEM) as tx:
            count += judge_debtors(tx, institution_id, day, rates, debtors[start : start + CHUNK])
    if count:
        with database.transaction(SYSTEM) as tx:
            text = Text(
                zh=f"日终：{count} 笔贷款的分类有变化", en=f"day-end: {count} loans changed their class"
            )
            notify(tx, to_institution=institution_id, role="bank.officer", text=text, link="/bank/day-end")
    return count


def judge_debtors(tx: Tx, institution_id: UUID, day: date, rates: Rates, debtors: list[str]) -> int:
    """Judge some debtors (scope SYSTEM); how many loans changed their class."""
    rows = tx.execute(_LOANS, {"institution": institution_id, "debtors": debtors}).fetchall()
    rows = [_kept_up(tx, institution_id, row, day) for row in rows]
    changed: list[Changed] = []
    for _, mine in groupby(rows, key=lambda row: row["company_id"]):
        changed += _debtor(list(mine), day)
    write(tx, institution_id, day, rates, changed)
    return len(changed)


def _kept_up(tx: Tx, institution_id: UUID, row: Row, day: date) -> Row:
    """Since when a bad loan is clean, and until when a restructured one is watched, as of the day."""
    since = row["clean_since"] or day if bad(row["class"]) and not row["days_past_due"] else None
    until = row["watched_until"]
    if row["restructured_on"] is not None and (until is None or until <= row["restructured_on"]):
        until = _watched_until(tx, row)
    if (since, until) != (row["clean_since"], row["watched_until"]):
        tx.execute(
            "INSERT INTO loan_risk (loan_id, institution_id, clean_since, watched_until) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (loan_id) DO UPDATE SET "
            "clean_since = EXCLUDED.clean_since, watched_until = EXCLUDED.watched_until",
            [row["id"], institution_id, since, until],
        )
    return row | {"clean_since": since, "watched_until": until}


def _watched_until(tx: Tx, row: Row) -> date:
    found = tx.execute(
        "SELECT due FROM loan_instalment WHERE loan_id = %s AND due > %s ORDER BY due LIMIT 2",
        [row["id"], row["restructured_on"]],
    ).fetchall()
    dues = [each["due"] for each in found] or [row["restructured_on"]]
    return watch_ends(dues[0], dues[-1])


def _debtor(rows: list[Row], day: date) -> list[Changed]:
    """One debtor's loans: each by its own facts, then all in the light of the others."""
    own = {row["id"]: classify(_own(row), day).cls for row in rows}
    total = sum((row["principal_cny"] for row in rows), Decimal(0))
    amiss = sum((row["principal_cny"] for row in rows if bad(own[row["id"]])), Decimal(0))
    changed: list[Changed] = []
    for row in rows:
        others = any(bad(cls) for loan, cls in own.items() if loan != row["id"])
        facts = replace(
            _own(row),
            bad_elsewhere=others or row["bad_elsewhere"],
            bad_share=amiss / total if total else None,
            overdue_share=row["overdue_share"],
        )
        cure = Cure(clean_since=row["clean_since"], periods_paid=row["periods_paid"], able=row["able"])
        verdict = classify(facts, day, before=row["class"], cure=cure)
        if verdict.cls != row["class"]:
            changed.append(Changed(row["id"], row["class"], verdict))
    return changed


def _own(row: Row) -> Facts:
    marks = {name: value for name, value in row["facts"].items() if name in MARKS}
    if marks.get("loss_share") is not None:
        marks["loss_share"] = Decimal(marks["loss_share"])
    return Facts(
        days_past_due=row["days_past_due"],
        evades=row["evades"],
        bankrupt=row["bankrupt"],
        retail=row["retail"],
        watched_until=row["watched_until"],
        set_by_hand=row["set_by_hand"],
        **marks,
    )


_WRITE = """
    WITH v AS (SELECT * FROM unnest(%(loans)s::uuid[], %(befores)s::text[], %(classes)s::text[],
        %(shares)s::numeric[], %(ids)s::uuid[], %(reasons)s::text[])
        AS v (loan_id, before, class, share, id, reasons)),
    l AS (SELECT l.id, round(l.principal_cny * v.share, 2) - l.allowance_cny AS change
      FROM loan l JOIN v ON v.loan_id = l.id ORDER BY l.id FOR UPDATE OF l),
    u AS (UPDATE loan SET class = v.class, allowance_cny = allowance_cny + l.change,
        totals = totals || jsonb_build_object('allowance',
          ((totals->>'allowance')::numeric + l.change)::numeric(18,2)::text)
      FROM v JOIN l ON l.id = v.loan_id WHERE loan.id = l.id RETURNING loan.id, l.change),
    h AS (INSERT INTO loan_class (id, loan_id, institution_id, on_date, before, class, reasons, at)
      SELECT id, loan_id, %(institution)s, %(day)s, before, class, string_to_array(reasons, ' '), %(at)s
      FROM v)
    SELECT id, change FROM u
"""


def write(tx: Tx, institution_id: UUID, day: date, rates: Rates, changed: Sequence[Changed]) -> None:
    """Keep changed classes with their reasons, and adjust the allowance of those loans in one entry."""
    if not changed:
        return
    rows = tx.execute(
        _WRITE,
        {
            "loans": [each.loan_id for each in changed],
            "befores": [each.before for each in changed],
            "classes": [each.verdict.cls for each in changed],
            "shares": [rates[each.verdict.cls] for each in changed],
            "ids": [new_id() for _ in changed],
            "reasons": [" ".join(each.verdict.reasons) for each in changed],
            "institution": institution_id,
            "day": day,
            "at": now(),
        },
    ).fetchall()
    enter_parts(tx, institution_id, day, [(row["id"], Balances(allowance=row["change"])) for row in rows])


def mark(tx: Tx, loan_id: UUID, institution_id: UUID, marks: Mapping[str, object]) -> None:
    """Keep marks of a loan beside those there are; None takes one away."""
    row = tx.execute("SELECT facts FROM loan_risk WHERE loan_id = %s FOR UPDATE", [loan_id]).fetchone()
    kept = dict(row["facts"]) if row else {}
    known = {field.name for field in fields(Facts)}
    for name, value in marks.items():
        if name in MARKS & known:
            kept[name] = value
    told = {name: value for name, value in kept.items() if value not in (None, False)}
    tx.execute(
        "INSERT INTO loan_risk (loan_id, institution_id, facts) VALUES (%s, %s, %s) "
        "ON CONFLICT (loan_id) DO UPDATE SET facts = EXCLUDED.facts",
        [loan_id, institution_id, Jsonb(cast("dict[str, object]", told))],
    )
