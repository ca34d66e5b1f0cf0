"""Which text of a policy decides for a bank: proposed by one person, released by another, rolled back alike.

A release names a champion and, on a share of the companies, a challenger (policy.release). The latest
release that was decided for stands; going back is a release of what stood before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id, new_token
from xinqiao.evidence.log import record
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending.bank_policy import Version, compiled, freeze, version
from xinqiao.policy.compiled import Policy
from xinqiao.policy.load import load_policy
from xinqiao.policy.record import Basis
from xinqiao.policy.release import CHAMPION, Draw, Panel, Release, read_release

Mode = Literal["sole", "live", "shadow"]
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to decide from now on. ``share``: of the companies, for the challenger."""

    champion: UUID
    challenger: UUID | None = None
    mode: Mode = "sole"
    share: Decimal | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class BankRelease:
    """A proposal with who made it and who decided what; ``released`` None: it waits."""

    id: UUID
    institution: UUID
    policy: str
    mode: Mode
    champion: UUID
    challenger: UUID | None
    share: Decimal | None
    salt: str
    note: str
    proposed_by: UUID
    proposed_name: str
    proposed_at: datetime
    decided_by: UUID | None
    decided_name: str | None
    decided_at: datetime | None
    released: bool | None


def propose(tx: Tx, actor: Actor, proposal: Proposal) -> UUID:
    """Propose a release; its versions can't change any more.

    Raises UserError BWB-ABSENT, BWB-FAULTY-STATE, BWB-STATE (another one waits, or the parts don't fit).
    """
    told = freeze(tx, proposal.champion)
    _fits(tx, proposal, told)
    waits = tx.execute(
        "SELECT 1 FROM bank_release WHERE institution = %s AND policy = %s AND decided_by IS NULL",
        [actor.institution, told["policy"]],
    ).fetchone()
    if waits is not None:
        fail("BWB-STATE", told["policy"], detail="已有一份待复核的发布 another proposal waits")
    made = new_id()
    tx.execute(
        "INSERT INTO bank_release (id, institution, policy, mode, champion, challenger, share, salt, note, "
        "proposed_by, proposed_name, proposed_at) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            made,
            actor.institution,
            told["policy"],
            proposal.mode,
            proposal.champion,
            proposal.challenger,
            proposal.share,
            new_token(),
            proposal.note[:500],
            actor.person,
            actor.name,
            now(),
        ],
    )
    return made


def _fits(tx: Tx, proposal: Proposal, told: Mapping[str, Any]) -> None:
    shared = proposal.share is not None and 0 < proposal.share <= 1
    alone = proposal.challenger is None
    if (proposal.mode == "sole") != alone or (proposal.mode == "live" and not shared):
        fail(
            "BWB-STATE",
            told["policy"],
            detail="挑战者与份额须一并给出 a challenger and its share go together",
        )
    if proposal.challenger is None:
        return
    other = freeze(tx, proposal.challenger)
    if other != told or proposal.challenger == proposal.champion:
        detail = "挑战者须是同一政策的另一版本 the challenger is another version of the same policy"
        fail("BWB-STATE", told["policy"], detail=detail)


def decide(tx: Tx, actor: Actor, release_id: UUID, *, released: bool) -> BankRelease:
    """The second person's decision. Raises UserError BWB-ABSENT, BWB-STATE, BWB-SELF-FORBIDDEN."""
    found = release(tx, release_id)
    if found.proposed_by == actor.person:
        fail("BWB-SELF-FORBIDDEN", found.policy)
    done = tx.execute(
        "UPDATE bank_release SET decided_by = %s, decided_name = %s, decided_at = %s, released = %s "
        "WHERE id = %s AND decided_by IS NULL RETURNING *",
        [actor.person, actor.name, now(), released, release_id],
    ).fetchone()
    if done is None:
        fail("BWB-STATE", found.policy, detail="已经复核过 decided already")
    decided = BankRelease(**done)
    if released:
        record(tx, "policy", _told(tx, decided))
    return decided


def _told(tx: Tx, found: BankRelease) -> dict[str, Any]:
    """What the evidence log commits to: which bytes decide, and by whom that was wanted."""
    arms = {CHAMPION: found.champion, CHALLENGER: found.challenger}
    texts = {arm: digest(version(tx, v).text.encode()) for arm, v in arms.items() if v is not None}
    return {
        "release": str(found.id),
        "institution": str(found.institution),
        "policy": found.policy,
        "mode": found.mode,
        "share": None if found.share is None else str(found.share),
        "texts": texts,
        "proposed_by": str(found.proposed_by),
        "decided_by": str(found.decided_by),
    }


def roll_back(tx: Tx, actor: Actor, policy: str) -> UUID:
    """Propose again what stood before the release that stands. Raises UserError BWB-STATE."""
    past = [found for found in releases(tx, policy) if found.released]
    if len(past) < 2:  # noqa: PLR2004 - the one that stands and the one before
        fail("BWB-STATE", policy, detail="没有更早的发布 there is no earlier release")
    before = past[1]
    note = f"回退 roll-back: {before.decided_at:%Y-%m-%d %H:%M}"
    return propose(tx, actor, Proposal(before.champion, before.challenger, before.mode, before.share, note))


def release(tx: Tx, release_id: UUID) -> BankRelease:
    """One proposal. Raises UserError BWB-ABSENT."""
    row = tx.execute("SELECT * FROM bank_release WHERE id = %s", [release_id]).fetchone()
    if row is None:
        fail("BWB-ABSENT", str(release_id), what="政策发布 release")
    return BankRelease(**row)


def releases(tx: Tx, policy: str | None = None) -> list[BankRelease]:
    """All proposals, those that wait first, then the latest decided."""
    rows = tx.execute(
        "SELECT * FROM bank_release WHERE (%(policy)s::text IS NULL OR policy = %(policy)s) "
        "ORDER BY decided_at DESC NULLS FIRST, id DESC",
        {"policy": policy},
    )
    return [BankRelease(**row) for row in rows]


# who decides -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deciding:
    """The policies that decide now by arm, and the release that draws among them (None: the champion)."""

    policies: Mapping[str, Policy]
    release: Release | None
    source: BankRelease | None

    def draw(self, company_id: str) -> Draw:
        """Whose decision stands for a company."""
        return Draw(CHAMPION, ()) if self.release is None else self.release.draw(company_id)

    def panel(self, basis_of: Callable[[Policy], Basis]) -> Panel:
        """What makes the decision records: one basis an arm."""
        return Panel({arm: basis_of(policy) for arm, policy in self.policies.items()}, self.release)


def deciding(tx: Tx, institution: UUID, policy: str) -> Deciding:
    """What decides for ``institution`` by ``policy``: its own release, else the catalog's text.

    Raises UserError POL-NOT-FOUND where there is neither.
    """
    row = tx.execute(
        "SELECT * FROM bank_release WHERE institution = %s AND policy = %s AND released "
        "ORDER BY decided_at DESC, id DESC LIMIT 1",
        [institution, policy],
    ).fetchone()
    if row is None:
        return Deciding({CHAMPION: load_policy(policy)}, None, None)
    found = BankRelease(**row)
    arms = {CHAMPION: version(tx, found.champion)}
    if found.challenger is not None:
        arms[CHALLENGER] = version(tx, found.challenger)
    policies = {arm: compiled(each.text, each.origin) for arm, each in arms.items()}
    written = _written(found, arms) if found.challenger is not None else None
    return Deciding(policies, written, found)


def _written(found: BankRelease, arms: Mapping[str, Version]) -> Release:
    """The release in the words of ``policy.release``, so that draws and replay are the same."""
    decided = found.decided_at
    assert decided is not None  # noqa: S101 - it is released
    challenger: dict[str, Any] = {
        "id": CHALLENGER,
        "name": {"zh": f"挑战者 v{arms[CHALLENGER].number}", "en": f"challenger v{arms[CHALLENGER].number}"},
        "policy": arms[CHALLENGER].origin,
    }
    if found.share is not None:
        challenger["share"] = float(found.share)
    data = {
        "id": f"r{found.id.hex}",
        "name": {"zh": f"{found.policy} 发布", "en": f"release of {found.policy}"},
        "mode": found.mode,
        "effective": {"from": f"{decided:%Y-%m-%d}"},
        "unit": "company_id",
        "salt": found.salt,
        "champion": {"policy": arms[CHAMPION].origin},
        "challengers": [challenger],
    }
    # JSON is YAML, but a date in quotes is a text there
    text = canonical_json(data).decode().replace(f'"{decided:%Y-%m-%d}"', f"{decided:%Y-%m-%d}")
    return read_release(text, f"release-{found.id}.yaml", Path())
