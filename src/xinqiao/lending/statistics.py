"""Statistics of lending for operator and regulator: counted under the platform's own scope, released by rule.

Nothing here tells of a firm: every function returns what ``release_rule`` lets out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Database, Row, Tx, acting
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import CHINA, now
from xinqiao.kernel.text import Text
from xinqiao.lending.release_rule import Figure, K, Member, Table, figure, floored, group, release, safe
from xinqiao.source.contract import contracts
from xinqiao.source.holder import sources

SANDBOX = "SANDBOX"
"""Ids of the firms outside programs try things with begin with this; they are in no statistic."""

_NOTE = """
    INSERT INTO case_fact (case_id, company_id, section, division, size, first_time)
    SELECT c.id, c.company_id, left(o.industry, 1), o.division, o.size,
      f.first_time AND NOT EXISTS (SELECT FROM offer p WHERE p.company_id = c.company_id
        AND p.state = 'accepted' AND p.closed_at < c.applied_at)
    FROM lending_case c LEFT JOIN company o ON o.id = c.company_id
    LEFT JOIN LATERAL (SELECT NOT body->'sources' ?| array['loan', 'credit', 'credit_month'] AS first_time
      FROM credit_file WHERE company_id = c.company_id AND as_of <= c.applied_at
      ORDER BY as_of DESC, id DESC LIMIT 1) f ON true
    WHERE c.applied_at IS NOT NULL AND NOT EXISTS (SELECT FROM case_fact k WHERE k.case_id = c.id)
    ON CONFLICT DO NOTHING
"""
_CASES = """
    SELECT c.id, c.company_id, c.institution_id, c.product_id, c.state, c.automatic, c.applied_at,
      c.decided_at, c.amount_cny, k.section, k.division, k.size, k.first_time,
      o.offered_at, a.amount_cny AS lent_cny, a.rate, a.closed_at AS accepted_at, d.paid_at
    FROM lending_case c JOIN case_fact k ON k.case_id = c.id
    LEFT JOIN LATERAL (SELECT min(made_at) AS offered_at FROM offer WHERE case_id = c.id) o ON true
    LEFT JOIN offer a ON a.case_id = c.id AND a.state = 'accepted'
    LEFT JOIN LATERAL (SELECT min(e.at) AS paid_at FROM facility f JOIN loan l ON l.facility_id = f.id
      JOIN loan_event e ON e.loan_id = l.id AND e.seq = 1 WHERE f.case_id = c.id) d ON true
    WHERE c.applied_at IS NOT NULL AND c.applied_at >= %s AND c.company_id NOT LIKE %s
"""


@dataclass(frozen=True, slots=True)
class Case:
    """An application as statistics see it. ``lent_cny``, ``rate``: of the offer that was accepted.

    ``paid_at``: when money was first paid out under it.
    """

    id: UUID
    company_id: str
    institution_id: UUID
    product_id: str
    state: str
    automatic: bool
    applied_at: datetime
    decided_at: datetime | None
    amount_cny: Decimal
    section: str | None
    division: str | None
    size: str | None
    first_time: bool | None
    offered_at: datetime | None
    lent_cny: Decimal | None
    rate: Decimal | None
    accepted_at: datetime | None
    paid_at: datetime | None = None

    @property
    def month(self) -> str:
        """YYYY-MM of the application, in China."""
        return f"{self.applied_at.astimezone(CHINA):%Y-%m}"

    @property
    def outcome(self) -> str:
        """``offered``, ``refused`` or ``open``: not decided, or given up before."""
        if self.offered_at is not None:
            return "offered"
        return "refused" if self.decided_at is not None else "open"


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the funnel: how many came so far, of those before, and how long it took from the click."""

    name: str
    figure: Figure
    share: float | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Applications of one group and the share with an offer (of those decided), where it may be told."""

    key: str | None
    applied: Figure
    approved: float | None


def cases(tx: Tx, since: datetime) -> list[Case]:
    """Applications since then, for the functions below; never to be shown."""
    with acting(tx, SYSTEM):
        tx.execute(_NOTE)
        rows = tx.execute(_CASES, [since, f"{SANDBOX}%"]).fetchall()
    return [_case(row) for row in rows]


def _case(row: Row) -> Case:
    return Case(**row)


def funnel(found: Sequence[Case]) -> list[Stage]:
    """Applied, decided, offered, accepted, paid out. Stages of too few firmsor too few left aren't told."""
    stages: tuple[tuple[str, Callable[[Case], datetime | None]], ...] = (
        ("applied", lambda c: c.applied_at),
        ("decided", lambda c: c.decided_at),
        ("offered", lambda c: c.offered_at),
        ("accepted", lambda c: c.accepted_at),
        ("paid_out", lambda c: c.paid_at),
    )
    told: list[Stage] = []
    before: int | None = None
    for name, when in stages:
        members = [_timed(case, at) for case in found if (at := when(case)) is not None]
        if not safe(members):
            break
        shown = figure(members)
        told.append(Stage(name, shown, _share(shown.count, before)))
        before = shown.count
    return told


def _timed(case: Case, at: datetime) -> Member:
    return Member(case.company_id, seconds=(at - case.applied_at).total_seconds())


def _share(count: int, of: int | None) -> float | None:
    """A share of what is published, so that it tells no more than the counts do."""
    return min(1.0, count / of) if of else None


def approvals(found: Iterable[Case], by: Callable[[Case], str]) -> list[Approval]:
    """Applications by group, and how many of the decided had an offer where both parts are many enough."""
    listed = list(found)
    table = release(group((by(case), Member(case.company_id)) for case in listed))
    told = [Approval(key, shown, _approved(listed, by, key)) for key, shown in table.cells]
    return told + ([Approval(None, table.others, None)] if table.others else [])


def _approved(found: Sequence[Case], by: Callable[[Case], str], key: str) -> float | None:
    decided = [case for case in found if by(case) == key and case.outcome != "open"]
    parts = [
        [Member(case.company_id) for case in decided if case.outcome == outcome]
        for outcome in ("offered", "refused")
    ]
    if not all(safe(part) for part in parts):
        return None
    offered, refused = (floored(len(part)) for part in parts)
    return offered / (offered + refused)


def applied(found: Iterable[Case], by: Callable[[Case], str]) -> Table[str]:
    """Applications by group."""
    return release(group((by(case), Member(case.company_id)) for case in found))


def lent(found: Iterable[Case], by: Callable[[Case], str]) -> Table[str]:
    """What was lent (offers accepted) by group: count, firms, amount and average rate."""
    return release(
        group((by(c), Member(c.company_id, c.lent_cny, c.rate)) for c in found if c.accepted_at is not None)
    )


def times(found: Iterable[Case], *, automatic: bool | None = None) -> Figure | None:
    """Seconds from the click to the decision; ``automatic``: only those, or only those of people."""
    members = [
        _timed(case, case.decided_at)
        for case in found
        if case.decided_at is not None and automatic in (None, case.automatic)
    ]
    return figure(members) if safe(members) else None


def by_month(found: Iterable[Case]) -> Table[str]:
    """What was lent by month of the application, months in order."""
    table = lent(found, lambda case: case.month)
    return Table(tuple(sorted(table.cells)), table.others, table.total)


def refusals(tx: Tx, since: datetime) -> list[tuple[Text, int]]:
    """Reasons of refusals in words by how many firms met them, as far as they may be told."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT r->'text'->>'zh' AS zh, min(r->'text'->>'en') AS en, "
            "count(DISTINCT e.company_id) AS firms FROM case_event e, "
            "jsonb_array_elements(CASE jsonb_typeof(e.body->'reasons') WHEN 'array' "
            "THEN e.body->'reasons' ELSE '[]' END) AS r "
            "WHERE e.to_state = 'refused' AND e.at >= %s AND e.company_id NOT LIKE %s "
            "AND r->'text'->>'zh' IS NOT NULL GROUP BY 1 HAVING count(DISTINCT e.company_id) >= %s "
            "ORDER BY firms DESC, zh LIMIT 20",
            [since, f"{SANDBOX}%", K],
        ).fetchall()
    # a firm can have many reasons, so what is left out follows from no total
    return [(Text(zh=r["zh"], en=r["en"] or r["zh"]), floored(r["firms"])) for r in rows]


def policy_changes(tx: Tx, since: datetime) -> dict[str, int]:
    """How many decision policies were released, by month: what a change of the figures may come from."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT decided_at FROM bank_release WHERE released AND decided_at >= %s", [since]
        ).fetchall()
    return Counter(f"{row['decided_at'].astimezone(CHINA):%Y-%m}" for row in rows)


def unmet(tx: Tx, since: datetime, by: Callable[[Row], str]) -> Table[str]:
    """Needs applied for or posted, no offer accepted, no application open: how many and how much."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT r.id, r.company_id, r.amount_cny, r.term_months, o.industry, o.division, o.size "
            "FROM loan_request r LEFT JOIN company o ON o.id = r.company_id "
            "WHERE r.made_at >= %s AND r.accepted_cny = 0 AND r.company_id NOT LIKE %s AND NOT EXISTS "
            "(SELECT FROM lending_case c WHERE c.request_id = r.id AND c.closed_at IS NULL "
            "AND c.state <> 'refused') "
            "AND (EXISTS (SELECT FROM need_owner w WHERE w.request_id = r.id) OR EXISTS "
            "(SELECT FROM lending_case c WHERE c.request_id = r.id AND c.applied_at IS NOT NULL))",
            [since, f"{SANDBOX}%"],
        ).fetchall()
    return release(group((by(row), Member(row["company_id"], row["amount_cny"])) for row in rows))


def covered(tx: Tx, by: Callable[[Row], str]) -> Table[str]:
    """Firms with a credit file by group of the register (``by`` sees industry, division, size)."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT o.id, o.industry, o.division, o.size FROM company o WHERE o.id NOT LIKE %s "
            "AND EXISTS (SELECT FROM credit_file f WHERE f.company_id = o.id)",
            [f"{SANDBOX}%"],
        ).fetchall()
    return release(group((by(row), Member(row["id"])) for row in rows))


@dataclass(frozen=True, slots=True)
class Coverage:
    """A source: firms with at least one record of it, of all with a credit file; None: too few to tell."""

    source: str
    firms: int | None
    share: float | None


def coverage(tx: Tx) -> tuple[list[Coverage], datetime | None]:
    """How far each source reaches, and when that was counted."""
    with acting(tx, SYSTEM):
        row = tx.execute("SELECT * FROM coverage_count ORDER BY made_at DESC LIMIT 1").fetchone()
        if row is None:
            row = _count(tx)
    if row is None or row["firms"] < K:
        return [], None
    found: dict[str, int] = {}
    for name, firms in row["contracts"].items():
        source = contracts()[name].source if name in contracts() else name
        found[source] = max(found.get(source, 0), firms)
    told = [
        Coverage(key, floored(n), floored(n) / row["firms"]) if n >= K else Coverage(key, None, None)
        for key in sources()
        for n in [found.get(key, 0)]
    ]
    return told, row["made_at"]


@every("23 * * * *", "statistics.coverage")
def count_coverage(database: Database) -> None:
    """Count again; the counts before are dropped."""
    with database.transaction(SYSTEM) as tx:
        _count(tx)


def _count(tx: Tx) -> Row | None:
    tx.execute("DELETE FROM coverage_count")
    return tx.execute(
        "WITH latest AS (SELECT DISTINCT ON (company_id) body->'sources' AS held FROM credit_file "
        "WHERE company_id NOT LIKE %(sandbox)s ORDER BY company_id, as_of DESC, id DESC), "
        "counts AS (SELECT k, count(*) AS n FROM latest, jsonb_object_keys(held) k GROUP BY k) "
        "INSERT INTO coverage_count (made_at, firms, contracts) SELECT %(at)s, "
        "(SELECT count(*) FROM latest), coalesce(jsonb_object_agg(k, n), '{}') FROM counts "
        "HAVING (SELECT count(*) FROM latest) > 0 RETURNING *",
        {"sandbox": f"{SANDBOX}%", "at": now()},
    ).fetchone()
