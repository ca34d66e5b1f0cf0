"""A batch of loans brought to the end of a day in the database, by the lines of ``accruing``.

One statement works the totals out, updates the rows and writes one entry for the batch, with each loan's part
of it in ``accrual``. A loan that somebody books on meanwhile has another version and is left to the engine.
Rounding is the engine's: to a hair first, then half up to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.loan.balances import Balances, Posting, postings
from xinqiao.loan.classification import CLASSES
from xinqiao.servicing.entry import About, enter
from xinqiao.servicing.provision import Rates

DAY_END = "day_end"
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Loans of an institution with ``from_id`` <= id < ``to_id``, brought to the end of ``day``."""

    institution_id: UUID
    day: date
    from_id: UUID
    to_id: UUID
    rates: Rates

    def told(self) -> dict[str, Any]:
        """What the statements need to know."""
        return {
            "institution": self.institution_id,
            "day": self.day,
            "from_id": self.from_id,
            "to_id": self.to_id,
            "entry": new_id(),
            "at": now(),
            "kind": DAY_END,
            **{cls: self.rates[cls] for cls in CLASSES},
        }


_MINE = """
    l.institution_id = %(institution)s AND l.id >= %(from_id)s AND l.id < %(to_id)s AND l.state = 'open'
    AND l.posted_on <= %(day)s AND l.drawn_on <= %(day)s
"""
_SPAN = "a.loan_id >= %(from_id)s AND a.loan_id < %(to_id)s"
_NEEDED = (
    "round(l.principal_cny * CASE l.class "
    + " ".join(f"WHEN '{cls}' THEN %({cls})s::numeric" for cls in CLASSES)
    + " END, 2)"
)
_DAYS = "greatest(%(day)s::date - {since}, 0)"
_INTEREST = (
    "a.base_cents / 100.0 + "
    f"round(round(a.raw + a.amount * {_DAYS.format(since='a.from_day')} / a.basis, 10), 2)"
)
_PENALTY = (
    "a.pen_base_cents / 100.0 + CASE WHEN cardinality(a.pen_amount) = 0 THEN 0 ELSE "  # noqa: S608 - our own parts
    f"(SELECT sum(round(round(p.r + p.m * {_DAYS.format(since='p.f')} / a.pen_basis, 10), 2)) "
    "FROM unnest(a.pen_raw, a.pen_amount, a.pen_from) AS p (r, m, f)) END"
)
_WAS = """
    (l.totals->>'interest_earned')::numeric AS was_interest,
    (l.totals->>'penalty_earned')::numeric AS was_penalty, (l.totals->>'allowance')::numeric AS was_allowance
"""
_LATE = """
    CASE WHEN a.open_due < %(day)s THEN a.open_due END AS unpaid_since,
    CASE WHEN a.open_due < %(day)s THEN %(day)s::date - a.open_due ELSE 0 END AS late
"""
_ENTER = """
    , n AS (SELECT count(*) AS loans, coalesce(sum(interest), 0) AS interest,
        coalesce(sum(penalty), 0) AS penalty, coalesce(sum(allowance), 0) AS allowance FROM u),
    d AS (SELECT * FROM u WHERE interest <> 0 OR penalty <> 0 OR allowance <> 0),
    e AS (INSERT INTO journal_entry (id, institution_id, booked_on, kind, at)
      SELECT %(entry)s, %(institution)s, %(day)s, %(kind)s, %(at)s
      WHERE EXISTS (SELECT 1 FROM d) AND EXISTS (SELECT 1 FROM n WHERE interest <> 0 OR penalty <> 0
        OR allowance <> 0)),
    k AS (INSERT INTO journal_line (entry_id, institution_id, account, amount_cny)
      SELECT %(entry)s, %(institution)s, account, amount FROM n, LATERAL (VALUES
        ('interest_receivable', interest), ('interest_income', -interest),
        ('penalty_receivable', penalty), ('penalty_income', -penalty),
        ('provision_expense', allowance), ('loan_loss_allowance', -allowance)) v (account, amount)
      WHERE amount <> 0),
    c AS (INSERT INTO accrual (entry_id, institution_id, booked_on, loan_ids, interest_cents, penalty_cents,
        allowance_cents)
      SELECT %(entry)s, %(institution)s, %(day)s, array_agg(id ORDER BY id),
        array_agg((interest * 100)::bigint ORDER BY id), array_agg((penalty * 100)::bigint ORDER BY id),
        array_agg((allowance * 100)::bigint ORDER BY id)
      FROM d HAVING count(*) > 0 AND (sum(interest) <> 0 OR sum(penalty) <> 0 OR sum(allowance) <> 0))
    SELECT loans FROM n
"""
_BACK = """
    WHERE l.id = x.id AND l.version = x.version AND l.posted_on <= %(day)s
      AND l.id >= %(from_id)s AND l.id < %(to_id)s
    RETURNING l.id, x.interest - x.was_interest AS interest, x.penalty - x.was_penalty AS penalty,
      x.allowance - x.was_allowance AS allowance)
"""
_SET = """
    posted_on = %(day)s, interest_cny = l.interest_cny + x.interest - x.was_interest,
    penalty_cny = l.penalty_cny + x.penalty - x.was_penalty,
    allowance_cny = l.allowance_cny + x.allowance - x.was_allowance,
    unpaid_since = x.unpaid_since, days_past_due = x.late
"""
_CHANGED = """
    'interest_earned', x.interest::numeric(18,2)::text, 'penalty_earned', x.penalty::numeric(18,2)::text,
    'allowance', x.allowance::numeric(18,2)::text
"""
# Nothing falls due: the line goes on.
RUNNING = f"""
    WITH x AS MATERIALIZED (
      SELECT l.id, l.version, {_INTEREST} AS interest, {_PENALTY} AS penalty, {_NEEDED} AS allowance,
        {_WAS}, {_LATE}
      FROM loan l JOIN accruing a ON a.loan_id = l.id AND a.version = l.version AND {_SPAN}
      WHERE {_MINE} AND (a.until > %(day)s OR a.until IS NULL)
        AND (l.posted_on < %(day)s OR l.allowance_cny <> {_NEEDED})),
    u AS (UPDATE loan l SET {_SET}, totals = l.totals || jsonb_build_object({_CHANGED}) FROM x {_BACK}
    {_ENTER}
"""  # noqa: S608 - our own parts
_ROLLING = """
    JOIN loan_instalment i ON i.loan_id = a.loan_id AND i.n = a.n
    LEFT JOIN loan_instalment j ON j.loan_id = a.loan_id AND j.n = a.n + 1
"""
# An instalment falls due with nothing paid for it, and the next line follows from the instalments.
DUE = f"""
    WITH x AS MATERIALIZED (
      SELECT l.id, l.version, a.after_cents / 100.0 AS interest, {_PENALTY} AS penalty,
        {_NEEDED} AS allowance, {_WAS}, {_LATE}, j.due AS next_due, i.interest_cny, i.principal_cny
      FROM loan l JOIN accruing a ON a.loan_id = l.id AND a.version = l.version AND {_SPAN} {_ROLLING}
      WHERE {_MINE} AND a.until = %(day)s AND a.rolls AND l.posted_on < %(day)s),
    u AS (UPDATE loan l SET {_SET}, next_due = x.next_due, totals = l.totals || jsonb_build_object({_CHANGED},
        'interest_due', ((l.totals->>'interest_due')::numeric + x.interest_cny)::numeric(18,2)::text,
        'principal_due', ((l.totals->>'principal_due')::numeric + x.principal_cny)::numeric(18,2)::text)
      FROM x {_BACK}
    {_ENTER}
"""  # noqa: S608 - our own parts
ROLL = f"""
    UPDATE accruing z SET base_cents = a.after_cents, raw = 0, amount = a.closing * a.share,
      from_day = a.until, n = j.n, until = j.due, rolls = j.n IS NOT NULL,
      after_cents = a.after_cents + coalesce(j.interest_cny * 100, 0)::bigint,
      closing = a.closing - coalesce(j.principal_cny, 0), open_due = coalesce(a.open_due, a.until),
      pen_raw = CASE WHEN a.pen_rate = 0 THEN a.pen_raw ELSE a.pen_raw || 0::numeric END,
      pen_amount = CASE WHEN a.pen_rate = 0 THEN a.pen_amount ELSE a.pen_amount || a.pen_rate
        * (i.principal_cny + CASE WHEN a.pen_compound THEN i.interest_cny ELSE 0 END) END,
      pen_from = CASE WHEN a.pen_rate = 0 THEN a.pen_from ELSE a.pen_from || (a.until + a.pen_grace) END
    FROM loan l JOIN accruing a ON a.loan_id = l.id AND a.version = l.version AND {_SPAN} {_ROLLING}
    WHERE {_MINE} AND a.until = %(day)s AND a.rolls AND l.posted_on = %(day)s
      AND z.loan_id = a.loan_id AND z.version = a.version
"""  # noqa: S608 - our own parts
# What no line tells: the engine must.
LEFT = f"""
    SELECT l.id FROM loan l LEFT JOIN accruing a ON a.loan_id = l.id AND a.version = l.version AND {_SPAN}
    WHERE {_MINE} AND (l.posted_on < %(day)s OR l.allowance_cny <> {_NEEDED})
      AND (a.loan_id IS NULL OR a.until < %(day)s
        OR (a.until = %(day)s AND (NOT a.rolls OR NOT EXISTS (SELECT 1 FROM loan_instalment i
          LEFT JOIN loan_instalment j ON j.loan_id = a.loan_id AND j.n = a.n + 1
          WHERE i.loan_id = a.loan_id AND i.n = a.n AND i.paid_cny = 0
            AND i.principal_cny + i.interest_cny > 0
            AND (j.n IS NULL OR j.principal_cny + j.interest_cny > 0)))))
    ORDER BY l.id
"""  # noqa: S608 - our own parts


def left(tx: Tx, batch: Batch) -> list[UUID]:
    """Loans of a batch that the engine must work out."""
    return [row["id"] for row in tx.execute(LEFT, batch.told())]


def advance(tx: Tx, batch: Batch) -> int:
    """Bring every loan of a batch that has a line to the end of the day; how many."""
    due = tx.execute(DUE, batch.told()).fetchone()
    if due is not None and due["loans"]:
        tx.execute(ROLL, batch.told())
    # row by row looks cheap to the planner, which can't know how many rows row-level security lets through
    tx.execute("SET LOCAL enable_nestloop = off")
    running = tx.execute(RUNNING, batch.told()).fetchone()
    tx.execute("SET LOCAL enable_nestloop = on")
    return sum(int(row["loans"]) for row in (due, running) if row is not None)


def enter_parts(tx: Tx, institution_id: UUID, day: date, parts: list[tuple[UUID, Balances]]) -> None:
    """One entry of a day-end for many loans, with each loan's part of interest, penalty and allowance."""
    lines: dict[str, Decimal] = {}
    told = sorted((each for each in parts if postings(each[1])), key=lambda each: each[0])
    for _, change in told:
        for posting in postings(change):
            lines[posting.account] = lines.get(posting.account, Decimal(0)) + posting.amount
    kept = [Posting(account, amount) for account, amount in lines.items() if amount]  # type: ignore[arg-type] # accounts
    made = enter(tx, About(institution_id, day, DAY_END), kept)
    if made is None:
        return
    tx.execute(
        "INSERT INTO accrual (entry_id, institution_id, booked_on, loan_ids, interest_cents, penalty_cents, "
        "allowance_cents) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            made,
            institution_id,
            day,
            [loan_id for loan_id, _ in told],
            [cents(change.interest_earned) for _, change in told],
            [cents(change.penalty_earned) for _, change in told],
            [cents(change.allowance) for _, change in told],
        ],
    )


def cents(amount: Decimal) -> int:
    """An amount of two decimals as whole cents."""
    return int(amount * 100)
