"""A limit is changed by two people: one proposes it, another agrees."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import cast
from uuid import UUID

from xinqiao.account import approval
from xinqiao.account.actor import Actor
from xinqiao.account.approval import Approval
from xinqiao.account.notice import notify
from xinqiao.db.database import Tx
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.servicing.line import NAMES, ORDER, Kind, Line, set_line

KIND = "credit_line.set"
SET_BY_HAND: tuple[Kind, ...] = ("company", "group", "product", "institution")
"""A facility's own limit is what its contract says."""
PAGE = "/bank/limits"


@dataclass(frozen=True, slots=True)
class Change:
    """A limit proposed, in CNY."""

    id: UUID
    kind: Kind
    key: str
    limit_cny: Decimal
    proposer: str
    proposed_by: UUID


def propose(tx: Tx, actor: Actor, kind: str, key: str, limit_cny: Decimal) -> UUID:
    """Propose a limit. Raises UserError SRV-LINE (no such kind, no key), ACC-TWO-FORBIDDEN (not a person)."""
    if kind not in SET_BY_HAND or not key.strip() or limit_cny < 0 or actor.institution is None:
        fail("SRV-LINE", f"{kind}/{key}"[:120])
    told = {"kind": kind, "key": key.strip(), "limit_cny": str(limit_cny)}
    made = approval.propose(tx, actor, KIND, f"{kind}/{key.strip()}", told)
    name = NAMES[kind]
    text = Text(
        zh=f"待复核：{name.zh}改为 {limit_cny:,.2f} 元",
        en=f"for a second person: {name.en} to CNY {limit_cny:,.2f}",
    )
    notify(tx, to_institution=actor.institution, role="bank.approver", text=text, link=PAGE)
    return made


def decide(tx: Tx, actor: Actor, approval_id: UUID, *, agreed: bool, reason: str = "") -> Line | None:
    """The second person's answer; the line as it is then. Raises ACC-APPROVAL-*, ACC-SAME-FORBIDDEN."""
    found = _change(approval.decide(tx, actor, approval_id, "approved" if agreed else "refused", reason))
    return set_line(tx, actor, found.kind, found.key, found.limit_cny) if agreed else None


def waiting(tx: Tx, institution_id: UUID) -> list[Change]:
    """Limits that wait for a second person, the oldest first."""
    return [_change(each) for each in approval.open_approvals(tx, institution_id, KIND)]


def _change(found: Approval) -> Change:
    kind = (
        cast("Kind", found.body["kind"])
        if found.body.get("kind") in ORDER
        else fail("SRV-LINE", found.subject)
    )
    return Change(
        found.id, kind, found.body["key"], Decimal(found.body["limit_cny"]), found.proposer, found.proposed_by
    )
