"""What happens to an application is told to the bank's programs and to the platform the firm came by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xinqiao.account.webhook import tell
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import job
from xinqiao.lending.case_event import DISPATCH, Event, told, untold

KIND = "application.changed"


@job(DISPATCH)
def dispatch(database: Database) -> None:
    """Turn every event in the outbox into messages; both in one transaction, so none is lost or doubled."""
    while True:
        with database.transaction(SYSTEM) as tx:
            found = untold(tx)
            for event in found:
                _tell(tx, event)
            told(tx, [event.id for event in found])
        if not found:
            return


def _tell(tx: Tx, event: Event) -> None:
    if event.transition == "apply" or "draft" not in (event.from_state, event.to_state):
        tell(tx, event.institution_id, KIND, _body(event), event.id)
    row = tx.execute(
        "SELECT platform_id, reference FROM referral WHERE case_id = %s", [event.case_id]
    ).fetchone()
    if row is not None:
        tell(tx, row["platform_id"], KIND, _body(event) | {"reference": row["reference"]}, event.id)


def _body(event: Event) -> dict[str, Any]:
    """Status only: terms and reasons are fetched by who may read them."""
    return {
        "application_id": str(event.case_id),
        "company_id": event.company_id,
        "institution_id": str(event.institution_id),
        "seq": event.seq,
        "transition": event.transition,
        "state": event.to_state,
        "at": event.at.isoformat(),
    }


def referred_by(tx: Tx, platform: UUID, reference: str) -> UUID | None:
    """The application that ``platform`` made under its own ``reference``."""
    row = tx.execute(
        "SELECT case_id FROM referral WHERE platform_id = %s AND reference = %s", [platform, reference]
    ).fetchone()
    return None if row is None else row["case_id"]
