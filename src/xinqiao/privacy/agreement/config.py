"""``node.toml``: who this party is, whom it knows, what data it has and what a job may cost.

Paths are relative to the file. What may be computed with whom stands in its ``rules`` (``agreement.rules``);
without one nothing may.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.agreement.certificate import Certificate, read_certificate
from xinqiao.privacy.agreement.rules import Peer as Pinned
from xinqiao.privacy.agreement.rules import Policy, Rule
from xinqiao.privacy.agreement.signing import Identity, read_pair
from xinqiao.privacy.agreement.source_data import Source
from xinqiao.privacy.job.link import PAYLOAD_AT_MOST, WAIT_SECONDS
from xinqiao.privacy.job.manifest import Hex32, Name

Address = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\[\]:\s]+):[0-9]{1,5}$")]
"""host:port; an IPv6 address in brackets."""
PORTS = 65536


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """What a job and a line may cost. Times in seconds."""

    jobs_at_once: int = Field(default=2, ge=1, le=32)
    job_seconds: float = Field(default=3600, gt=0)
    message_bytes: int = Field(default=PAYLOAD_AT_MOST, ge=1024, le=PAYLOAD_AT_MOST)
    inbox_bytes: int = Field(default=2 * PAYLOAD_AT_MOST, ge=1024)
    memory_bytes: int | None = Field(default=None, ge=1 << 28)
    wait_seconds: float = Field(default=WAIT_SECONDS, gt=0)
    heartbeat_seconds: float = Field(default=2, gt=0)
    lost_seconds: float = Field(default=8, gt=0)
    connect_seconds: float = Field(default=10, gt=0)

    @model_validator(mode="after")
    def _beats(self) -> Limits:
        if self.lost_seconds < 2 * self.heartbeat_seconds:
            message = "lost_seconds must be at least twice heartbeat_seconds"
            raise ValueError(message)
        return self


class Peer(_Strict):
    """Another party. ``address``: where its node listens; None where only it can call us.

    ``we_call``: which side connects; by default the one whose name comes first, if it has an address.
    """

    name: Name
    address: Address | None = None
    certificate: Path
    signing_key: Hex32
    we_call: bool | None = None


class Config(_Strict):
    """A node's configuration. ``file``: where it was read."""

    file: Path
    name: Name
    listen: Address
    institution: UUID | None = None
    home: Path = Path()
    certificate: Path = Path("certificate.pem")
    key: Path = Path("key.pem")
    signing_key: Path = Path("signing.key")
    dsn: str | None = None
    owner_dsn: str | None = None
    engine_python: Path | None = None
    limits: Limits = Limits()
    peers: tuple[Peer, ...] = Field(default=(), max_length=256)
    sources: tuple[Source, ...] = ()
    rules: tuple[Rule, ...] = ()
    issuers: dict[Name, Hex32] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Config:
        names = [self.name, *(peer.name for peer in self.peers)]
        if len(set(names)) != len(names):
            message = "each party is named once"
            raise ValueError(message)
        if (self.dsn is None) != (self.owner_dsn is None):
            message = "dsn and owner_dsn go together"
            raise ValueError(message)
        return self

    def path(self, told: Path) -> Path:
        """A path of the file, beside the file."""
        return (self.file.parent / told).resolve()

    @property
    def folder(self) -> Path:
        """Where the node keeps its state."""
        return self.path(self.home)

    def peer(self, name: str) -> Peer:
        """The peer of that name. Raises UserError PRV-PEER-UNKNOWN."""
        for peer in self.peers:
            if peer.name == name:
                return peer
        return fail("PRV-PEER-UNKNOWN", name)

    def policy(self) -> Policy:
        """What this party's people allow, for ``agreement.rules``."""
        prints = {name: told.fingerprint for name, told in self.certificates.items()}
        return Policy(
            peers={
                p.name: Pinned(name=p.name, certificate=prints[p.name], signing_key=p.signing_key)
                for p in self.peers
            },
            rules=self.rules,
            sources={source.name: self._placed(source) for source in self.sources},
            issuers=self.issuers,
        )

    def identity(self) -> Identity:
        """Who this party is. Raises UserError PRV-SIGNING-KEY."""
        pair = read_pair(self.path(self.signing_key))
        return Identity(self.name, self.own_certificate.fingerprint, pair)

    def _placed(self, source: Source) -> Source:
        if source.file is None:
            return source
        return source.model_copy(update={"file": self.path(source.file)})

    @cached_property
    def certificates(self) -> dict[str, Certificate]:
        """The peers' certificates by name."""
        return {peer.name: read_certificate(self.path(peer.certificate)) for peer in self.peers}

    @cached_property
    def own_certificate(self) -> Certificate:
        """This party's."""
        return read_certificate(self.path(self.certificate))


def read_config(path: Path) -> Config:
    """The configuration in the file. Raises UserError PRV-CONFIG, PRV-CERT.

    That one's own certificate is valid now is for the node to check: what was computed can be seen after.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8"))
        config = Config.model_validate(told | {"file": path.resolve()})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise user_error("PRV-CONFIG", str(path), detail=str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise user_error("PRV-CONFIG", str(path), detail=f"{place}: {first['msg']}") from error
    prints = [config.own_certificate.fingerprint, *(c.fingerprint for c in config.certificates.values())]
    if len(set(prints)) != len(prints):
        fail("PRV-CONFIG", str(path), detail="two parties have the same certificate")
    return config


def host_and_port(address: str) -> tuple[str, int]:
    """The two halves of an ``Address``. Raises UserError PRV-CONFIG."""
    host, _, port = address.rpartition(":")
    if not 0 <= int(port) < PORTS:
        fail("PRV-CONFIG", address, detail="port")
    return host.strip("[]"), int(port)
