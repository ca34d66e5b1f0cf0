"""What a node's gossip and attempts share: the agreement asked in order, control messages, tasks.

A control message (``Told``) is what one node has to say of a job to another: ``node.gossip`` of jobs that
wait, ``node.attempt`` of those that run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from structlog.typing import FilteringBoundLogger

from xinqiao.kernel.errors import UserError, user_error, wording
from xinqiao.privacy.agreement.config import Config
from xinqiao.privacy.agreement.desk import Desk
from xinqiao.privacy.job.manifest import Manifest, Name
from xinqiao.privacy.node.line import Line

T = TypeVar("T")
MANIFEST_AT_MOST = 1 << 19
TASKS_AT_MOST = 200
"""Control messages being answered: a line is read on when there are fewer."""


_NAME = r"^[a-z0-9_-]{0,32}$"


class Told(BaseModel):
    """A control message between nodes.

    ``code``: of an error. ``where``: the party that was lost. ``at``: where it failed, if not at who tells.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: Literal["job", "refused", "prepare", "prepared", "start", "failed", "done", "again"]
    job: UUID
    attempt: int = Field(default=0, ge=0, le=255)
    manifest: str = Field(default="", max_length=MANIFEST_AT_MOST)
    signatures: dict[Name, str] = Field(default_factory=dict)
    receipts: dict[Name, str] = Field(default_factory=dict)
    code: str = Field(default="", pattern=r"^[A-Z0-9-]{0,32}$")
    where: str = Field(default="", pattern=_NAME)
    at: str = Field(default="", pattern=_NAME)


def read_told(message: Any, peer: str) -> Told:  # noqa: ANN401 - JSON, checked here
    """A control message of ``peer``. Raises UserError PRV-FRAME."""
    try:
        return Told.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise user_error("PRV-FRAME", peer, detail=f"control: {first['msg']}") from error


def elsewhere(peer: str, told: Told, manifest: Manifest) -> UserError:
    """Another party's failure as this one shows it: a lost party by its name, others by whose they are.

    Only who made the job's manifest may tell of a third party's.
    """
    if told.code == "PRV-PEER-LOST" and told.where in manifest.names:
        return user_error("PRV-PEER-LOST", told.where)
    if peer == manifest.made_by and told.at in manifest.names:
        peer = told.at
    if told.code == "PRV-STOPPED":
        return user_error("PRV-STOPPED", peer)
    code = told.code if told.code in wording() else "?"
    return user_error("PRV-ELSEWHERE", f"{peer}: {code}", told=code)


class Post:
    """A node's way to its agreement (``desk``) and to the other nodes (``line_to``)."""

    def __init__(self, config: Config, desk: Desk, log: FilteringBoundLogger) -> None:
        self.config, self.desk, self.log = config, desk, log
        self.me = config.name
        self.line_to: Callable[[str], Line | None] = lambda _: None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    def line(self, name: str) -> Line | None:
        """The line that stands with a party now."""
        return self.line_to(name)

    async def asked(self, question: Callable[[], T]) -> T:
        """One call to the agreement, in its own thread and in order."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    def others(self, manifest: Manifest) -> tuple[str, ...]:
        """The parties besides this one."""
        return tuple(name for name in manifest.names if name != self.me)

    def away(self, manifest: Manifest) -> list[str]:
        """Those that no line stands with."""
        return [name for name in self.others(manifest) if self.line_to(name) is None]

    def tell(self, manifest: Manifest, **what: Any) -> None:  # noqa: ANN401 - fields of Told
        """Tell every other party of the job."""
        for name in self.others(manifest):
            self.tell_one(name, job=manifest.job, **what)

    def tell_one(self, name: str, **what: Any) -> None:  # noqa: ANN401 - as above
        """Tell one, if a line stands."""
        line = self.line_to(name)
        if line is not None:
            line.control(Told(**what).model_dump(mode="json"))

    async def failed(self, job: UUID, error: UserError) -> None:
        """Keep why a job failed; nothing where it does not run or wait to run."""
        self.log.warning("job failed", job=str(job), code=error.code, where=error.where, zh=error.what.zh)
        with contextlib.suppress(UserError):
            await self.asked(lambda: self.desk.fail(job, error))

    def start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """A task of the node's own, waited for at its end."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("mistake", error=type(error).__name__)  # its words may hold data

    async def room(self) -> None:
        """Wait while too much is under way: who has much to tell is not read faster than heard."""
        while len(self._tasks) > TASKS_AT_MOST:
            self._freed.clear()
            await self._freed.wait()

    async def close(self) -> None:
        """Wait for what is under way, then ask nothing more."""
        await asyncio.gather(*list(self._tasks), return_exceptions=True)
        self._thread.shutdown()
