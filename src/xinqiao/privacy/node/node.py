"""A party's node as a process: its database, its lines to the peers and its jobs, until it is stopped.

The folder ``home`` holds ``state`` (kept between jobs of a deployment), ``work`` (a folder a job, removed
after; emptied at start) and ``status.json`` (how it stands with each peer). The log is lines of JSON
without identifiers, values or keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from structlog.typing import FilteringBoundLogger

from xinqiao.db.database import Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, wording
from xinqiao.kernel.writing import write_whole
from xinqiao.privacy.agreement.config import Config
from xinqiao.privacy.agreement.desk import Desk
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.node.control import Control
from xinqiao.privacy.node.relay import Relay

STATUS_SECONDS = 1.0


def institution_of(config: Config) -> UUID:
    """The institution whose rows the party's are: as configured, else made of its name."""
    return config.institution or uuid5(NAMESPACE_URL, f"xinqiao:party:{config.name}")


@contextlib.contextmanager
def opened_database(config: Config) -> Iterator[Database]:
    """The party's database, migrated: the one of ``dsn``, else one of its own in ``home``."""
    with contextlib.ExitStack() as stack:
        if config.dsn is not None and config.owner_dsn is not None:
            access = Access(owner=config.owner_dsn, app=config.dsn)
        else:
            access = stack.enter_context(Embedded(config.folder / "db").running())
        migrate(access.owner)
        yield stack.enter_context(Database(access.app, size=4))


def opened_store(config: Config, database: Database) -> Store:
    """The party's agreement in its database, for the node and for the command line."""
    return Store(
        database,
        institution_of(config),
        config.identity(),
        config.policy(),
        config.folder / "state",
        own_log=config.dsn is None,
    )


def serve(config: Config) -> None:
    """Run the node until SIGTERM or Ctrl-C. Raises UserError PRV-PORT, PRV-CONFIG, PRV-CERT-EXPIRED."""
    config.own_certificate.check_date(str(config.path(config.certificate)))
    with _alone(config.folder), opened_database(config) as database:
        work = config.folder / "work"
        shutil.rmtree(work, ignore_errors=True)  # of a node that was killed
        work.mkdir(mode=0o700)
        store = opened_store(config, database)
        log = logger(config.name)
        asyncio.run(run(config, store, log))
        log.info("stopped")


async def run(config: Config, desk: Desk, log: FilteringBoundLogger) -> None:
    """Lines and jobs, until a signal. Raises UserError PRV-PORT."""
    control = Control(config, desk, log)
    relay = Relay(config, control, log)
    control.post.line_to = relay.line
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await asyncio.to_thread(wording)  # takes a second the first time, which lines could take for silence
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    jobs = asyncio.ensure_future(control.run())
    rest: list[asyncio.Future[None]] = [
        asyncio.ensure_future(relay.run()),
        asyncio.ensure_future(_tell_status(config, relay, control)),
    ]
    ended, _ = await asyncio.wait([stopped, jobs, *rest], return_when=asyncio.FIRST_COMPLETED)
    for task in (jobs, *rest):  # jobs end first, while there are lines to tell the others
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    stopped.cancel()
    for task in ended - {stopped}:
        task.result()


def logger(name: str) -> FilteringBoundLogger:
    """Lines of JSON to standard error."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    ).bind(node=name)
    return log


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One node a folder. Raises UserError PRV-CONFIG."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / ".node").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail("PRV-CONFIG", str(home), detail="another node uses this folder")
        yield


async def _tell_status(config: Config, relay: Relay, control: Control) -> None:
    """Keep ``status.json``: what the pages and the command line show of a node that runs."""
    before: Any = None
    while True:
        told = {"node": config.name, "pid": os.getpid(), "peers": relay.status(), "jobs": control.status()}
        if told != before:
            before = told
            data = json.dumps(told | {"at": now().isoformat()}, ensure_ascii=False, indent=1).encode()
            await asyncio.to_thread(write_whole, config.folder / "status.json", data)
        await asyncio.sleep(STATUS_SECONDS)
