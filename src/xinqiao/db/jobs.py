"""Jobs and timers: Procrastinate's queue in our own database.

A job is deferred in the transaction that needs it, so it is there exactly when that transaction is.
A package declares its jobs on ``app``; each takes ``database`` and plain JSON values, opens its own
transaction and can be run twice without harm (a killed worker's job is run again).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import procrastinate
import psycopg
from procrastinate.job_context import JobContext
from procrastinate.jobs import JobDeferrer
from procrastinate.manager import JobManager
from psycopg_pool import PoolTimeout

from xinqiao.db.database import Database, Tx
from xinqiao.kernel.protect import Keyring

STALLED_SECONDS = 12
"""A worker without a sign of life for so long is dead, and its jobs are run again."""
AGAIN_SECONDS = 1
Job = Callable[..., None]

app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
_DEFERRING = JobManager(procrastinate.SyncPsycopgConnector())
"""Defers in transactions of ours, also while a worker has given ``app`` its own connections."""


def job(name: str, *, retries: int = 20, keys: bool = False) -> Callable[[Job], Job]:
    """Declare ``function(database, **args)`` as the job ``name``; retried with growing pauses.

    ``keys``: the worker's key ring comes as the argument ``ring`` (see ``working``).
    """
    wait = procrastinate.RetryStrategy(max_attempts=retries, exponential_wait=2)

    def declare(function: Job) -> Job:
        def run(context: JobContext, /, **args: Any) -> None:  # noqa: ANN401 - whatever was deferred
            function(context.additional_context["database"], **args, **_ring(context, keys))

        app.task(name=name, pass_context=True, retry=wait)(run)
        return function

    return declare


def every(cron: str, name: str, *, keys: bool = False) -> Callable[[Job], Job]:
    """Declare ``function(database)`` as a timer by a cron line in UTC; ``keys`` as of ``job``."""

    def declare(function: Job) -> Job:
        def run(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - Procrastinate tells it
            function(context.additional_context["database"], **_ring(context, keys))

        task = app.task(name=name, pass_context=True, queueing_lock=name)(run)
        app.periodic(cron=cron)(task)
        return function

    return declare


def _ring(context: JobContext, keys: bool) -> dict[str, Keyring]:  # noqa: FBT001 - as declared
    return {"ring": context.additional_context["ring"]} if keys else {}


def defer(tx: Tx, name: str, *, at: datetime | None = None, lock: str | None = None, **args: Any) -> None:  # noqa: ANN401 - JSON
    """Queue the job ``name`` in the transaction ``tx``, at once or ``at`` a time.

    Jobs with one ``lock`` run one after the other.
    """
    deferrer: JobDeferrer = app.configure_task(name, connection=tx, schedule_at=at, lock=lock)
    deferrer.job_manager = _DEFERRING
    deferrer.defer(**args)


@contextlib.contextmanager
def working(database: Database, ring: Keyring | None = None, *, concurrency: int = 4) -> Iterator[None]:
    """A worker in a thread of this process, for as long as the block lasts.

    It begins anew when the database was away. ``ring`` is for jobs that sign or read what is sealed; without
    one they fail and are tried again.
    """
    context = {"database": database} | ({} if ring is None else {"ring": ring})
    worker = _Worker(database.dsn, concurrency, context)
    thread = threading.Thread(target=worker.run, name="jobs", daemon=True)
    thread.start()
    worker.started.wait(30)
    try:
        yield
    finally:
        worker.stop()
        thread.join(20)


class _Worker:
    """Procrastinate's worker, kept going through losses of the database."""

    def __init__(self, dsn: str, concurrency: int, context: dict[str, Any]) -> None:
        self.dsn, self.concurrency, self.context = dsn, concurrency, context
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.main: asyncio.Task[None] | None = None

    def run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self._keep_on())
        self.loop.close()

    def stop(self) -> None:
        if self.main is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self.loop.call_soon_threadsafe(self.main.cancel)

    async def _keep_on(self) -> None:
        self.main = asyncio.current_task()
        while True:
            try:
                await self._work()
            except (psycopg.Error, PoolTimeout, procrastinate.exceptions.ConnectorException):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _work(self) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self.dsn, min_size=1, max_size=self.concurrency + 2
        )
        # timers belong to ``app`` itself, so it is ``app`` that must get the worker's connections
        with app.replace_connector(connector):
            async with app.open_async() as opened:
                self.started.set()
                again = asyncio.create_task(_retry_stalled(opened))
                try:
                    await opened.run_worker_async(
                        concurrency=self.concurrency,
                        install_signal_handlers=False,
                        additional_context=self.context,
                        fetch_job_polling_interval=1,
                        shutdown_graceful_timeout=10,
                        delete_jobs="successful",
                        update_heartbeat_interval=STALLED_SECONDS / 4,
                    )
                finally:
                    again.cancel()


async def _retry_stalled(opened: procrastinate.App) -> None:
    """Jobs whose worker was killed are run again."""
    while True:
        for found in await opened.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            await opened.job_manager.retry_job(found)
        await asyncio.sleep(STALLED_SECONDS / 2)
