"""What a lender may know of its borrowers now (贷后读取): its own book, and the file under their consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.period import add_months
from xinqiao.monitoring.signal import BEFORE, MONTHS_BEFORE
from xinqiao.portrait.credit_file import LEADS, CreditFile, read

PURPOSE = "post_loan"
MONTH_DAYS = 30.44
_OWN = """
    SELECT l.company_id, max(l.days_past_due) AS days, min(l.drawn_on) AS since,
      sum(l.principal_cny)::float8 / nullif(sum((l.totals->>'disbursed')::float8), 0) AS used,
      (SELECT count(DISTINCT m.on_date) FROM loan_month m WHERE m.institution_id = %(bank)s
        AND m.company_id = l.company_id AND m.days_past_due > 0
        AND m.on_date > %(six)s AND m.on_date <= %(on)s) AS late
    FROM loan l WHERE l.institution_id = %(bank)s AND l.state = 'open' GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Borrower:
    """A borrower as known on a day. ``figures``: named as signals name them, None unknown.

    ``leads``: fraud rules that speak about it, None where they may not be read. ``file``: what was read,
    cut to the grant; ``unread``: the code of the refusal otherwise.
    """

    company_id: str
    figures: dict[str, float | None]
    leads: frozenset[str] | None
    file: CreditFile | None
    unread: str


def borrowers(tx: Tx, institution_id: UUID, on: date) -> list[Borrower]:
    """All who owe the institution. Each file read stands in the query log (scope SYSTEM)."""
    six = add_months(on, -6)
    rows = tx.execute(_OWN, {"bank": institution_id, "on": on, "six": six}).fetchall()
    actor = Actor("system", frozenset(), "贷后监测 post-loan monitoring", institution=institution_id)
    return [_borrower(tx, actor, row, on) for row in rows]


def _borrower(tx: Tx, actor: Actor, row: Row, on: date) -> Borrower:
    figures = _own(row, on)
    try:
        file, permit = read(tx, actor, row["company_id"], PURPOSE)
    except UserError as error:
        return Borrower(row["company_id"], figures, None, None, error.code)
    figures |= {name: value.value for name, value in file.indicators.items()}
    before = _before(tx, file)
    if before is not None:
        earlier = before.within(permit.data_sets)
        figures |= {f"{name}{BEFORE}": value.value for name, value in earlier.indicators.items()}
    leads = frozenset(str(lead["rule"]) for lead in file.leads) if LEADS in permit.data_sets else None
    return Borrower(row["company_id"], figures, leads, file, "")


def _own(row: Mapping[str, object], on: date) -> dict[str, float | None]:
    since, used = row["since"], row["used"]
    return {
        "own_days_past_due": float(str(row["days"])),
        "own_late_months_6m": float(str(row["late"])),
        "own_utilisation": None if used is None else float(str(used)),
        "months_on_book": (on - since).days / MONTH_DAYS if isinstance(since, date) else None,
    }


def _before(tx: Tx, file: CreditFile) -> CreditFile | None:
    """The file as it was three months or more before; None where there was none within a year."""
    until = add_months(file.as_of, -MONTHS_BEFORE)
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT body FROM credit_file WHERE company_id = %s AND as_of <= %s AND as_of > %s "
            "ORDER BY as_of DESC, id DESC LIMIT 1",
            [file.company_id, until, add_months(until, -12)],
        ).fetchone()
    return None if row is None else CreditFile.model_validate(row["body"])
