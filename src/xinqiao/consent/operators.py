"""Who runs the platform: whom objections, complaints and tickets go to."""

from __future__ import annotations

from uuid import UUID

from xinqiao.db.database import Tx


def operators(tx: Tx) -> list[UUID]:
    """Institutions that run the platform."""
    rows = tx.execute("SELECT id FROM institution WHERE kind = 'operator' AND status = 'active'")
    return [row["id"] for row in rows]
