"""What a kind of job is: its roles, what it checks, what each party learns, and the protocol itself.

A kind is a module of a package beside this one that holds one ``Kind``. Nodes, the docs' privacy page and the
conformance suite read the same registry, so what a page promises is what the node enforces.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest, Party

MODULES = {
    "data_value": "modelling",
    "horizontal": "modelling",
    "intersection": "alignment",
    "joint_score": "scores",
    "lookup": "lists",
    "operators_list": "lists",
    "operators_query": "lists",
    "scorecard": "modelling",
    "statistics": "sums",
    "tree_score": "scores",
    "trees": "modelling",
    "woe": "modelling",
}
"""The package that holds each kind's module, which is named as the kind and has a ``KIND``."""


@dataclass(frozen=True, slots=True)
class Role:
    """A part in a kind of job: how many parties may have it and whether they bring data.

    ``receives``: False for those whom no result is meant for (a dealer): consents need not name them.
    ``sees``: though it receives nothing, it sees results or rows that name no subject; rules must allow it
    as a receiver, and the budget compares inputs against it. Consents need not name it: a subject grants a
    use to whom it serves, and no row here is known to be anyone's. Without either it sees sizes only.
    """

    name: str
    title: Text
    at_least: int = 1
    at_most: int = 1
    brings_data: bool = True
    receives: bool = True
    sees: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a kind computes, and against whom that is safe: the rows of the docs' privacy page."""

    name: str
    paper: str
    adversary: Text
    collusion: Text
    cost: Text


@dataclass(frozen=True, slots=True)
class Job:
    """One party's view of a job that runs: what the protocol is given besides its link.

    ``table``: the party's own rows as the manifest names them: key first (where there is one, already
    normalised), then columns; None for a party that brings none. ``folder``: fresh and empty, removed after.
    ``state``: what the node keeps for this party between jobs of one deployment (keys, parts of models),
    a folder of its own. ``progress`` is told shares between 0 and 1.
    """

    manifest: Manifest
    me: Party
    table: pa.Table | None
    folder: Path
    state: Path
    engine_python: Path | None = None
    progress: Callable[[float], None] = lambda _: None

    @property
    def params(self) -> dict[str, Any]:
        """The kind's parameters, as checked."""
        return self.manifest.params

    @property
    def rows(self) -> pa.Table:
        """The party's own rows. Raises UserError PRV-MANIFEST for a party that brings none."""
        if self.table is None:
            return fail("PRV-MANIFEST", str(self.manifest.job), detail=f"{self.me.name}: input")
        return self.table


@dataclass(frozen=True, slots=True)
class Result:
    """What one party has at the end: plain values for the page and, where rows are delivered, a table."""

    told: Mapping[str, Any] = field(default_factory=dict)
    table: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    ``check`` raises UserError PRV-MANIFEST for parameters or roles that don't fit. ``learns`` tells, for each
    party by name, everything it learns (of results, sizes, and by-products), in the words of the docs.
    ``run`` is the protocol: every party calls it with its own view. ``plain`` computes the same from all
    parties' tables at once, by party name: what the conformance suite compares with.
    ``receivers``: the names of all who learn a result or which subjects are common, of a kind whose roles
    and parameter ``result_to`` do not tell (``agreement.rules.receivers``).
    """

    name: str
    version: int
    title: Text
    roles: tuple[Role, ...]
    protocols: tuple[Protocol, ...]
    check: Callable[[Manifest], None]
    learns: Callable[[Manifest], Mapping[str, tuple[Text, ...]]]
    run: Callable[[Job, Link], Result]
    plain: Callable[[Manifest, Mapping[str, pa.Table]], Mapping[str, Result]]
    receivers: Callable[[Manifest], Collection[str]] | None = None


SEMI_HONEST = Text(
    zh="半诚实：各方按协议执行，但会分析所见", en="semi-honest: parties follow the protocol and are curious"
)
"""The adversary of most protocols here."""


def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    return {name: kind for name in MODULES if (kind := kind_named(name)) is not None}


def kind_named(name: str) -> Kind | None:
    """The kind of that name, None where there is none. Only its own module is loaded: some take seconds."""
    if name not in MODULES:
        return None
    kind: Kind = importlib.import_module(f"xinqiao.privacy.{MODULES[name]}.{name}").KIND
    return kind


def kind_of(manifest: Manifest) -> Kind:
    """The kind of a manifest, its roles and parameters checked. Raises UserError PRV-KIND, PRV-MANIFEST."""
    kind = kind_named(manifest.kind)
    if kind is None or kind.version != manifest.version:
        fail("PRV-KIND", str(manifest.job), kind=manifest.kind, version=manifest.version)
    known = {role.name: role for role in kind.roles}
    for party in manifest.parties:
        role = known.get(party.role)
        if role is None or role.brings_data != (party.input is not None):
            fail("PRV-MANIFEST", str(manifest.job), detail=f"{party.name}: {party.role}")
    for role in kind.roles:
        if not role.at_least <= len(manifest.having(role.name)) <= role.at_most:
            fail("PRV-MANIFEST", str(manifest.job), detail=f"{len(manifest.having(role.name))} x {role.name}")
    try:
        kind.check(manifest)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # another party wrote the parameters, in any shape; a kind need not foresee them all
        fail("PRV-MANIFEST", str(manifest.job), detail=f"params: {type(error).__name__}")
    return kind
