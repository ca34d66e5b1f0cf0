"""How the nodes of a job's parties go through it together: agree, prepare, start, be done or fail.

Every node tells the others what it knows of open jobs (manifest and signatures). When all have signed, the
node of the party that made the manifest asks all to ``prepare`` (read their data, start their workers) and
lets them ``start`` when all have. A party keeps its result only when all are ``done``; what fails at one
fails at all, and nothing of it stays. The manifest's maker alone begins attempts, so there is one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from structlog.typing import FilteringBoundLogger

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import UserError, fail, user_error, wording
from xinqiao.privacy.agreement.config import Config
from xinqiao.privacy.agreement.desk import Desk, Standing
from xinqiao.privacy.job.manifest import Manifest, Name, read_manifest
from xinqiao.privacy.node.child import Child, check_size
from xinqiao.privacy.node.line import Line, Run

T = TypeVar("T")
LOOK_SECONDS = 0.5
"""How often the agreement is asked what is new."""
INTRODUCE_SECONDS = 30.0
PREPARE_SECONDS = 300.0
SHARED = frozenset({"proposed", "waiting", "signed", "ready", "done"})
GUESTS = 4
"""So many times ``jobs_at_once`` may run in all when other nodes begin them; a node begins fewer itself, so
that two nodes with little room don't wait for each other."""
MANIFEST_AT_MOST = 1 << 19
TASKS_AT_MOST = 1000
"""Control messages being answered; more at once are no node's of this program."""
RUNS_AT_MOST = 256
"""Ended attempts that are remembered, so that what is still on its way of them is not taken for new."""


class Told(BaseModel):
    """A control message between nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: Literal["job", "refused", "prepare", "prepared", "start", "failed", "done", "again"]
    job: UUID
    attempt: int = Field(default=0, ge=0, le=255)
    manifest: str = Field(default="", max_length=MANIFEST_AT_MOST)
    signatures: dict[Name, str] = Field(default_factory=dict)
    receipts: dict[Name, str] = Field(default_factory=dict)
    code: str = Field(default="", max_length=32)
    where: str = Field(default="", max_length=200)


@dataclass(slots=True)
class Running:
    """An attempt under way here."""

    child: Child
    manifest: Manifest
    started: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    prepared: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    fault: UserError | None = None
    ours: bool = True
    share: float = 0.0
    share_told: float = 0.0
    task: asyncio.Task[None] | None = None

    def fail(self, error: UserError, *, ours: bool) -> None:
        """The first fault ends it; ``ours``: the others don't know yet."""
        if self.fault is None:
            self.fault, self.ours = error, ours
            self.moved.set()

    async def until(self, names: set[str], among: Iterable[str]) -> None:
        """Wait until all ``among`` are in ``names``. Raises the fault."""
        while not names.issuperset(among):
            await self.wait()

    async def wait(self) -> None:
        """Until something moves. Raises the fault."""
        if self.fault is None:
            await self.moved.wait()
            self.moved.clear()
        if self.fault is not None:
            raise self.fault


class Control:
    """The jobs of one node. Implements ``relay.Events``."""

    def __init__(self, config: Config, desk: Desk, log: FilteringBoundLogger) -> None:
        self.config, self.desk, self.log = config, desk, log
        self.me = config.name
        self.line_to: Callable[[str], Line | None] = lambda _: None
        self.running: dict[UUID, Running] = {}
        self._ended: dict[Run, None] = {}
        self._said: dict[tuple[str, UUID], tuple[object, ...]] = {}
        self._known: dict[UUID, Standing] = {}
        self._again: set[UUID] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._tasks: set[asyncio.Task[None]] = set()
        self._look_now = asyncio.Event()
        self._introduce_at = 0.0

    # -- what the agreement says

    async def run(self) -> None:
        """Look after jobs until cancelled; then end those that run."""
        for standing in await self._asked(self.desk.standing):
            if standing.state == "running":  # of a node that was killed
                await self._failed(standing.manifest.job, user_error("PRV-STOPPED", self.me))
        try:
            while True:
                try:
                    await self._look()
                except (psycopg.Error, PoolTimeout) as error:  # the database was away: go on when it is back
                    self.log.warning("database away", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._look_now.wait()
                self._look_now.clear()
        finally:
            await self._stop()

    async def _look(self) -> None:
        if time.monotonic() >= self._introduce_at:
            self._introduce_at = time.monotonic() + INTRODUCE_SECONDS
            await self._asked(self.desk.introduce)
        standings = await self._asked(self.desk.standing)
        self._known = {s.manifest.job: s for s in standings}
        self._said = {key: mark for key, mark in self._said.items() if key[1] in self._known}
        for standing in standings:
            self._share(standing)
            if self._may_begin(standing):
                self._begin(standing.manifest, standing.attempt + 1)
        for job, running in list(self.running.items()):
            if running.share != running.share_told:
                running.share_told = running.share
                await self._asked(partial(self.desk.progress, job, running.share))

    def _share(self, standing: Standing) -> None:
        """Tell each party of the job what is new to it."""
        manifest, about = standing.manifest, "job"
        if standing.state == "failed" and standing.again:
            about = "again"
        elif standing.state == "refused" and standing.refused_by == self.me:
            about = "refused"
        elif standing.state not in SHARED:
            return
        mark = about, standing.attempt, *sorted(standing.signatures), "-", *sorted(standing.receipts)
        lines = [line for name in manifest.names if (line := self.line_to(name)) is not None]
        new = [line for line in lines if self._said.get((line.peer, manifest.job)) != mark]
        if not new or len(written := manifest.canonical().decode()) > MANIFEST_AT_MOST:
            return
        message = Told(
            about=about,
            job=manifest.job,
            manifest=written,
            signatures=dict(standing.signatures),
            receipts=dict(standing.receipts),
            code=standing.code or "",
        ).model_dump(mode="json")
        for line in new:
            self._said[line.peer, manifest.job] = mark
            line.control(message)

    def _full(self, most: int) -> bool:
        return len(self.running) >= most

    def _may_begin(self, standing: Standing) -> bool:
        manifest = standing.manifest
        again = standing.again or manifest.job in self._again
        ready = standing.state == "ready" or (standing.state == "failed" and again)
        free = not self._full(self.config.limits.jobs_at_once)
        return (
            ready
            and free
            and manifest.made_by == self.me
            and manifest.job not in self.running
            and not self._away(manifest)
        )

    def _away(self, manifest: Manifest) -> list[str]:
        return [name for name in self._others(manifest) if self.line_to(name) is None]

    # -- an attempt

    def _begin(self, manifest: Manifest, attempt: int) -> None:
        run = (manifest.job, attempt)
        folder = self.config.folder / "work" / folder_name(run)
        running = Running(Child(run, manifest, self.me, folder, self._line), manifest)
        running.child.on_progress = partial(setattr, running, "share")
        self.running[manifest.job] = running
        self._again.discard(manifest.job)
        running.task = self._start(self._attempt(running, attempt))

    async def _attempt(self, running: Running, attempt: int) -> None:
        job = running.manifest.job
        self.log.info("job begins", job=str(job), kind=running.manifest.kind, attempt=attempt)
        through = asyncio.ensure_future(self._through(running, attempt))
        try:
            async with asyncio.timeout(self.config.limits.job_seconds):
                await _first(through, running)
            self.log.info("job done", job=str(job), attempt=attempt)
        except TimeoutError:
            seconds = int(self.config.limits.job_seconds)
            running.fail(user_error("PRV-JOB-LATE", self.me, seconds=seconds), ours=True)
        except UserError as error:
            running.fail(error, ours=True)
        except asyncio.CancelledError:
            running.fail(user_error("PRV-STOPPED", self.me), ours=True)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not leave others waiting
            self.log.error("mistake", job=str(job), error=type(error).__name__)  # noqa: TRY400 - words may hold data
            running.fail(user_error("PRV-WORKER", self.me, detail=type(error).__name__), ours=True)
        await self._closed(running, through, attempt)

    async def _closed(self, running: Running, through: asyncio.Future[None], attempt: int) -> None:
        """After an attempt: nothing of it stays, and the others are told what they don't know."""
        job, error = running.manifest.job, running.fault
        if error is not None and running.ours:
            self._tell(running.manifest, about="failed", attempt=attempt, code=error.code, where=error.where)
        through.cancel()
        await asyncio.gather(through, return_exceptions=True)
        await running.child.end()
        for name in self._others(running.manifest):
            if (line := self.line_to(name)) is not None:
                line.forget((job, attempt))
        if error is not None:
            await self._failed(job, error)
        del self.running[job]
        self._ended[job, attempt] = None
        while len(self._ended) > RUNS_AT_MOST:
            del self._ended[next(iter(self._ended))]
        self._look_now.set()

    async def _through(self, running: Running, attempt: int) -> None:
        manifest, others = running.manifest, self._others(running.manifest)
        leads = manifest.made_by == self.me
        self._check_pins(manifest)
        begun = await self._asked(lambda: self.desk.begin(manifest.job, attempt))
        if leads:  # only now, so that its count of attempts is never behind the others'
            self._tell(manifest, about="prepare", attempt=attempt)
        await running.child.start(self.config, begun)
        if leads:
            async with asyncio.timeout(PREPARE_SECONDS):
                await running.until(running.prepared, others)
            self._tell(manifest, about="start", attempt=attempt)
        else:
            self._tell_one(manifest.made_by, about="prepared", job=manifest.job, attempt=attempt)
            await running.started.wait()
        result, transcript = await running.child.through()
        self._tell(manifest, about="done", attempt=attempt)
        await running.until(running.done, others)
        await self._asked(lambda: self.desk.finish(manifest.job, result, transcript))

    def _check_pins(self, manifest: Manifest) -> None:
        """The manifest's certificates must be those that the lines are pinned to. Raises PRV-PIN."""
        pins = {name: told.fingerprint for name, told in self.config.certificates.items()}
        pins[self.me] = self.config.own_certificate.fingerprint
        for party in manifest.parties:
            if party.name not in pins:
                fail("PRV-PEER-UNKNOWN", party.name)
            if pins[party.name] != party.certificate:
                fail("PRV-PIN", party.name, party=party.name)

    # -- what lines tell (relay.Events)

    def up(self, line: Line) -> None:
        """A line stands: everything is told anew."""
        self._said = {key: mark for key, mark in self._said.items() if key[0] != line.peer}
        self._look_now.set()

    def down(self, line: Line, error: UserError) -> None:
        """A line has gone: the jobs with that party fail."""
        self.log.warning("line down", peer=line.peer, code=error.code)
        for running in self.running.values():
            if line.peer in running.manifest.names:
                running.fail(user_error("PRV-PEER-LOST", line.peer), ours=True)

    def part(self, peer: str, run: Run, part: bytes) -> bool:
        """A part of a message for a job's worker."""
        running = self.running.get(run[0])
        if running is None or running.child.run != run or peer not in running.manifest.names:
            return False
        try:
            check_size(part, peer, self.config.limits.message_bytes)
        except UserError as error:
            running.fail(error, ours=True)
        running.child.inbox.put_nowait((peer, part))
        return True

    def control(self, peer: str, message: Any) -> None:  # noqa: ANN401 - JSON, checked here
        """A message of another node. Raises UserError PRV-FRAME."""
        try:
            told = Told.model_validate(message)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise user_error("PRV-FRAME", peer, detail=f"control: {first['msg']}") from error
        if len(self._tasks) > TASKS_AT_MOST:
            fail("PRV-FRAME", peer, detail="too many control messages")
        if told.about in ("job", "refused"):
            self._start(self._heard(peer, told))
        elif told.about == "prepare":
            self._start(self._prepare(peer, told))
        else:
            self._moved(peer, told)

    async def _heard(self, peer: str, told: Told) -> None:
        try:
            manifest = read_manifest(told.manifest.encode(), peer)
            if peer not in manifest.names or self.me not in manifest.names:
                fail("PRV-MANIFEST", str(manifest.job), detail=f"{peer}: not a party")
            await self._asked(lambda: self.desk.heard(manifest, told.signatures, told.receipts))
            if told.about == "refused":
                await self._asked(lambda: self.desk.refused(manifest.job, peer, told.code))
        except UserError as error:
            self.log.warning("job not taken", peer=peer, job=str(told.job), code=error.code, en=error.what.en)
        self._look_now.set()

    async def _prepare(self, peer: str, told: Told) -> None:
        """The maker of a job asks to begin an attempt."""
        if told.job in self.running or (told.job, told.attempt) in self._ended:
            return
        if told.job not in self._known:
            await self._look()
        standing = self._known.get(told.job)
        if standing is None or standing.manifest.made_by != peer or told.job in self.running:
            self._tell_one(peer, about="failed", job=told.job, attempt=told.attempt, code="PRV-MANIFEST")
        elif self._full(GUESTS * self.config.limits.jobs_at_once):
            self._tell_one(peer, about="failed", job=told.job, attempt=told.attempt, code="PRV-BUSY")
        else:
            self._begin(standing.manifest, told.attempt)

    def _moved(self, peer: str, told: Told) -> None:
        running, known = self.running.get(told.job), self._known.get(told.job)
        if known is None or peer not in known.manifest.names:
            return
        if running is None or running.child.run[1] != told.attempt:
            if told.about == "failed" and running is None and (told.job, told.attempt) not in self._ended:
                self._start(self._failed(told.job, _elsewhere(peer, told)))  # before it began here
            elif told.about == "again" and known.state == "failed":
                self._again.add(told.job)
                self._look_now.set()
            return
        if told.about == "prepared":
            running.prepared.add(peer)
        elif told.about == "done":
            running.done.add(peer)
        elif told.about == "start" and peer == running.manifest.made_by:
            running.started.set()
        elif told.about == "failed":
            running.fail(_elsewhere(peer, told), ours=running.manifest.made_by == self.me)
        running.moved.set()

    # -- small parts

    def status(self) -> dict[str, Any]:
        """The jobs that run: for the status file."""
        return {
            str(job): {"kind": r.manifest.kind, "attempt": r.child.run[1], "progress": round(r.share, 2)}
            for job, r in self.running.items()
        } | {
            str(job): {"kind": s.manifest.kind, "waits_for": away}
            for job, s in self._known.items()
            if s.state == "ready" and (away := self._away(s.manifest)) and job not in self.running
        }

    def _tell(self, manifest: Manifest, **what: Any) -> None:  # noqa: ANN401 - fields of Told
        for name in self._others(manifest):
            self._tell_one(name, job=manifest.job, **what)

    def _tell_one(self, name: str, **what: Any) -> None:  # noqa: ANN401 - as above
        line = self.line_to(name)
        if line is not None:
            line.control(Told(**what).model_dump(mode="json"))

    def _line(self, name: str) -> Line | None:
        return self.line_to(name)

    def _others(self, manifest: Manifest) -> tuple[str, ...]:
        return tuple(name for name in manifest.names if name != self.me)

    async def _failed(self, job: UUID, error: UserError) -> None:
        self.log.warning("job failed", job=str(job), code=error.code, where=error.where, zh=error.what.zh)
        with contextlib.suppress(UserError):
            await self._asked(lambda: self.desk.fail(job, error))

    async def _asked(self, question: Callable[[], T]) -> T:
        """One call to the agreement, in its own thread and in order."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _stop(self) -> None:
        for running in self.running.values():
            running.fail(user_error("PRV-STOPPED", self.me), ours=True)
        await asyncio.gather(*list(self._tasks), return_exceptions=True)
        self._thread.shutdown()


def folder_name(run: Run) -> str:
    """Of an attempt's folder: short, for sockets in it, and of the whole id, which another party chose."""
    job, attempt = run
    return f"{digest(job.bytes)[:16]}-{attempt}"


async def _first(through: asyncio.Future[None], running: Running) -> None:
    """Wait for the attempt's end or its first fault. Raises the fault."""

    async def faulted() -> None:
        while True:
            await running.wait()

    fault = asyncio.ensure_future(faulted())
    try:
        await asyncio.wait([through, fault], return_when=asyncio.FIRST_COMPLETED)
        if through.done():
            through.result()
        else:
            fault.result()
    finally:
        fault.cancel()
        await asyncio.gather(fault, return_exceptions=True)


def _elsewhere(peer: str, told: Told) -> UserError:
    """Another party's failure as this one shows it: a lost party by its name, others by whose they are."""
    if told.code == "PRV-PEER-LOST" and told.where:
        return user_error("PRV-PEER-LOST", told.where[:32])
    if told.code == "PRV-STOPPED":
        return user_error("PRV-STOPPED", peer)
    code = told.code if told.code in wording() else "?"
    return user_error("PRV-ELSEWHERE", peer, told=code)
