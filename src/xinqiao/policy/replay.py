"""Replay (重放): make a stored decision again from what was stored, and compare the bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.record import FORMAT, Basis, Scorer, content_id, subject_of
from xinqiao.policy.release import Panel, Release, read_release

ReadModel = Callable[[bytes], Scorer]
"""Turns a model's JSON bytes into its scorer."""

_SHA256 = 64


class Kept(Protocol):
    """Where decisions are kept: a run's folder (policy.store) or the platform's tables (lending.decision)."""

    @property
    def index(self) -> Mapping[str, Any]:
        """Decision id -> [offset, length, company]."""

    def line(self, decision_id: str) -> bytes:
        """The stored bytes of a decision, its line end included."""

    def artifact(self, name: str) -> bytes:
        """The bytes of an artifact, unchecked."""


class Replay(NamedTuple):
    """What came of a replay; ``data`` is the record as made again, empty when it could not be."""

    data: bytes
    identical: bool
    faults: tuple[Text, ...]


def replay(store: Kept, decision_id: str, read_model: ReadModel) -> Replay:
    """Make decision ``decision_id`` (in full) again; every difference is named in ``faults``.

    A changed byte in the record, its index entry, the model or the policy is reported, never
    raised; raises UserError POL-DECISION or POL-STORE when there is nothing to compare.
    """
    stored = store.line(decision_id)
    content = _content(stored)
    named = content.pop("decision_id", None) if content is not None else None
    if content is None or named != decision_id or content_id(content) != decision_id:
        return Replay(b"", identical=False, faults=(_RECORD_CHANGED,))  # nothing in it is to be trusted
    if content.get("format") != FORMAT:
        return Replay(b"", identical=False, faults=(_OTHER_FORMAT,))
    faults = []
    if store.index[decision_id][2] != content.get("company_id"):
        faults.append(_INDEX_CHANGED)
    panel, changed = _panel(store, content, read_model)
    faults += changed
    data = _again(panel, content) if panel is not None else b""
    if data + b"\n" != stored:
        faults.append(_DIFFERENT)
    return Replay(data, identical=not faults, faults=tuple(faults))


def _content(stored: bytes) -> dict[str, Any] | None:
    """The record's content, or None when its bytes are not a canonical record."""
    try:
        content = json.loads(stored)
        canonical = canonical_json(content) + b"\n" == stored
    except (ValueError, RecursionError):
        return None
    return content if canonical and isinstance(content, dict) else None


def _panel(store: Kept, content: Mapping[str, Any], read_model: ReadModel) -> tuple[Panel | None, list[Text]]:
    """All that decided, as stored, and what of it was changed."""
    basis, changed = _basis(store, content, read_model)
    entry = content.get("release")
    if entry is None or basis is None:
        return (Panel.of(basis) if basis is not None else None), changed
    try:
        bases, kept = {entry["arm"]: basis}, entry["digest"]
        for silent in entry["silent"]:
            beside, faults = _basis(store, silent, read_model)
            changed += [fault for fault in faults if fault not in changed]
            if beside is not None:
                bases[silent["arm"]] = beside
    except (KeyError, TypeError):
        return None, [_RECORD_CHANGED]
    if not _is_digest(kept):
        return None, [_RECORD_CHANGED]
    data = store.artifact(f"{kept}.yaml")
    if digest(data) != kept:
        changed.append(_RELEASE_CHANGED)
    if changed:
        return None, changed
    return Panel(bases, _release(data, f"{kept}.yaml")), []


@lru_cache(maxsize=8)
def _release(data: bytes, origin: str) -> Release:
    """A stored release; its paths are not followed, the policies and models are stored beside it."""
    return read_release(data.decode(), origin, Path())


def _basis(store: Kept, content: Mapping[str, Any], read_model: ReadModel) -> tuple[Basis | None, list[Text]]:
    """Model and policy as stored, and which of them were changed."""
    try:
        model_digest, policy_digest = content["model"]["digest"], content["policy"]["digest"]
        model_id = content["model"]["id"]
    except (KeyError, TypeError):
        return None, [_RECORD_CHANGED]
    if not (_is_digest(model_digest) and _is_digest(policy_digest)):
        return None, [_RECORD_CHANGED]
    model, policy = store.artifact(f"{model_digest}.json"), store.artifact(f"{policy_digest}.yaml")
    changed = [
        text
        for text, data, name in (
            (_MODEL_CHANGED, model, model_digest),
            (_POLICY_CHANGED, policy, policy_digest),
        )
        if digest(data) != name
    ]
    if changed:
        return None, changed
    return Basis(str(model_id), model, read_model(model), _policy(policy, f"{policy_digest}.yaml")), []


@lru_cache(maxsize=8)
def _policy(data: bytes, origin: str) -> Policy:
    """A stored policy; the decisions of one run share it."""
    return compile_policy(data.decode(), origin)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == _SHA256 and set(value) <= set("0123456789abcdef")


def _again(panel: Panel, content: Mapping[str, Any]) -> bytes:
    """The record made again, or nothing when the stored snapshot no longer makes sense."""
    try:
        return panel.record(subject_of(content)).to_bytes()
    except (UserError, KeyError, TypeError, ValueError, AttributeError):
        return b""


_RECORD_CHANGED = Text(
    zh="存档记录的内容与其编号不符，已被改动", en="the record was changed: its content does not give its id"
)
_OTHER_FORMAT = Text(
    zh=f"存档记录不是格式 {FORMAT}，须用作出它的版本重放",
    en=f"the record is not of format {FORMAT}; replay it with the version that made it",
)
_INDEX_CHANGED = Text(
    zh="索引与存档记录不符，已被改动", en="the index was changed: it does not fit the record"
)
_MODEL_CHANGED = Text(zh="存档的模型文件已被改动", en="the stored model was changed")
_POLICY_CHANGED = Text(zh="存档的政策文件已被改动", en="the stored policy was changed")
_RELEASE_CHANGED = Text(zh="存档的发布文件已被改动", en="the stored release was changed")
_DIFFERENT = Text(zh="重新作出的决策与存档不一致", en="the decision made again differs from the stored one")
