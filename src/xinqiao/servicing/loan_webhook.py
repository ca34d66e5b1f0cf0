"""What happens to a loan is told to the programs of its bank, in the transaction that books it."""

from __future__ import annotations

from datetime import date
from uuid import uuid5

from xinqiao.account.webhook import tell
from xinqiao.db.database import Tx
from xinqiao.loan.event import Event, kind_of
from xinqiao.servicing.loan_row import LoanRow

KIND = "loan.changed"


def told(tx: Tx, loan: LoanRow, seq: int, event: Event, booked_on: date) -> None:
    """Tell that ``event``, number ``seq``, happened to ``loan``: sums are fetched by who may read them."""
    body = {
        "loan_id": str(loan.id),
        "facility_id": str(loan.facility_id),
        "company_id": loan.company_id,
        "seq": seq,
        "event": kind_of(event),
        "on": event.on.isoformat(),
        "booked_on": booked_on.isoformat(),
    }
    tell(tx, loan.institution_id, KIND, body, uuid5(loan.id, str(seq)))
