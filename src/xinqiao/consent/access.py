"""The gate every read of a firm's data passes: is there a grant, and what does it cover?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx
from xinqiao.kernel.errors import fail


@dataclass(frozen=True, slots=True)
class Permit:
    """A read that is allowed: under which grant, of which data sets, until when."""

    grant_id: UUID | None
    data_sets: frozenset[str]
    until: datetime | None
    query_id: UUID | None


def permit(tx: Tx, actor: Actor, company_id: str, purpose: str) -> Permit:
    """Let ``actor`` read ``company_id`` for ``purpose``, and log it. Raises UserError CST-FORBIDDEN."""
    fail("CST-FORBIDDEN", company_id, purpose=purpose)
