"""Decisions as they were recorded: kept byte for byte with what they rest on, and made again from that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.evidence.log import record
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending.case_state import Case
from xinqiao.lending.deciding_basis import scorer_from
from xinqiao.policy.decision import Decision
from xinqiao.policy.record import DecisionRecord
from xinqiao.policy.release import Panel
from xinqiao.policy.replay import Replay
from xinqiao.policy.replay import replay as replay_stored
from xinqiao.policy.store import SHORTEST_PREFIX


@dataclass(frozen=True)
class Stored:
    """A decision on a case. ``record``: its exact bytes; ``evidence_id``: where the log commits to them."""

    id: str
    case_id: UUID
    company_id: str
    institution_id: UUID
    outcome: str
    made_at: datetime
    record: bytes
    evidence_id: UUID | None

    @cached_property
    def content(self) -> dict[str, Any]:
        """The record as plain values."""
        found: dict[str, Any] = json.loads(self.record)
        return found

    @cached_property
    def decision(self) -> Decision:
        """What was decided, with reasons and trace."""
        return Decision.from_json(self.content["decision"])


def _stored(row: Row) -> Stored:
    return Stored(**{**row, "record": bytes(row["record"])})


def decision(tx: Tx, decision_id: str) -> Stored:
    """A decision the scope may see: the institution's own. Raises UserError LND-DECISION-ABSENT."""
    row = tx.execute("SELECT * FROM decision WHERE id = %s", [decision_id]).fetchone()
    if row is None:
        fail("LND-DECISION-ABSENT", decision_id[:64])
    return _stored(row)


def full_id(tx: Tx, prefix: str) -> str:
    """The id that begins with ``prefix``, 8 characters or more. Raises UserError LND-DECISION-ABSENT."""
    rows = tx.execute("SELECT id FROM decision WHERE starts_with(id, %s) LIMIT 2", [prefix]).fetchall()
    if len(rows) != 1 or len(prefix) < SHORTEST_PREFIX:
        fail("LND-DECISION-ABSENT", prefix[:64])
    found: str = rows[0]["id"]
    return found


def of_case(tx: Tx, case_id: UUID) -> list[Stored]:
    """The decisions on a case, the first first."""
    rows = tx.execute("SELECT * FROM decision WHERE case_id = %s ORDER BY made_at, id", [case_id])
    return [_stored(row) for row in rows]


def keep(tx: Tx, case: Case, panel: Panel, made: DecisionRecord) -> Stored:
    """Keep a decision with the exact texts it rests on, and commit to it in the log (scope SYSTEM)."""
    for name, body in _artifacts(panel):
        tx.execute(
            "INSERT INTO decision_artifact (institution_id, name, body) VALUES (%s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [case.institution_id, name, body],
        )
    data = made.to_bytes()
    told = {"case": str(case.id), "decision": made.decision_id, "record": digest(data)}
    evidence = record(tx, "decision", told, subject=case.company_id, institution=case.institution_id)
    row = tx.execute(
        "INSERT INTO decision (id, case_id, company_id, institution_id, outcome, made_at, record, "
        "evidence_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING *",
        [
            made.decision_id,
            case.id,
            case.company_id,
            case.institution_id,
            made.content["decision"]["outcome"],
            now(),
            data,
            evidence,
        ],
    ).fetchone()
    return decision(tx, made.decision_id) if row is None else _stored(row)


def _artifacts(panel: Panel) -> list[tuple[str, bytes]]:
    """Exact texts by the names replay asks for."""
    found = [(f"{digest(b.model_bytes)}.json", b.model_bytes) for b in panel.bases.values()]
    found += [(f"{digest(b.policy_bytes)}.yaml", b.policy_bytes) for b in panel.bases.values()]
    if panel.release is not None:
        text = panel.release.text.encode()
        found.append((f"{digest(text)}.yaml", text))
    return found


@dataclass(frozen=True)
class _Tables:
    """The decisions of the platform as ``policy.replay`` reads a store."""

    tx: Tx
    decision: Stored

    @property
    def index(self) -> Mapping[str, Any]:
        """Where the decision stands, as a folder's index has it."""
        return {self.decision.id: [0, len(self.decision.record), self.decision.company_id]}

    def line(self, decision_id: str) -> bytes:
        """The stored bytes with a line end."""
        if decision_id != self.decision.id:
            fail("LND-DECISION-ABSENT", decision_id[:64])
        return self.decision.record + b"\n"

    def artifact(self, name: str) -> bytes:
        """An exact text; empty where there is none, which replay then names."""
        row = self.tx.execute(
            "SELECT body FROM decision_artifact WHERE institution_id = %s AND name = %s",
            [self.decision.institution_id, name],
        ).fetchone()
        return b"" if row is None else bytes(row["body"])


def replay(tx: Tx, decision_id: str) -> Replay:
    """Make a decision again from what was stored, compare every byte. Raises LND-DECISION-ABSENT."""
    return replay_stored(_Tables(tx, decision(tx, decision_id)), decision_id, scorer_from)
