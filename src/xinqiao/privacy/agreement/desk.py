"""What a node's process needs of the agreement behind it: which jobs stand how, their data, their end.

``agreement.store`` keeps it in the party's database; the node asks again every moment, so what a person
approves in the portal or by the command line reaches the other parties without another channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import pyarrow as pa

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Sent
from xinqiao.privacy.job.manifest import Manifest

A_DAY = timedelta(days=1)
"""How long other nodes may still be told of a job that has ended."""
State = Literal["proposed", "waiting", "signed", "ready", "running", "done", "failed", "refused", "expired"]
"""Of a job at one party: ``signed`` by this one, ``ready`` when signed by all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands at this party.

    ``signatures``: hex by party, verified. ``attempt``: how many have begun. ``again``: somebody here asked
    to try a failed job again. ``refused_by``: the party that refused, and ``code`` why. ``receipts``: what
    parties say came of it, hex of signature and body, by party: told to the others like signatures.
    """

    manifest: Manifest
    state: State
    signatures: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0
    again: bool = False
    refused_by: str | None = None
    code: str | None = None
    receipts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a job's worker is given: this party's rows and the folder kept between jobs of a deployment."""

    table: pa.Table | None
    state: Path


class Desk(Protocol):
    """The party's side of the agreement. Every call is one transaction and may be made from any thread."""

    def introduce(self) -> None:
        """Tell the database who the node is, for the pages; again every while, as a sign of life."""

    def heard(
        self, manifest: Manifest, signatures: Mapping[str, str], receipts: Mapping[str, str] | None = None
    ) -> None:
        """Another party's node tells of a job, with signatures and receipts. Told again, it changes nothing.

        A new job is decided by this party's rules: signed, put before a person, or refused. Raises
        UserError for a manifest or a signature that is not right.
        """

    def refused(self, job: UUID, party: str, code: str) -> None:
        """``party`` will not take part."""

    def standing(self, ended_within: timedelta = A_DAY) -> Sequence[Standing]:
        """The jobs that may still run, and those that ended that short ago."""

    def begin(self, job: UUID, attempt: int) -> Begun:
        """Make a ready (or failed, with attempts left) job ``running`` and read its data.

        Raises UserError: consent missing or revoked, size out of bounds, budget used up, no attempt left,
        expired. The job is then as it was.
        """

    def progress(self, job: UUID, share: float) -> None:
        """How far a running job is, between 0 and 1."""

    def finish(self, job: UUID, result: Result, transcript: Sequence[Sent]) -> None:
        """Every party is through: keep the result and commit to it."""

    def fail(self, job: UUID, error: UserError) -> None:
        """The job has failed here or elsewhere; asked again, it is tried again while attempts are left."""
