"""How often a holder's data was used, for what: counted from the query log, without a firm's name.

A read uses a source when the data sets it covered hold the source itself, or the score that rests on it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import CHINA


@dataclass(frozen=True, slots=True)
class Use:
    """Reads in a month of one source for one purpose, and by how many institutions."""

    month: str
    source: str
    purpose: str
    reads: int
    receivers: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month's reads of a source cost; ``fee_cny`` None: no price agreed."""

    month: str
    source: str
    reads: int
    fee_cny: Decimal | None

    @property
    def amount_cny(self) -> Decimal:
        """Reads times the fee of one."""
        return self.reads * (self.fee_cny or Decimal(0))


def uses(tx: Tx, sources: Collection[str], since: datetime) -> list[Use]:
    """Uses of ``sources`` by institutions, the latest month first; a firm's look at itself is none."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT to_char(at AT TIME ZONE %(zone)s, 'YYYY-MM') AS month, s AS source, purpose, "
            "count(*) AS reads, count(DISTINCT institution) AS receivers "
            "FROM query_log, unnest(data_sets) AS s WHERE s = ANY(%(sources)s) AND at >= %(since)s "
            "AND institution IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3",
            {"zone": CHINA.key, "sources": list(sources), "since": since},
        ).fetchall()
    return [Use(**row) for row in rows]


def bills(tx: Tx, institution: UUID, found: Collection[Use]) -> list[Bill]:
    """Each month's reads of each source with the price in force on its first day."""
    prices = tx.execute(
        "SELECT source, from_on, fee_cny FROM supply_price WHERE institution_id = %s ORDER BY from_on",
        [institution],
    ).fetchall()
    reads: dict[tuple[str, str], int] = {}
    for use in found:
        reads[use.month, use.source] = reads.get((use.month, use.source), 0) + use.reads
    out = []
    for (month, source), count in reads.items():
        first = date.fromisoformat(f"{month}-01")
        fees = [p["fee_cny"] for p in prices if p["source"] == source and p["from_on"] <= first]
        out.append(Bill(month, source, count, fees[-1] if fees else None))
    return out


def set_price(tx: Tx, institution: UUID, source: str, from_on: date, fee_cny: Decimal) -> None:
    """Write down the fee of a read from a day on (scope operator or SYSTEM)."""
    tx.execute(
        "INSERT INTO supply_price (id, institution_id, source, from_on, fee_cny) VALUES (%s, %s, %s, %s, %s)",
        [new_id(), institution, source, from_on, fee_cny],
    )
