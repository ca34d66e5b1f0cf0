"""The record of a decision (决策存档): all that is needed to make it again, byte for byte."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.policy.case import Case, bind
from xinqiao.policy.compiled import Policy
from xinqiao.policy.evaluate import decide_json

FORMAT = 2
"""2: a limit below the minimum is no reason beside a rejection; bounds of limit and price are told."""

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


@dataclass(frozen=True)
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

    @cached_property
    def names(self) -> dict[str, dict[str, str]]:
        """How records name the model and the policy."""
        file = self.policy.file
        return {
            "model": {"id": self.model_id, "digest": digest(self.model_bytes)},
            "policy": {"id": file.id, "version": file.version, "digest": digest(self.policy_bytes)},
        }


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with everything it came from.

    ``content`` holds plain JSON values, ``data`` is their canonical JSON, the id included.
    """

    decision_id: str
    content: Mapping[str, Any]
    data: bytes

    @property
    def company_id(self) -> str:
        """The company decided on."""
        return str(self.content["company_id"])

    def to_bytes(self) -> bytes:
        """Canonical JSON of the record, its id included."""
        return self.data


def record_decision(
    basis: Basis, subject: Subject, release: Mapping[str, Any] | None = None
) -> DecisionRecord:
    """Score and decide, and keep all of it; ``release`` is what a release adds (policy/release.py).

    Raises UserError POL-NOT-EFFECTIVE when the policy is not in force on the subject's date.
    """
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
        **basis.names,
        "application": dict(subject.application),
        "indicators": snapshot,
        "score": score,
    }
    if release is not None:
        content["release"] = release
    return _record(content, decide_json(basis.policy, bind(basis.policy, case)))


def _record(content: dict[str, Any], decision: bytes) -> DecisionRecord:
    """The record of ``content`` and a decision that is canonical JSON already."""
    parts = {name: canonical_json(value) for name, value in content.items()} | {"decision": decision}
    decision_id = digest(_object(parts))[:ID_LENGTH]
    data = _object(parts | {"decision_id": canonical_json(decision_id)})
    return DecisionRecord(decision_id, {**content, "decision": json.loads(decision)}, data)


def _object(parts: Mapping[str, bytes]) -> bytes:
    """Canonical JSON of an object from that of its values."""
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), parts[name]) for name in sorted(parts))


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
