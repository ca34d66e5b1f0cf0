"""Repayment reminders (还款提醒): some days ahead, on the day, and when it is over unpaid; each once."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now

AHEAD_DAYS = 3
_WORDS = """
    CASE x.kind
      WHEN 'ahead' THEN '还款提醒：' || x.due || ' 应还 ' || x.owed || ' 元'
      WHEN 'today' THEN '今天应还 ' || x.owed || ' 元'
      ELSE '已逾期：' || x.due || ' 到期的 ' || x.owed || ' 元尚未还清' END AS zh,
    CASE x.kind
      WHEN 'ahead' THEN 'reminder: ' || x.owed || ' CNY fall due on ' || x.due
      WHEN 'today' THEN x.owed || ' CNY fall due today'
      ELSE 'overdue: ' || x.owed || ' CNY that fell due on ' || x.due || ' are not paid' END AS en
"""
_SEND = f"""
    WITH x AS (
      SELECT l.id, l.company_id, l.institution_id, k.kind, i.due,
        i.principal_cny + i.interest_cny + i.fee_cny - i.paid_cny AS owed
      FROM (VALUES ('ahead', %(ahead)s::date), ('today', %(next)s), ('late', %(day)s)) k (kind, due)
      JOIN loan_instalment i ON i.institution_id = %(institution)s AND i.due = k.due
      JOIN loan l ON l.id = i.loan_id AND l.state = 'open'
      WHERE i.settled_on IS NULL AND i.principal_cny + i.interest_cny + i.fee_cny > i.paid_cny
        AND NOT EXISTS (SELECT 1 FROM loan_reminder r
          WHERE r.loan_id = l.id AND r.due = i.due AND r.kind = k.kind)),
    r AS (INSERT INTO loan_reminder (loan_id, institution_id, due, kind, at)
      SELECT id, institution_id, due, kind, %(at)s FROM x),
    n AS (INSERT INTO notice (id, to_company, zh, en, link, made_at)
      SELECT gen_random_uuid(), company_id, zh, en, '/enterprise/loans/' || id, %(at)s
      FROM (SELECT x.company_id, x.id, {_WORDS} FROM x) t RETURNING 1)
    SELECT count(*) AS sent FROM n
"""  # noqa: S608 - our own parts


def send(tx: Tx, institution_id: UUID, day: date, *, ahead_days: int = AHEAD_DAYS) -> int:
    """Send what the end of ``day`` brings: the next day's dues, those ``ahead_days`` on, those now late."""
    following = day + timedelta(days=1)
    row = tx.execute(
        _SEND,
        {
            "institution": institution_id,
            "day": day,
            "next": following,
            "ahead": following + timedelta(days=ahead_days),
            "at": now(),
        },
    ).fetchone()
    return 0 if row is None else int(row["sent"])
