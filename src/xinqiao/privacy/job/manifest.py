"""A job as all parties agree to it before any of them computes: who, what, why, and who learns what.

Every party signs the canonical bytes of the same manifest (``agreement.signing``); nothing that a job does
is decided elsewhere. Written as JSON; sizes, names and lists are bounded, unknown fields refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail

PARTIES_AT_MOST = 16
COLUMNS_AT_MOST = 200
ROWS_AT_MOST = 100_000_000
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""Of parties, sources, roles and parameters: lower-case ASCII, so that it looks alike everywhere."""
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

P = TypeVar("P", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Consents(_Strict):
    """On what ground a party's rows may be used.

    ``subjects``: each row's subject has granted the purpose to the receiver; without a grant in force it is
    left out (``leave_out``) or the whole job refused (``refuse``). ``none``: the data name no subject who
    could grant (public lists, aggregates), or law names another ground, told in ``ground``.
    """

    basis: Literal["subjects", "none"]
    missing: Literal["leave_out", "refuse"] = "refuse"
    ground: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _told(self) -> Consents:
        if self.basis == "none" and not self.ground:
            message = "a ground must be told where no subject consents"
            raise ValueError(message)
        return self


class Input(_Strict):
    """What of its own data a party brings: a source of its node, never a path.

    ``key``: the column that rows are matched by, and ``key_kind`` how it is written alike by all
    (``job.keys``). ``columns``: what else is read. ``rows_at_least`` and ``rows_at_most`` bound the
    size that the other parties see or could infer.
    """

    source: Name
    key: Name | None = None
    key_kind: Literal["uscc", "person", "phone", "text"] | None = None
    columns: tuple[Name, ...] = Field(default=(), max_length=COLUMNS_AT_MOST)
    rows_at_least: int = Field(default=1, ge=0, le=ROWS_AT_MOST)
    rows_at_most: int = Field(ge=1, le=ROWS_AT_MOST)
    consents: Consents


class Party(_Strict):
    """One party: its name, its certificate's SHA-256 (of the DER) and its signing key (Ed25519)."""

    name: Name
    certificate: Hex32
    signing_key: Hex32
    role: Name
    input: Input | None = None


class Engine(_Strict):
    """What computes: ``own`` (this product's protocols) or a library, with its version."""

    name: Name = "own"
    version: str = Field(default="1", max_length=40)


class Manifest(_Strict):
    """A job. ``params`` belong to the kind, which checks them (``job.kind``).

    ``deployment``: which of the parties' kept states (keys, parts of models) it uses; rules
    name those allowed.
    """

    job: UUID
    kind: Name
    version: int = Field(ge=1)
    purpose: Name
    parties: tuple[Party, ...] = Field(min_length=2, max_length=PARTIES_AT_MOST)
    params: dict[str, Any] = Field(default_factory=dict)
    engine: Engine = Engine()
    deployment: Name = "default"
    made_by: Name
    expires: datetime
    attempts: int = Field(default=3, ge=1, le=10)

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        names = [party.name for party in self.parties]
        if len(set(names)) != len(names) or self.made_by not in names:
            message = "parties are named once each, and one of them made the manifest"
            raise ValueError(message)
        if self.expires.tzinfo is None:
            message = "expires needs a time zone"
            raise ValueError(message)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The parties in order."""
        return tuple(party.name for party in self.parties)

    def party(self, name: str) -> Party:
        """The party of that name. Raises UserError PRV-MANIFEST."""
        for party in self.parties:
            if party.name == name:
                return party
        return fail("PRV-MANIFEST", str(self.job), detail=f"no party {name}")

    def having(self, role: str) -> tuple[Party, ...]:
        """The parties with a role, in order."""
        return tuple(party for party in self.parties if party.role == role)

    def only(self, role: str) -> Party:
        """The one party with a role. Raises UserError PRV-MANIFEST where there is not exactly one."""
        found = self.having(role)
        if len(found) != 1:
            fail("PRV-MANIFEST", str(self.job), detail=f"{len(found)} x {role}")
        return found[0]

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return digest(self.canonical())


def read_manifest(data: bytes, where: str) -> Manifest:
    """The manifest in ``data``. Raises UserError PRV-MANIFEST naming ``where`` and the fault."""
    return _read(Manifest, data, where)


def parameters(kind: type[P], manifest: Manifest) -> P:
    """The manifest's params as a kind of job reads them. Raises UserError PRV-MANIFEST naming the fault."""
    return _read(kind, json.dumps(manifest.params, default=str).encode(), str(manifest.job))


def refuse(manifest: Manifest, faults: Mapping[str, object]) -> None:
    """Raises UserError PRV-MANIFEST naming the faults that hold."""
    if found := [name for name, held in faults.items() if held]:
        fail("PRV-MANIFEST", str(manifest.job), detail="; ".join(found))


def _read(kind: type[P], data: bytes, where: str) -> P:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        told = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in told["loc"])
        return fail("PRV-MANIFEST", where, detail=f"{place}: {told['msg']}")
