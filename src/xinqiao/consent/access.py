"""The gate every read of a firm's data passes: is there a grant, and what does it cover?

Nothing is remembered between reads: each asks the tables in its own transaction, so a grant that was
revoked, an institution that was blocked and an objection that was raised count from the next read on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent import deployment, query_log
from xinqiao.consent.terms import SELF, open_sets, ordinary_sets, purposes, special_sets
from xinqiao.consent.texts import holding
from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail


@dataclass(frozen=True, slots=True)
class Permit:
    """A read that is allowed: under which grant, of which data sets, until when.

    ``disputed``: what the firm objects to, to be shown beside the data. ``watermark``: to be shown on the
    page or document; it leads back to the line in the query log. Nothing read may be handed on.
    """

    grant_id: UUID | None
    data_sets: frozenset[str]
    until: datetime | None
    query_id: UUID | None
    disputed: frozenset[str] = frozenset()
    watermark: str = ""


def permit(
    tx: Tx, actor: Actor, company_id: str, purpose: str, wanted: Collection[str] | None = None
) -> Permit:
    """Let ``actor`` read ``company_id`` for ``purpose``, and log it.

    ``wanted``: data sets that must be covered; without it everything the grants cover, and what is public.
    Raises UserError CST-PURPOSE-FORBIDDEN, CST-FORBIDDEN, CST-SPECIAL-FORBIDDEN, CST-BLOCKED-FORBIDDEN,
    CST-ROLE-FORBIDDEN.
    """
    if purpose not in purposes():
        fail("CST-PURPOSE-FORBIDDEN", company_id, purpose=purpose[:40])
    with acting(tx, SYSTEM):
        if purpose == SELF:
            return _own(tx, actor, company_id)
        grants = _grants(tx, actor, company_id, purpose)
        withheld = deployment.withheld(tx)
        if not withheld.isdisjoint(wanted or ()):
            fail("CST-ROLE-FORBIDDEN", company_id)
        sets = open_sets().union(*(grant["data_sets"] for grant in grants)) - withheld
        _cover(sets, wanted, company_id, purpose)
        kept = sets if wanted is None else frozenset(wanted)
        query = query_log.note(tx, actor, company_id, purpose, grants=[g["id"] for g in grants], sets=kept)
        until = min(grant["until"] for grant in grants)
        disputed = frozenset(grants[0]["disputed"])
    return Permit(grants[0]["id"], kept, until, query, disputed, _watermark(actor, query))


def _grants(tx: Tx, actor: Actor, company_id: str, purpose: str) -> list[Row]:
    """Grants in force for this reader, the latest first; each brings blocks and disputes along."""
    if actor.institution is None or actor.side not in ("bank", "guarantee", "system"):
        fail("CST-FORBIDDEN", company_id, purpose=purpose)
    rows = tx.execute(
        "SELECT g.id, g.data_sets, g.until, "
        "EXISTS (SELECT FROM query_block b WHERE b.institution = g.institution AND b.lifted_at IS NULL) "
        "OR EXISTS (SELECT FROM institution i WHERE i.id = g.institution AND i.status <> 'active') "
        "AS blocked, "
        "ARRAY(SELECT DISTINCT o.item FROM objection o WHERE o.company_id = g.company_id AND o.disputed) "
        "AS disputed FROM consent_grant g "
        "WHERE g.company_id = %(company)s AND g.institution = %(institution)s "
        "AND %(purpose)s = ANY(g.purposes) AND g.given_at <= %(now)s AND g.until > %(now)s "
        "AND g.text_id || '@' || g.text_version = ANY(%(texts)s) "
        "AND NOT EXISTS (SELECT FROM consent_revocation r WHERE r.grant_id = g.id) "
        "ORDER BY g.kind, g.given_at DESC, g.id DESC",
        {
            "company": company_id,
            "institution": actor.institution,
            "purpose": purpose,
            "now": now(),
            "texts": holding(today()),
        },
    ).fetchall()
    if not rows:
        fail("CST-FORBIDDEN", company_id, purpose=purpose)
    if rows[0]["blocked"]:
        fail("CST-BLOCKED-FORBIDDEN", str(actor.institution))
    return rows


def _cover(sets: frozenset[str], wanted: Collection[str] | None, company_id: str, purpose: str) -> None:
    missing = set(wanted or ()) - sets
    if missing & special_sets():
        fail("CST-SPECIAL-FORBIDDEN", company_id, items=", ".join(sorted(missing & special_sets())))
    if missing:
        fail("CST-FORBIDDEN", company_id, purpose=f"{purpose}: {', '.join(sorted(missing))}"[:200])


def _own(tx: Tx, actor: Actor, company_id: str) -> Permit:
    """A firm's look at its own file: always allowed, logged like any other."""
    if actor.side != "enterprise" or actor.company != company_id:
        fail("CST-FORBIDDEN", company_id, purpose=SELF)
    query = query_log.note(tx, actor, company_id, SELF, grants=[], sets=ordinary_sets())
    rows = tx.execute(
        "SELECT DISTINCT item FROM objection WHERE company_id = %s AND disputed", [company_id]
    ).fetchall()
    disputed = frozenset(row["item"] for row in rows)
    return Permit(None, ordinary_sets(), None, query, disputed, _watermark(actor, query))


def _watermark(actor: Actor, query: UUID) -> str:
    return f"{actor.name or actor.client or actor.side} · {today().isoformat()} · {str(query)[-12:]}"
