"""Limits on how often: calls counted in the database by fixed windows, so all processes share them."""

from __future__ import annotations

from datetime import UTC, datetime

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail


def count(tx: Tx, owner: str, kind: str, *, limit: int, seconds: int) -> int:
    """Count one more ``kind`` of ``owner`` and give the calls left in this window.

    Raises UserError ACC-RATE when there are more than ``limit`` within the ``seconds`` of a window.
    """
    at = now()
    since = datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)
    with acting(tx, SYSTEM):
        row = tx.execute(
            "INSERT INTO call_count AS c (owner, kind, since, calls) VALUES (%s, %s, %s, 1) "
            "ON CONFLICT (owner, kind, since) DO UPDATE SET calls = c.calls + 1 RETURNING calls",
            [owner, kind, since],
        ).fetchone()
    calls = 0 if row is None else int(row["calls"])
    if calls > limit:
        wait = max(1, round(seconds - (at - since).total_seconds()))
        fail("ACC-RATE", kind, limit=limit, seconds=seconds, wait=wait)
    return limit - calls
