"""Agreements with data holders (数据提供协议): without one in force nothing is taken in from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement: which sources, from when until when; ``digest`` of the signed document."""

    id: UUID
    institution: UUID
    sources: tuple[str, ...]
    duties: str
    begins_on: date
    ends_on: date
    digest: str


def agree(
    tx: Tx,
    institution: UUID,
    sources: Collection[str],
    *,
    begins_on: date,
    ends_on: date,
    duties: str,
    digest: str = "",
) -> UUID:
    """Record an agreement (scope operator or SYSTEM); ``duties``: who answers for source, quality, safety."""
    made = new_id()
    tx.execute(
        "INSERT INTO supply_agreement (id, institution, sources, duties, begins_on, ends_on, digest, "
        "recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [made, institution, sorted(sources), duties, begins_on, ends_on, digest, now()],
    )
    return made


def check(tx: Tx, institution: UUID, source: str) -> None:
    """Whether a delivery of ``source`` may be taken in today. Raises UserError CST-AGREEMENT-FORBIDDEN."""
    found = tx.execute(
        "SELECT id FROM supply_agreement WHERE institution = %s AND %s = ANY(sources) "
        "AND begins_on <= %s AND ends_on >= %s LIMIT 1",
        [institution, source, today(), today()],
    ).fetchone()
    if found is None:
        fail("CST-AGREEMENT-FORBIDDEN", str(institution), source=source)


def agreements(tx: Tx) -> list[Agreement]:
    """All agreements the scope may see, the one that ends first above."""
    rows = tx.execute(
        "SELECT id, institution, sources, duties, begins_on, ends_on, digest FROM supply_agreement "
        "ORDER BY ends_on, id"
    )
    return [Agreement(**{**row, "sources": tuple(row["sources"])}) for row in rows]
