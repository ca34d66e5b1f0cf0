"""How long things are kept (保存期限): what ended is deleted, and with it what ties the log to a person.

Kept is not shown: records that another law keeps longer are out of every read already when they are due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import every
from xinqiao.evidence.log import forget
from xinqiao.kernel.clock import now, today

NEGATIVE_YEARS = 5
"""How long negative information on a person is shown after it ended (征信业管理条例)."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep deleted."""

    negatives: int
    personal_items: int


def years_before(day: date, years: int) -> date:
    """The same day ``years`` earlier; 28 February where that year has no 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@every("30 18 * * *", "consent.retention")
def sweep_job(database: Database) -> None:
    """Each night in China: delete what is due."""
    with database.transaction(SYSTEM) as tx:
        sweep(tx)


def sweep(tx: Tx) -> Swept:
    """Delete what is due (scope SYSTEM).

    Negative information on persons five years after it ended, or once repaired; what goes on has no term.
    Personal items when their grant ends or is revoked.
    """
    negatives = tx.execute(
        "DELETE FROM personal_negative WHERE repaired_on IS NOT NULL OR ended_on <= %s",
        [years_before(today(), NEGATIVE_YEARS)],
    ).rowcount
    items = tx.execute(
        "DELETE FROM personal_item p WHERE p.until <= %s "
        "OR EXISTS (SELECT FROM consent_revocation r WHERE r.grant_id = p.grant_id)",
        [now()],
    ).rowcount
    return Swept(negatives, items)


def erase(tx: Tx, subject: str) -> int:
    """Delete what ties the evidence log to ``subject`` (scope SYSTEM): the log verifies, the person is gone.

    Returns how many documents were unlinked.
    """
    tx.execute("DELETE FROM personal_item WHERE company_id = %s", [subject])
    return forget(tx, subject)
