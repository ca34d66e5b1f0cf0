"""Sites of an institution that may show the platform's public pages in a frame (H5 嵌入)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

MOST = 10
_ORIGIN = re.compile(
    r"https://(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:\d{1,5})?"
)
"""A whole origin: no star, no path, nothing that could end the directive it is written into."""


@dataclass(frozen=True, slots=True)
class Site:
    """A registration: ``origins`` may frame ``/embed/<id>``."""

    id: UUID
    institution_id: UUID
    name: str
    origins: tuple[str, ...]
    made_at: datetime


def add_site(tx: Tx, actor: Actor, name: str, origins: Sequence[str]) -> UUID:
    """Register sites. Raises UserError API-EMBED."""
    wanted = tuple(dict.fromkeys(origin.strip().lower().rstrip("/") for origin in origins if origin.strip()))
    wrong = [origin for origin in wanted if _ORIGIN.fullmatch(origin) is None]
    if wrong or not 1 <= len(wanted) <= MOST:
        fail("API-EMBED", "origins", given=wrong[0][:80] if wrong else "-")
    made = new_id()
    tx.execute(
        "INSERT INTO embed_site (id, institution_id, name, origins, made_at, made_by) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [made, actor.institution, name.strip()[:80] or "-", list(wanted), now(), actor.name],
    )
    return made


def sites(tx: Tx, actor: Actor) -> list[Site]:
    """The registrations of the actor's institution."""
    rows = tx.execute(
        "SELECT id, institution_id, name, origins, made_at FROM embed_site "
        "WHERE institution_id = %s AND ended_at IS NULL ORDER BY id",
        [actor.institution],
    )
    return [Site(**{**row, "origins": tuple(row["origins"])}) for row in rows]


def site(tx: Tx, site_id: UUID) -> Site:
    """One that holds. Raises UserError API-EMBED-ABSENT."""
    row = tx.execute(
        "SELECT id, institution_id, name, origins, made_at FROM embed_site "
        "WHERE id = %s AND ended_at IS NULL",
        [site_id],
    ).fetchone()
    if row is None:
        fail("API-EMBED-ABSENT", str(site_id))
    return Site(**{**row, "origins": tuple(row["origins"])})


def end_site(tx: Tx, actor: Actor, site_id: UUID) -> None:
    """Let these sites frame nothing any more. Raises UserError API-EMBED-ABSENT."""
    ended = tx.execute(
        "UPDATE embed_site SET ended_at = %s WHERE id = %s AND institution_id = %s AND ended_at IS NULL",
        [now(), site_id, actor.institution],
    )
    if not ended.rowcount:
        fail("API-EMBED-ABSENT", str(site_id))
