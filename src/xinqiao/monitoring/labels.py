"""Outcomes flow back (结果回流): loans serviced here become training labels by themselves.

Every month end of a loan is a row of ``lending.outcome`` as if the bank had told it, so cards are validated
and trained on what was serviced here without a file.
"""

from __future__ import annotations

from uuid import UUID

from xinqiao.db.database import SYSTEM, Database, Tx, acting
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import now
from xinqiao.lending.outcome import BAD_DAYS
from xinqiao.monitoring.month import lenders

BY = "贷后台账 loan servicing"
_FLOW = """
    INSERT INTO bank_outcome (id, institution, company_id, loan, granted_on, seen_on, kind, days_overdue,
      balance_cny, reported_by, reported_at)
    SELECT gen_random_uuid(), m.institution_id, m.company_id, m.loan_id::text, l.drawn_on, m.on_date,
      CASE WHEN m.state = 'written_off' THEN 'written_off' WHEN m.state = 'closed' THEN 'repaid'
        WHEN m.days_past_due >= %(bad)s THEN 'default' WHEN m.days_past_due > 0 THEN 'overdue'
        ELSE 'performing' END,
      m.days_past_due, m.principal_cny, %(by)s, %(at)s
    FROM loan_month m JOIN loan l ON l.id = m.loan_id
    WHERE m.institution_id = %(bank)s AND NOT EXISTS (SELECT FROM bank_outcome o
      WHERE o.institution = m.institution_id AND o.loan = m.loan_id::text AND o.seen_on = m.on_date)
"""


def flow_back(tx: Tx, institution_id: UUID) -> int:
    """Tell the outcomes of all month ends that were not told yet; gives how many (scope SYSTEM)."""
    told = {"bank": institution_id, "bad": BAD_DAYS, "by": BY, "at": now()}
    with acting(tx, SYSTEM):
        return tx.execute(_FLOW, told).rowcount


@every("25 21 * * *", "monitoring.labels")
def flow_all(database: Database) -> None:
    """Every night, after the month ends are kept."""
    with database.transaction(SYSTEM) as tx:
        found = lenders(tx)
    for institution in found:
        with database.transaction(SYSTEM) as tx:
            flow_back(tx, institution)
