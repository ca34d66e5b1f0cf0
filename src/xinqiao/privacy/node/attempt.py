"""One attempt at a job, at one party: prepare, start, be done or fail, the same at all parties.

The party that made the manifest leads: it asks all to ``prepare`` (read their data, start their workers) and
lets them ``start`` when all have. A result is kept only when all are ``done``; what fails at one fails at
all, and nothing of it stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.node.child import Child
from xinqiao.privacy.node.line import Run
from xinqiao.privacy.node.post import Post, Told, elsewhere

PREPARE_SECONDS = 300.0


class Attempt:
    """An attempt under way here. ``share``: how far it is, between 0 and 1."""

    def __init__(self, post: Post, manifest: Manifest, number: int) -> None:
        self.post, self.manifest = post, manifest
        self.run: Run = (manifest.job, number)
        self.fault: UserError | None = None
        self.share = 0.0
        folder = post.config.folder / "work" / folder_name(self.run)
        self.child = Child(self.run, manifest, post.me, folder, post.line)
        self.child.on_progress = self._progress
        self._leads = manifest.made_by == post.me
        self._started, self._moved = asyncio.Event(), asyncio.Event()
        self._prepared: set[str] = set()
        self._done: set[str] = set()
        self._telling: dict[str, str] | None = None

    def fail(self, error: UserError) -> None:
        """A fault of this side's: the first fault ends the attempt, and the others are told."""
        where = error.where if error.code == "PRV-PEER-LOST" else ""  # a party's name; else it may be a path
        self._fail(error, {"code": error.code, "where": where})

    def heard(self, peer: str, told: Told) -> None:
        """What another party has to say of this attempt."""
        if told.about == "prepared":
            self._prepared.add(peer)
        elif told.about == "done":
            self._done.add(peer)
        elif told.about == "start" and peer == self.manifest.made_by:
            self._started.set()
        elif told.about == "failed":  # who leads tells on: not all may have heard, or have begun by then
            again = {"code": told.code, "where": told.where, "at": peer} if self._leads else None
            self._fail(elsewhere(peer, told, self.manifest), again)
        self._moved.set()

    async def go(self) -> None:
        """To its end, whichever it is; nothing of it is left then but a result that is kept."""
        job, number = self.run
        log = self.post.log.bind(job=str(job), attempt=number)
        log.info("job begins", kind=self.manifest.kind)
        through = asyncio.ensure_future(self._through())
        try:
            async with asyncio.timeout(self.post.config.limits.job_seconds):
                await self._first(through)
            log.info("job done")
        except TimeoutError:
            seconds = int(self.post.config.limits.job_seconds)
            self.fail(user_error("PRV-JOB-LATE", self.post.me, seconds=seconds))
        except UserError as error:
            self.fail(error)
        except asyncio.CancelledError:
            self.fail(user_error("PRV-STOPPED", self.post.me))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not leave others waiting
            log.error("mistake", error=type(error).__name__)  # noqa: TRY400 - words may hold data
            self.fail(user_error("PRV-WORKER", self.post.me, detail=type(error).__name__))
        await self._close(through)

    async def _through(self) -> None:
        job, number = self.run
        post, manifest = self.post, self.manifest
        self._check_pins()
        begun = await post.asked(lambda: post.desk.begin(job, number))
        if self._leads:  # only now, so that its count of attempts is never behind the others'
            post.tell(manifest, about="prepare", attempt=number)
        await self.child.start(post.config, begun)
        if self._leads:
            await self._all_prepared()
            post.tell(manifest, about="start", attempt=number)
        else:
            post.tell_one(manifest.made_by, about="prepared", job=job, attempt=number)
            await self._started.wait()
        result, transcript = await self.child.through()
        post.tell(manifest, about="done", attempt=number)
        await self._until(self._done, post.others(manifest))
        await post.asked(lambda: post.desk.finish(job, result, transcript))

    async def _all_prepared(self) -> None:
        others = self.post.others(self.manifest)
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                await self._until(self._prepared, others)
        except TimeoutError:
            fail("PRV-LATE", ", ".join(sorted(set(others) - self._prepared)), seconds=int(PREPARE_SECONDS))

    async def _close(self, through: asyncio.Future[None]) -> None:
        """Nothing of it stays, and the others are told what they don't know."""
        (job, number), error = self.run, self.fault
        if self._telling is not None:
            self.post.tell(self.manifest, about="failed", attempt=number, **self._telling)
        through.cancel()
        await asyncio.gather(through, return_exceptions=True)
        await self.child.end()
        for name in self.post.others(self.manifest):
            if (line := self.post.line_to(name)) is not None:
                line.forget(self.run)
        if error is not None:
            await self.post.failed(job, error)

    def _check_pins(self) -> None:
        """The manifest's certificates must be those that the lines are pinned to. Raises PRV-PIN."""
        config = self.post.config
        pins = {name: told.fingerprint for name, told in config.certificates.items()}
        pins[self.post.me] = config.own_certificate.fingerprint
        for party in self.manifest.parties:
            if party.name not in pins:
                fail("PRV-PEER-UNKNOWN", party.name)
            if pins[party.name] != party.certificate:
                fail("PRV-PIN", party.name, party=party.name)

    def _fail(self, error: UserError, telling: dict[str, str] | None) -> None:
        if self.fault is None:
            self.fault, self._telling = error, telling
            self._moved.set()

    def _progress(self, share: float) -> None:
        self.share = share

    async def _until(self, names: set[str], among: Iterable[str]) -> None:
        """Wait until all ``among`` are in ``names``. Raises the fault."""
        while not names.issuperset(among):
            await self._wait()

    async def _wait(self) -> None:
        """Until something moves. Raises the fault."""
        if self.fault is None:
            await self._moved.wait()
            self._moved.clear()
        if self.fault is not None:
            raise self.fault

    async def _first(self, through: asyncio.Future[None]) -> None:
        """Wait for the end or the first fault. Raises the fault."""

        async def faulted() -> None:
            while True:
                await self._wait()

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


def folder_name(run: Run) -> str:
    """Of an attempt's folder: short, for sockets in it, and of the whole id, which another party chose."""
    job, number = run
    return f"{digest(job.bytes)[:16]}-{number}"
