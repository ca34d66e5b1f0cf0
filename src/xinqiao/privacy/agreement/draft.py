"""A job as a person writes it down (TOML), made into a manifest; the node puts in certificates and keys."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.db.database import new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.agreement.rules import Policy
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.job.kind import kind_named, kind_of
from xinqiao.privacy.job.manifest import Consents, Engine, Input, Manifest, Name, Party


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DraftInput(_Draft):
    """As ``manifest.Input``."""

    source: Name
    key: Name | None = None
    key_kind: Literal["uscc", "person", "phone", "text"] | None = None
    columns: tuple[Name, ...] = ()
    rows_at_least: int = 1
    rows_at_most: int
    basis: Literal["subjects", "none"] = "subjects"
    missing: Literal["leave_out", "refuse"] = "refuse"
    ground: str = ""


class DraftParty(_Draft):
    """A party by its name in ``node.toml``."""

    name: Name
    role: Name
    input: DraftInput | None = None


class Draft(_Draft):
    """What a person says of a job; ``hours``: how long it may wait and run."""

    kind: Name
    purpose: Name
    parties: tuple[DraftParty, ...]
    params: dict[str, Any] = Field(default_factory=dict)
    deployment: Name = "default"
    engine: Name = "own"
    engine_version: str = "1"
    hours: float = Field(default=24, gt=0, le=720)
    attempts: int = Field(default=3, ge=1, le=10)


def read_draft(text: str, where: str) -> Draft:
    """Raises UserError PRV-DRAFT."""
    try:
        return Draft.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise user_error("PRV-DRAFT", where, detail=str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise user_error("PRV-DRAFT", where, detail=detail) from error


def manifest_of(draft: Draft, identity: Identity, policy: Policy, where: str) -> Manifest:
    """The manifest, made by this party, ready to be signed.

    Raises UserError PRV-KIND, PRV-DRAFT, PRV-MANIFEST, PRV-PEER-UNKNOWN.
    """
    kind = kind_named(draft.kind)
    if kind is None:
        fail("PRV-KIND", where, kind=draft.kind, version="-")
    try:
        manifest = _manifest(draft, kind.version, identity, policy)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise user_error("PRV-DRAFT", where, detail=detail) from error
    kind_of(manifest)
    return manifest


def _manifest(draft: Draft, version: int, identity: Identity, policy: Policy) -> Manifest:
    return Manifest(
        job=new_id(),
        kind=draft.kind,
        version=version,
        purpose=draft.purpose,
        parties=tuple(_party(party, identity, policy) for party in draft.parties),
        params=draft.params,
        engine=Engine(name=draft.engine, version=draft.engine_version),
        deployment=draft.deployment,
        made_by=identity.name,
        expires=now() + timedelta(hours=draft.hours),
        attempts=draft.attempts,
    )


def _party(party: DraftParty, identity: Identity, policy: Policy) -> Party:
    if party.name == identity.name:
        certificate, key = identity.certificate, identity.signing_key
    elif party.name in policy.peers:
        certificate, key = policy.peers[party.name].certificate, policy.peers[party.name].signing_key
    else:
        fail("PRV-PEER-UNKNOWN", party.name)
    return Party(
        name=party.name,
        certificate=certificate,
        signing_key=key,
        role=party.role,
        input=None if party.input is None else _input(party.input),
    )


def _input(told: DraftInput) -> Input:
    return Input(
        source=told.source,
        key=told.key,
        key_kind=told.key_kind,
        columns=told.columns,
        rows_at_least=told.rows_at_least,
        rows_at_most=told.rows_at_most,
        consents=Consents(basis=told.basis, missing=told.missing, ground=told.ground),
    )
