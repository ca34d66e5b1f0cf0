"""The record of a decision (决策存档): all that is needed to make it again, byte for byte."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.policy.case import Case, bind
from xinqiao.policy.compiled import Policy
from xinqiao.policy.evaluate import decide_inputs

FORMAT = 1
ID_LENGTH = 32

Scorer = Callable[[Mapping[str, float | None], Mapping[str, Any]], dict[str, Any]]
"""Scores indicators and application into plain JSON values: at least ``points``, ``pd``, ``grade``."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about: a company's snapshot at a date and its application.

    ``indicators`` hold float or None, ``missing`` the reason code of each None. ``consent`` is the
    reference of the grant under which the data was read.
    """

    company_id: str
    as_of: date
    indicators: Mapping[str, float | None]
    missing: Mapping[str, str]
    application: Mapping[str, Any]
    consent: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What decides: a model (its exact JSON bytes and the scorer they give) and a policy."""

    model_id: str
    model_bytes: bytes
    scorer: Scorer
    policy: Policy

    @property
    def policy_bytes(self) -> bytes:
        """The policy's exact text."""
        return self.policy.text.encode()


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with everything it came from; ``content`` is plain JSON values."""

    decision_id: str
    content: Mapping[str, Any]

    @property
    def company_id(self) -> str:
        """The company decided on."""
        return str(self.content["company_id"])

    def to_bytes(self) -> bytes:
        """Canonical JSON of the record, its id included."""
        return canonical_json({**self.content, "decision_id": self.decision_id})


def record_decision(
    basis: Basis, subject: Subject, release: Mapping[str, Any] | None = None
) -> DecisionRecord:
    """Score and decide, and keep all of it; ``release`` is what a release adds (policy/release.py).

    Raises UserError POL-NOT-EFFECTIVE when the policy is not in force on the subject's date.
    """
    file = basis.policy.file
    basis.policy.require_in_force(subject.as_of, subject.company_id)
    snapshot = _snapshot(subject)
    values = {name: entry.get("value") for name, entry in snapshot.items()}
    reasons = {name: entry["missing"] for name, entry in snapshot.items() if "missing" in entry}
    score = basis.scorer(values, subject.application)
    case = Case(subject.company_id, subject.as_of, values, reasons, score, subject.application)
    content = {
        "format": FORMAT,
        "company_id": subject.company_id,
        "as_of": subject.as_of.isoformat(),
        "consent": subject.consent,
        "model": {"id": basis.model_id, "digest": digest(basis.model_bytes)},
        "policy": {"id": file.id, "version": file.version, "digest": digest(basis.policy_bytes)},
        "application": dict(subject.application),
        "indicators": snapshot,
        "score": score,
        "decision": decide_inputs(basis.policy, bind(basis.policy, case)).as_json(),
    }
    if release is not None:
        content["release"] = release
    return DecisionRecord(content_id(content), content)


def content_id(content: Mapping[str, Any]) -> str:
    """The id of a decision: the head of the digest of all its content."""
    return digest(canonical_json(dict(content)))[:ID_LENGTH]


def subject_of(content: Mapping[str, Any]) -> Subject:
    """The subject kept in a record's content."""
    snapshot = content["indicators"]
    return Subject(
        company_id=content["company_id"],
        as_of=date.fromisoformat(content["as_of"]),
        indicators={name: entry.get("value") for name, entry in snapshot.items()},
        missing={name: entry["missing"] for name, entry in snapshot.items() if "missing" in entry},
        application=content["application"],
        consent=content["consent"],
    )


def _snapshot(subject: Subject) -> dict[str, dict[str, Any]]:
    """Every indicator with its value, or with the reason there is none."""
    out: dict[str, dict[str, Any]] = {}
    for name, value in subject.indicators.items():
        if value is None or math.isnan(value):
            out[name] = {"missing": subject.missing.get(name, "NOT_GIVEN")}
        else:
            out[name] = {"value": float(value)}
    return out
