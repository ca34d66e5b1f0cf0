"""A bank's way to outside data: a need, coverage by private count, value before it is bought, contract, use.

A project names one holder and what of its data is wanted; each step is kept, and those that compute name
their job. The contract comes after a data-value run and takes two people; its digest goes to the log of
evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account import approval, audit
from xinqiao.account.actor import Actor
from xinqiao.consent.terms import SELF, purposes
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.evidence.log import record
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.consulting.need_search import NEED_AT_MOST
from xinqiao.source.contract import contract

Stage = Literal["need", "coverage", "value", "contract", "deployed", "closed"]
STAGES: dict[Stage, Text] = {
    "need": Text(zh="提出需求", en="need told"),
    "coverage": Text(zh="测算覆盖", en="coverage counted"),
    "value": Text(zh="评估价值", en="value estimated"),
    "contract": Text(zh="签订合同", en="contract"),
    "deployed": Text(zh="部署使用", en="in use"),
    "closed": Text(zh="已结束", en="closed"),
}
APPROVAL = "data_contract"
_BEFORE: dict[Stage, tuple[Stage, ...]] = {
    "coverage": ("need", "coverage"),
    "value": ("coverage", "value"),
    "contract": ("value",),
    "deployed": ("contract", "deployed"),
    "closed": ("need", "coverage", "value", "contract", "deployed"),
}
CONTRACTS_AT_MOST = 20
REASON_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Project:
    """A need and how far it has come. ``contracts``: kinds of record by id; ``peer``: the holder's node."""

    id: UUID
    institution_id: UUID
    need: str
    purpose: str
    contracts: tuple[str, ...]
    peer: str
    stage: Stage
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What was done; ``job_id`` where it was a computation."""

    kind: Stage
    job_id: UUID | None
    told: dict[str, Any]
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DataContract:
    """What bank and holder signed: fee in CNY a year, term, and the signed document's SHA-256."""

    fee_cny: Decimal
    begins_on: date
    ends_on: date
    digest: str

    @property
    def body(self) -> dict[str, str]:
        """As text, for approval and evidence."""
        return {name: str(getattr(self, name)) for name in ("fee_cny", "begins_on", "ends_on", "digest")}


def begin(tx: Tx, actor: Actor, need: str, *, purpose: str, wanted: Sequence[str], peer: str) -> UUID:
    """Open a project of the actor's institution.

    Raises UserError PRV-NEED (too short, too long, no purpose of the catalogue, nothing wanted), CON-UNKNOWN.
    """
    told = need.strip()
    fits = 1 < len(told) <= NEED_AT_MOST and purpose in purposes() and purpose != SELF
    if not fits or not 0 < len(wanted) <= CONTRACTS_AT_MOST or actor.institution is None:
        fail("PRV-NEED", told[:40] or "need", most=NEED_AT_MOST)
    chosen = sorted({contract(one).id for one in wanted})
    made = new_id()
    tx.execute(
        "INSERT INTO data_project (id, institution_id, need, purpose, contracts, peer, stage, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'need', %s)",
        [made, actor.institution, told, purpose, chosen, peer, now()],
    )
    _step(tx, actor, made, "need", told={"contracts": chosen, "peer": peer})
    return made


def projects(tx: Tx) -> list[Project]:
    """The projects that the scope may see, the newest first."""
    return [_project(row) for row in tx.execute("SELECT * FROM data_project ORDER BY made_at DESC LIMIT 200")]


def project(tx: Tx, project_id: UUID) -> Project:
    """One of them. Raises UserError PRV-PROJECT-ABSENT."""
    row = tx.execute("SELECT * FROM data_project WHERE id = %s", [project_id]).fetchone()
    if row is None:
        fail("PRV-PROJECT-ABSENT", str(project_id))
    return _project(row)


def steps(tx: Tx, project_id: UUID) -> list[Step]:
    """What was done, in order."""
    rows = tx.execute(
        "SELECT kind, job_id, told, by_name, at FROM data_project_step WHERE project_id = %s ORDER BY at, id",
        [project_id],
    )
    return [Step(**row) for row in rows]


def advance(
    tx: Tx,
    actor: Actor,
    project_id: UUID,
    stage: Stage,
    *,
    job_id: UUID | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Take a step, and bring the project to its stage.

    Raises UserError PRV-PROJECT-ABSENT, PRV-PROJECT-STATE.
    """
    row = tx.execute("SELECT stage FROM data_project WHERE id = %s FOR UPDATE", [project_id]).fetchone()
    if row is None:
        fail("PRV-PROJECT-ABSENT", str(project_id))
    if row["stage"] not in _BEFORE[stage]:
        fail("PRV-PROJECT-STATE", str(project_id), stage=STAGES[row["stage"]], wanted=STAGES[stage])
    tx.execute("UPDATE data_project SET stage = %s WHERE id = %s", [stage, project_id])
    _step(tx, actor, project_id, stage, job_id=job_id, told=dict(told or {}))


def propose_contract(tx: Tx, actor: Actor, project_id: UUID, signed: DataContract) -> UUID:
    """Put a signed contract up for a second person.

    Raises UserError PRV-PROJECT-STATE (its stage), PRV-PROJECT-VALUE-STATE before a data-value run is done,
    PRV-CONTRACT (dates, fee or digest) and ACC-TWO-FORBIDDEN.
    """
    found = project(tx, project_id)
    if found.stage not in _BEFORE["contract"]:
        fail("PRV-PROJECT-STATE", str(project_id), stage=STAGES[found.stage], wanted=STAGES["contract"])
    if not _valued(tx, project_id):
        fail("PRV-PROJECT-VALUE-STATE", str(project_id))
    if signed.ends_on <= signed.begins_on or signed.fee_cny < 0 or not _is_digest(signed.digest):
        fail("PRV-CONTRACT", str(project_id))
    return approval.propose(tx, actor, APPROVAL, str(project_id), signed.body)


def _valued(tx: Tx, project_id: UUID) -> bool:
    """Whether a data-value run of the project is done."""
    ran = [step.job_id for step in steps(tx, project_id) if step.kind == "value" and step.job_id is not None]
    return any(job_rows.one(tx, job).state == "done" for job in ran)


def decide_contract(
    tx: Tx, actor: Actor, approval_id: UUID, outcome: approval.Outcome, reason: str = ""
) -> UUID:
    """The second person's decision; gives the project.

    Raises UserError as ``approval.decide`` and ``advance``.
    """
    decided = approval.decide(tx, actor, approval_id, outcome, reason)
    if decided.kind != APPROVAL:
        fail("ACC-APPROVAL-ABSENT", str(approval_id))
    project_id = UUID(decided.subject)
    if outcome == "approved":
        entry = record(tx, "contract", {"project": decided.subject, **decided.body})
        advance(tx, actor, project_id, "contract", told={**decided.body, "evidence": str(entry)})
    return project_id


def close(tx: Tx, actor: Actor, project_id: UUID, reason: str) -> None:
    """End a project, whatever its stage. Raises UserError PRV-PROJECT-STATE where it has ended."""
    advance(tx, actor, project_id, "closed", told={"reason": reason[:REASON_AT_MOST]})


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004 - hex of SHA-256


def _step(
    tx: Tx,
    actor: Actor,
    project_id: UUID,
    kind: Stage,
    *,
    job_id: UUID | None = None,
    told: dict[str, Any],
) -> None:
    tx.execute(
        "INSERT INTO data_project_step (id, project_id, institution_id, kind, job_id, told, by_name, at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [new_id(), project_id, actor.institution, kind, job_id, Jsonb(told), actor.name, now()],
    )
    audit.note(tx, actor, f"data_project.{kind}", str(project_id), {"job": str(job_id or "")})


def _project(row: Row) -> Project:
    return Project(**{**row, "contracts": tuple(row["contracts"])})
