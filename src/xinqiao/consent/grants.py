"""Grants (授权): a firm lets ONE institution read named data for named purposes until a day.

A grant is never changed. It ends on its day, when it is revoked, or when a new version of its text has to
be signed anew. The bytes that were agreed to are kept, and their digest stands in the evidence log.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.account.webhook import tell
from xinqiao.consent.draft import Draft, Terms, draft
from xinqiao.consent.texts import Kind, holding
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.evidence.log import record
from xinqiao.kernel.clock import CHINA, now, today
from xinqiao.kernel.errors import fail

FRESH = timedelta(minutes=15)
"""How old the sign-in (password, code or passkey) behind a signature may be."""
USUAL_DAYS = 365


@dataclass(frozen=True, slots=True)
class Proof:
    """How we know that the person agreed.

    ``session``: signed in or confirmed ``at`` that time (``account``), at most ``FRESH`` ago; ``handover``:
    an outside platform's signature over the document, verified with the key ``key``.
    """

    method: Literal["session", "handover"]
    at: datetime
    key: str | None = None
    signature: str | None = None

    def told(self) -> dict[str, Any]:
        """What is kept of the proof."""
        kept = {"method": self.method, "at": self.at.isoformat(), "key": self.key}
        return kept | {"signature": self.signature}


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands now. ``ended_at``: when it was revoked."""

    id: UUID
    company_id: str
    institution: UUID
    kind: Kind
    purposes: tuple[str, ...]
    data_sets: tuple[str, ...]
    text_id: str
    text_version: int
    given_at: datetime
    until: datetime
    digest: str
    ended_at: datetime | None
    renewed: bool

    @property
    def last_day(self) -> date:
        """The last day in China on which it holds."""
        return (self.until - timedelta(microseconds=1)).astimezone(CHINA).date()

    @property
    def in_force(self) -> bool:
        """Whether reads pass it now."""
        return self.ended_at is None and not self.renewed and self.given_at <= now() < self.until


def give(
    tx: Tx,
    actor: Actor,
    *,
    institution: UUID,
    purposes: Collection[str],
    data_sets: Collection[str],
    proof: Proof,
    until: date | None = None,
    kind: Kind = "ordinary",
    shown: str | None = None,
    declared: Collection[str] | None = None,
) -> Grant:
    """Grant for ``actor``'s company; ``until`` is the last day (a year from now where not told).

    ``shown``: the digest of the draft the person saw, so that what was read is what is signed. ``declared``:
    what the product declares it needs; anything beyond it is left out, and the operator sees that.
    Raises UserError CST-COMPANY-FORBIDDEN, CST-TERMS, CST-RECEIVER, CST-PROOF, CST-SHOWN.
    """
    if actor.company is None:
        fail("CST-COMPANY-FORBIDDEN", actor.side)
    if proof.method != "session" or not timedelta(0) <= now() - proof.at <= FRESH:
        fail("CST-PROOF", proof.method)
    last = until or last_day(USUAL_DAYS)
    sets = trim(tx, actor.company, institution, data_sets, declared)
    terms = Terms.of(actor.company, institution, kind=kind, for_=purposes, sets=sets, until=last)
    drafted = draft(tx, terms)
    if shown is not None and shown != drafted.digest:
        fail("CST-SHOWN", str(institution))
    return write(tx, actor, drafted, proof)


def trim(
    tx: Tx, company_id: str, institution: UUID, asked: Collection[str], declared: Collection[str] | None
) -> list[str]:
    """``asked`` without what is not in ``declared`` (最小必要); what is left out is written down."""
    if declared is None or set(asked) <= set(declared):
        return sorted(set(asked))
    beyond = sorted(set(asked) - set(declared))
    tx.execute(
        "INSERT INTO trimmed_request (id, at, company_id, institution, left_out) VALUES (%s, %s, %s, %s, %s)",
        [new_id(), now(), company_id, institution, beyond],
    )
    return sorted(set(asked) & set(declared))


def write(tx: Tx, actor: Actor, drafted: Draft, proof: Proof) -> Grant:
    """Write down what was agreed to, here and in the evidence log."""
    terms, grant_id, at = drafted.terms, new_id(), now()
    tx.execute(
        "INSERT INTO consent_grant (id, company_id, institution, kind, purposes, data_sets, text_id, "
        "text_version, given_at, until, person, client, document, digest, proof) "
        "VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            grant_id,
            terms.company_id,
            terms.institution,
            terms.kind,
            list(terms.purposes),
            list(terms.data_sets),
            drafted.text_id,
            drafted.text_version,
            at,
            end_of(terms.until),
            actor.person,
            actor.client,
            drafted.document,
            drafted.digest,
            Jsonb(proof.told()),
        ],
    )
    body = {"grant": str(grant_id), "document": drafted.digest, "at": at.isoformat()}
    record(tx, "grant", body, subject=terms.company_id, institution=terms.institution)
    tell(tx, terms.institution, "grant.given", body | {"company_id": terms.company_id}, grant_id)
    return one(tx, grant_id)


def revoke(tx: Tx, actor: Actor, grant_id: UUID, reason: str = "") -> None:
    """End a grant of ``actor``'s company now: the next read is refused. What was read stays in the log.

    Raises UserError CST-GRANT-ABSENT (none of this company's), CST-GRANT-STATE (revoked before).
    """
    found = one(tx, grant_id)
    if actor.company is None or found.company_id != actor.company:
        fail("CST-GRANT-ABSENT", str(grant_id))
    end(tx, actor, found, reason)


def end(tx: Tx, actor: Actor, grant: Grant, reason: str) -> None:
    """Write the end of ``grant``, here and in the evidence log. Raises UserError CST-GRANT-STATE."""
    made = tx.execute(
        "INSERT INTO consent_revocation (grant_id, company_id, institution, at, person, client, reason) "
        "VALUES (%s,%s,%s,%s,%s,%s,%s) ON CONFLICT DO NOTHING RETURNING grant_id",
        [grant.id, grant.company_id, grant.institution, now(), actor.person, actor.client, reason[:500]],
    ).fetchone()
    if made is None:
        fail("CST-GRANT-STATE", str(grant.id))
    body = {"grant": str(grant.id), "at": now().isoformat()}
    record(tx, "revocation", body, subject=grant.company_id, institution=grant.institution)
    tell(tx, grant.institution, "grant.revoked", body | {"company_id": grant.company_id}, new_id())


_SELECT = (
    "SELECT g.id, g.company_id, g.institution, g.kind, g.purposes, g.data_sets, g.text_id, g.text_version, "
    "g.given_at, g.until, g.digest, r.at AS ended_at, "
    "g.text_id || '@' || g.text_version <> ALL(%s) AS renewed "
    "FROM consent_grant g LEFT JOIN consent_revocation r ON r.grant_id = g.id "
)


def one(tx: Tx, grant_id: UUID) -> Grant:
    """A grant that this transaction's scope may see. Raises UserError CST-GRANT-ABSENT."""
    found = tx.execute(_SELECT + "WHERE g.id = %s", [holding(today()), grant_id]).fetchone()
    if found is None:
        fail("CST-GRANT-ABSENT", str(grant_id))
    return _grant(found)


def of_company(tx: Tx, company_id: str) -> list[Grant]:
    """All grants of a firm, the latest first."""
    rows = tx.execute(
        _SELECT + "WHERE g.company_id = %s ORDER BY g.given_at DESC, g.id DESC",
        [holding(today()), company_id],
    )
    return [_grant(row) for row in rows]


def to_institution(tx: Tx, institution: UUID, limit: int = 500) -> list[Grant]:
    """The latest grants to an institution."""
    rows = tx.execute(
        _SELECT + "WHERE g.institution = %s ORDER BY g.given_at DESC, g.id DESC LIMIT %s",
        [holding(today()), institution, limit],
    )
    return [_grant(row) for row in rows]


def document(tx: Tx, grant_id: UUID) -> bytes:
    """The exact bytes that were agreed to. Raises UserError CST-GRANT-ABSENT."""
    found = tx.execute("SELECT document FROM consent_grant WHERE id = %s", [grant_id]).fetchone()
    if found is None:
        fail("CST-GRANT-ABSENT", str(grant_id))
    return bytes(found["document"])


def last_day(days: int) -> date:
    """The day ``days`` after today."""
    return today() + timedelta(days=days)


def end_of(day: date) -> datetime:
    """The first moment after ``day`` in China."""
    return datetime.combine(day + timedelta(days=1), time(), CHINA)


def _grant(row: Row) -> Grant:
    return Grant(**{**row, "purposes": tuple(row["purposes"]), "data_sets": tuple(row["data_sets"])})
