"""The jobs of a node: what its agreement says may begin is begun, what the other nodes say reaches its job.

Nodes tell each other of open jobs (``node.gossip``). When all parties have signed, the one that made the
manifest begins an attempt (``node.attempt``), and nobody else does, so there is one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout
from structlog.typing import FilteringBoundLogger

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.privacy.agreement.config import Config
from xinqiao.privacy.agreement.desk import A_DAY, Desk, Standing
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.node.attempt import Attempt
from xinqiao.privacy.node.child import check_size
from xinqiao.privacy.node.gossip import Gossip
from xinqiao.privacy.node.line import Line, Run
from xinqiao.privacy.node.post import Post, Told, elsewhere, read_told

LOOK_SECONDS = 0.5
"""How often the agreement is asked what is new."""
INTRODUCE_SECONDS = 30.0
JUST_ENDED = timedelta(minutes=5)
WHOLE_DAY_SECONDS = 3600.0
"""A look is at jobs that ended just now, every hour and where a line is new at all that ended in a day."""
GUESTS = 4
"""So many times ``jobs_at_once`` may run in all when other nodes begin them; a node begins fewer itself, so
that two nodes with little room don't wait for each other."""
RUNS_AT_MOST = 256
"""Ended attempts that are remembered, so that what is still on its way of them is not taken for new."""


class Control:
    """See the module. Implements ``relay.Events``."""

    def __init__(self, config: Config, desk: Desk, log: FilteringBoundLogger) -> None:
        self.post = Post(config, desk, log)
        self.running: dict[UUID, Attempt] = {}
        self._gossip = Gossip(self.post)
        self._shares: dict[UUID, float] = {}
        self._ended: dict[Run, None] = {}
        self._known: dict[UUID, Standing] = {}
        self._again: set[UUID] = set()
        self._look_now = asyncio.Event()
        self._introduce_at = 0.0
        self._whole_day_at = 0.0

    # -- what the agreement says

    async def run(self) -> None:
        """Look after jobs until cancelled; then end those that run."""
        try:
            while True:
                try:
                    await self._look()
                except (psycopg.Error, PoolTimeout) as error:  # the database was away: go on when it is back
                    self.post.log.warning("database away", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._look_now.wait()
                self._look_now.clear()
        finally:
            for attempt in self.running.values():
                attempt.fail(self._stopped)
            await self.post.close()

    @property
    def _stopped(self) -> UserError:
        return user_error("PRV-STOPPED", self.post.me)

    async def _look(self) -> None:
        """Begin what may begin; end what was left running, by a node or a database that went away."""
        if time.monotonic() >= self._introduce_at:
            self._introduce_at = time.monotonic() + INTRODUCE_SECONDS
            await self.post.asked(self.post.desk.introduce)
        before = set(self.running)
        standings = await self._standings()
        for standing in standings:
            if standing.state == "running" and standing.manifest.job not in before | set(self.running):
                await self.post.failed(standing.manifest.job, self._stopped)
            self._gossip.share(standing)
            if self._may_begin(standing):
                self._begin(standing.manifest, standing.attempt + 1)
        await self._keep_shares()

    async def _standings(self) -> Sequence[Standing]:
        whole = time.monotonic() >= self._whole_day_at
        if whole:
            self._whole_day_at = time.monotonic() + WHOLE_DAY_SECONDS
        try:
            ended_within = A_DAY if whole else JUST_ENDED
            standings = await self.post.asked(partial(self.post.desk.standing, ended_within))
        except (psycopg.Error, PoolTimeout):
            self._whole_day_at = 0.0
            raise
        self._known = {s.manifest.job: s for s in standings}
        if whole:
            self._gossip.keep(self._known)
        return standings

    async def _keep_shares(self) -> None:
        """Keep how far the jobs are, where that has changed."""
        shares = {job: attempt.share for job, attempt in self.running.items()}
        for job, share in shares.items():
            if share != self._shares.get(job, 0.0):
                await self.post.asked(partial(self.post.desk.progress, job, share))
        self._shares = shares

    # -- attempts

    def _full(self, most: int) -> bool:
        return len(self.running) >= most

    def _may_begin(self, standing: Standing) -> bool:
        manifest = standing.manifest
        again = standing.again or manifest.job in self._again
        ready = standing.state == "ready" or (standing.state == "failed" and again)
        return (
            ready
            and not self._full(self.post.config.limits.jobs_at_once)
            and manifest.made_by == self.post.me
            and manifest.job not in self.running
            and not self.post.away(manifest)
        )

    def _begin(self, manifest: Manifest, number: int) -> None:
        attempt = Attempt(self.post, manifest, number)
        self.running[manifest.job] = attempt
        self._again.discard(manifest.job)
        self.post.start(self._carry_out(attempt))

    async def _carry_out(self, attempt: Attempt) -> None:
        try:
            await attempt.go()
        finally:
            del self.running[attempt.manifest.job]
            self._end(attempt.run)
            self._look_now.set()

    def _end(self, run: Run) -> None:
        self._ended[run] = None
        while len(self._ended) > RUNS_AT_MOST:
            del self._ended[next(iter(self._ended))]

    # -- what lines tell (relay.Events)

    def up(self, line: Line) -> None:
        """A line stands: everything is told anew."""
        self._gossip.forget(line.peer)
        self._whole_day_at = 0.0
        self._look_now.set()

    def down(self, line: Line, error: UserError) -> None:
        """A line has gone: the jobs with that party fail."""
        self.post.log.warning("line down", peer=line.peer, code=error.code)
        for attempt in self.running.values():
            if line.peer in attempt.manifest.names:
                attempt.fail(user_error("PRV-PEER-LOST", line.peer))

    def part(self, peer: str, run: Run, part: bytes) -> bool:
        """A part of a message for a job's worker."""
        attempt = self.running.get(run[0])
        if attempt is None or attempt.run != run or peer not in attempt.manifest.names:
            return False
        try:
            check_size(part, peer, self.post.config.limits.message_bytes)
        except UserError as error:
            attempt.fail(error)
        attempt.child.inbox.put_nowait((peer, part))
        return True

    def control(self, peer: str, message: Any) -> None:  # noqa: ANN401 - JSON, checked there
        """A message of another node. Raises UserError PRV-FRAME."""
        told = read_told(message, peer)
        if told.about in ("job", "refused"):
            self.post.start(self._heard(peer, told))
        elif told.about == "prepare":
            self.post.start(self._prepare(peer, told))
        elif told.job in self._known:
            self._moved(peer, told)
        else:
            self.post.start(self._moved_later(peer, told))

    async def room(self) -> None:
        """Until more can be heard."""
        await self.post.room()

    async def _moved_later(self, peer: str, told: Told) -> None:
        """Of a job that was not known yet: as ``_prepare``, so that one does not overtake the other."""
        await self._look()
        self._moved(peer, told)

    async def _heard(self, peer: str, told: Told) -> None:
        await self._gossip.heard(peer, told)
        self._look_now.set()

    async def _prepare(self, peer: str, told: Told) -> None:
        """The maker of a job asks to begin an attempt."""
        if told.job not in self._known:
            await self._look()
        if told.job in self.running or (told.job, told.attempt) in self._ended:
            return
        standing, failed = self._known.get(told.job), partial(self.post.tell_one, peer, about="failed")
        if standing is None or standing.manifest.made_by != peer:
            failed(job=told.job, attempt=told.attempt, code="PRV-MANIFEST")
        elif self._full(GUESTS * self.post.config.limits.jobs_at_once):
            failed(job=told.job, attempt=told.attempt, code="PRV-BUSY")
        else:
            self._begin(standing.manifest, told.attempt)

    def _moved(self, peer: str, told: Told) -> None:
        attempt, known = self.running.get(told.job), self._known.get(told.job)
        if known is None or peer not in known.manifest.names:
            return
        if attempt is not None and attempt.run[1] == told.attempt:
            attempt.heard(peer, told)
        elif told.about == "failed" and attempt is None and (told.job, told.attempt) not in self._ended:
            self._end((told.job, told.attempt))  # before it began here: nor will it, when told to prepare
            self.post.start(self.post.failed(told.job, elsewhere(peer, told, known.manifest)))
        elif told.about == "again" and known.state == "failed":
            self._again.add(told.job)
            self._look_now.set()

    def status(self) -> dict[str, Any]:
        """The jobs that run, and those that wait for a party: for the status file."""
        return {
            str(job): {"kind": a.manifest.kind, "attempt": a.run[1], "progress": round(a.share, 2)}
            for job, a in self.running.items()
        } | {
            str(job): {"kind": s.manifest.kind, "waits_for": away}
            for job, s in self._known.items()
            if s.state == "ready" and (away := self.post.away(s.manifest)) and job not in self.running
        }
