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
from procrastinate.job_context import JobContext
from procrastinate.jobs import JobDeferrer
from procrastinate.manager import JobManager

from xinqiao.db.database import Database, Tx
from xinqiao.kernel.protect import Keyring

STALLED_SECONDS = 30
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

    ``ring`` is for jobs that sign or read what is sealed; without one they fail and are tried again.
    """
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stop: list[asyncio.Task[None]] = []

    async def work() -> None:
        connector = procrastinate.PsycopgConnector(conninfo=database.dsn, max_size=concurrency + 2)
        # timers belong to ``app`` itself, so it is ``app`` that must get the worker's connections
        with app.replace_connector(connector):
            async with app.open_async() as opened:
                await _retry_stalled(opened)
                stop.append(asyncio.current_task())  # type: ignore[arg-type] # there is one: we run in it
                started.set()
                await opened.run_worker_async(
                    concurrency=concurrency,
                    install_signal_handlers=False,
                    additional_context={"database": database} | ({} if ring is None else {"ring": ring}),
                    fetch_job_polling_interval=1,
                    shutdown_graceful_timeout=10,
                    delete_jobs="successful",
                )

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work())
        loop.close()

    thread = threading.Thread(target=run, name="jobs", daemon=True)
    thread.start()
    started.wait(30)
    try:
        yield
    finally:
        for task in stop:
            loop.call_soon_threadsafe(task.cancel)
        thread.join(20)


async def _retry_stalled(opened: procrastinate.App) -> None:
    """Jobs of a worker that was killed are run again."""
    for found in await opened.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await opened.job_manager.retry_job(found)
