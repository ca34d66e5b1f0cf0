"""What a party's node may compute with whom and for which purpose. What no rule allows is refused.

A rule is written by the party's people in its node's configuration. It names everything a job may be: the
other parties, the kind and its parameters, the purpose, the own role, what is read of which source, how
many rows, and who may receive. A job that keeps within one rule is signed, or put before a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.agreement.source_data import Source
from xinqiao.privacy.job.kind import Kind, kind_of
from xinqiao.privacy.job.manifest import ROWS_AT_MOST, Hex32, Input, Manifest, Name, Party

ANY = "*"
"""In a list of a rule: whatever it is."""
VALID_AT_MOST = timedelta(days=30)
"""How far ahead a manifest may expire."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Peer(_Settings):
    """Another party this node knows: the SHA-256 of its certificate (DER) and its signing key, pinned."""

    name: Name
    certificate: Hex32
    signing_key: Hex32


class Rule(_Settings):
    """What may be computed. ``*`` in a list of names allows any of them.

    ``receivers``: who may learn results, the own party aside (``learners``). ``params``: the values that
    each parameter may have; one that is not named is free. ``rows_at_least``: of the own input, so that no
    result is about a few. ``runs`` in ``days`` and ``changed_at_least`` are the budget
    (``agreement.budget``); 0 of the latter where jobs are meant to be about single subjects. ``attempts``:
    how many a job may have; each is a run. ``answer``: sign by rule, or ask a person.
    """

    name: Name
    peers: tuple[str, ...]
    kinds: tuple[str, ...]
    purposes: tuple[str, ...]
    roles: tuple[str, ...] = (ANY,)
    receivers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    params: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    deployments: tuple[str, ...] = ("default",)
    engines: tuple[str, ...] = ("own",)
    rows_at_least: int = Field(default=1, ge=0)
    rows_at_most: int = Field(default=ROWS_AT_MOST, ge=1)
    consents: Literal["subjects", "any"] = "subjects"
    runs: int = Field(default=10, ge=1)
    days: int = Field(default=30, ge=1, le=366)
    attempts: int = Field(default=3, ge=1, le=10)
    changed_at_least: int = Field(default=10, ge=0, le=500)
    answer: Literal["sign", "ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Policy:
    """All that a node's configuration says of agreement; empty, it allows nothing.

    ``issuers``: public signing keys (hex), by name, of those whose lists of consents count.
    """

    peers: Mapping[str, Peer] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    issuers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sign:
    """A rule allows the job: sign it."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Ask:
    """A rule allows the job if a person approves."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing allows the job."""

    error: UserError


Decision: TypeAlias = Sign | Ask | Refuse


def decide(manifest: Manifest, me: Party, policy: Policy) -> Decision:
    """What this party answers. ``me``: itself, as its node is (its own certificate and key)."""
    try:
        check_parties(manifest, me, policy)
        kind = kind_of(manifest)
        own = manifest.party(me.name)
        if own.input is not None:
            check_source(manifest, own.input, policy)
    except UserError as error:
        return Refuse(error)
    reasons = []
    for rule in policy.rules:
        reason = _against(rule, manifest, own, kind)
        if reason is None:
            return Sign(rule) if rule.answer == "sign" else Ask(rule)
        reasons.append(f"{rule.name}: {reason}")
    return Refuse(user_error("PRV-RULE", str(manifest.job), detail="; ".join(reasons) or "-"))


def check_parties(manifest: Manifest, me: Party, policy: Policy) -> None:
    """Every party is who this node knows under that name.

    Raises UserError PRV-EXPIRED, PRV-MANIFEST (this party is not in it as it is), PRV-PEER-UNKNOWN.
    """
    if not now() < manifest.expires <= now() + VALID_AT_MOST:
        fail("PRV-EXPIRED", str(manifest.job), until=manifest.expires.isoformat())
    for party in manifest.parties:
        if party.name == me.name:
            if (party.certificate, party.signing_key) != (me.certificate, me.signing_key):
                fail("PRV-MANIFEST", str(manifest.job), detail=f"{me.name}: certificate, signing key")
            continue
        peer = policy.peers.get(party.name)
        if peer is None or (party.certificate, party.signing_key) != (peer.certificate, peer.signing_key):
            fail("PRV-PEER-UNKNOWN", party.name)
    manifest.party(me.name)


def check_source(manifest: Manifest, brought: Input, policy: Policy) -> None:
    """The source is there and has the key and columns asked for. Raises UserError PRV-SOURCE."""
    source = policy.sources.get(brought.source)
    if source is None:
        fail("PRV-SOURCE", str(manifest.job), source=brought.source, detail="not of this node")
    source.check(brought)


def receivers(manifest: Manifest, kind: Kind) -> tuple[str, ...]:
    """Who learns a result or which subjects are common: whom subjects' consents must name.

    As the kind tells (``Kind.receivers``); else those the parameter ``result_to`` names; else every party
    whose role receives.
    """
    if kind.receivers is not None:
        learning = set(kind.receivers(manifest))
        return tuple(name for name in manifest.names if name in learning)
    told = manifest.params.get("result_to")
    if isinstance(told, str) and told in manifest.names:
        return (told,)
    if isinstance(told, list | tuple) and told:
        return tuple(name for name in manifest.names if name in told)
    receiving = {role.name for role in kind.roles if role.receives}
    return tuple(party.name for party in manifest.parties if party.role in receiving)


def learners(manifest: Manifest, kind: Kind) -> tuple[str, ...]:
    """Whom rules and budget look at: who receives, and who sees what names no subject (``Role.sees``)."""
    told, seeing = receivers(manifest, kind), {role.name for role in kind.roles if role.sees}
    return tuple(party.name for party in manifest.parties if party.name in told or party.role in seeing)


def _against(rule: Rule, manifest: Manifest, own: Party, kind: Kind) -> str | None:
    """The first thing of the job that the rule does not allow; None: it keeps within."""
    others = [name for name in manifest.names if name != own.name]
    told: list[tuple[str, tuple[str, ...], list[str]]] = [
        ("peers", rule.peers, others),
        ("kinds", rule.kinds, [manifest.kind]),
        ("purposes", rule.purposes, [manifest.purpose]),
        ("roles", rule.roles, [own.role]),
        ("receivers", rule.receivers, [name for name in learners(manifest, kind) if name != own.name]),
        ("deployments", rule.deployments, [manifest.deployment]),
        ("engines", rule.engines, [manifest.engine.name]),
    ]
    if own.input is not None:
        told += [("sources", rule.sources, [own.input.source]), ("columns", rule.columns, _read(own.input))]
    for what, allowed, asked in told:
        if ANY not in allowed and (beyond := sorted(set(asked) - set(allowed))):
            return f"{what} {', '.join(beyond)}"
    for name, values in rule.params.items():
        if manifest.params.get(name) not in values:
            return f"params {name}"
    if manifest.attempts > rule.attempts:
        return f"attempts {manifest.attempts}"
    return None if own.input is None else _rows_against(rule, own.input)


def _read(brought: Input) -> list[str]:
    return [*([] if brought.key is None else [brought.key]), *brought.columns]


def _rows_against(rule: Rule, brought: Input) -> str | None:
    if brought.rows_at_least < rule.rows_at_least or brought.rows_at_most > rule.rows_at_most:
        return f"rows {brought.rows_at_least}-{brought.rows_at_most}"
    if rule.consents == "subjects" and brought.consents.basis != "subjects":
        return "consents"
    return None
