"""The business day (营业日) of an institution: what is booked now counts as of it; day-end opens the next."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import today


def business_day(tx: Tx, institution_id: UUID) -> date:
    """The day open for booking; before the first day-end of an institution, the calendar's day."""
    with acting(tx, SYSTEM):
        statement = "SELECT day FROM business_day WHERE institution_id = %s"
        row = tx.execute(statement, [institution_id]).fetchone()
    return today() if row is None else row["day"]


def open_next(tx: Tx, institution_id: UUID, day: date) -> None:
    """Open a day for booking; one before the day that is open already is left alone (scope SYSTEM)."""
    tx.execute(
        "INSERT INTO business_day AS b (institution_id, day) VALUES (%s, %s) "
        "ON CONFLICT (institution_id) DO UPDATE SET day = EXCLUDED.day WHERE b.day < EXCLUDED.day",
        [institution_id, day],
    )
