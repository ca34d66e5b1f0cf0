"""Month ends of the loan book (月末台账): how each loan stood, kept once the month is over.

What is kept is what had been booked by then; days past due count from the oldest instalment not settled by
the day. Vintages, rolls and migrations are made of these rows.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from xinqiao.db.database import SYSTEM, Database, Tx, acting
from xinqiao.db.jobs import every
from xinqiao.kernel.period import add_months, month_end
from xinqiao.servicing.business_day import business_day

MOST_MONTHS = 120
_KEEP = """
    INSERT INTO loan_month
      (institution_id, loan_id, on_date, company_id, principal_cny, days_past_due, class, state)
    SELECT l.institution_id, l.id, %(on)s, l.company_id, p.principal,
      CASE WHEN p.principal > 0 OR w.gone THEN greatest(0, %(on)s - u.since) ELSE 0 END,
      coalesce(c.class, 'normal'),
      CASE WHEN w.gone THEN 'written_off' WHEN p.principal > 0 OR u.since IS NOT NULL THEN 'open'
        ELSE 'closed' END
    FROM loan l
    CROSS JOIN LATERAL (SELECT coalesce(sum(j.amount_cny), 0) AS principal FROM journal_entry e
      JOIN journal_line j ON j.entry_id = e.id AND j.account = 'loan_principal'
      WHERE e.loan_id = l.id AND e.booked_on <= %(on)s) p
    CROSS JOIN LATERAL (SELECT min(i.due) AS since
      FROM loan_instalment i WHERE i.loan_id = l.id AND i.due <= %(on)s
      AND (i.settled_on IS NULL OR i.settled_on > %(on)s)) u
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM loan_event v WHERE v.loan_id = l.id
      AND v.kind = 'write_off' AND v.booked_on <= %(on)s) AS gone) w
    LEFT JOIN LATERAL (SELECT k.class FROM loan_class k WHERE k.loan_id = l.id AND k.on_date <= %(on)s
      ORDER BY k.on_date DESC, k.at DESC LIMIT 1) c ON true
    WHERE l.institution_id = %(institution)s AND l.drawn_on <= %(on)s
      AND NOT EXISTS (SELECT FROM loan_month m
        WHERE m.loan_id = l.id AND m.state <> 'open' AND m.on_date < %(on)s
        AND NOT EXISTS (SELECT FROM loan_event v WHERE v.loan_id = l.id AND v.booked_on > m.on_date))
    ON CONFLICT DO NOTHING
"""


def keep_months(tx: Tx, institution_id: UUID, today: date) -> int:
    """Keep every month end before ``today`` that is not kept yet (scope SYSTEM); gives the rows written.

    ``today`` is the institution's business day: a month is over when the next one's first day is open.
    """
    with acting(tx, SYSTEM):
        dates = _missing(tx, institution_id, today)
        return sum(tx.execute(_KEEP, {"institution": institution_id, "on": day}).rowcount for day in dates)


def _missing(tx: Tx, institution_id: UUID, today: date) -> list[date]:
    row = tx.execute(
        "SELECT (SELECT max(on_date) FROM loan_month WHERE institution_id = %(id)s) AS kept, "
        "(SELECT min(drawn_on) FROM loan WHERE institution_id = %(id)s) AS first",
        {"id": institution_id},
    ).fetchone()
    if row is None or row["first"] is None:
        return []
    first = row["first"] if row["kept"] is None else row["kept"] + timedelta(days=1)
    out: list[date] = []
    day = month_end(first)
    while day < today and len(out) < MOST_MONTHS:
        out.append(day)
        day = month_end(add_months(day.replace(day=1), 1))
    return out


def lenders(tx: Tx) -> list[UUID]:
    """Every institution with a loan (scope SYSTEM)."""
    rows = tx.execute("SELECT DISTINCT institution_id FROM loan ORDER BY 1")
    return [row["institution_id"] for row in rows]


@every("10 21 * * *", "monitoring.month")
def keep_all(database: Database) -> None:
    """Every night: month ends that have passed."""
    with database.transaction(SYSTEM) as tx:
        found = lenders(tx)
    for institution in found:
        with database.transaction(SYSTEM) as tx:
            keep_months(tx, institution, business_day(tx, institution))
