"""The platform as a running server: database, jobs and HTTP in one process."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from xinqiao.consent import deployment
from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, new_key
from xinqiao.kernel.writing import write_whole
from xinqiao.lending.chance import usual_chances
from xinqiao.lending.product import catalog_products
from xinqiao.portal.app import create_app
from xinqiao.portal.authentication import authenticate
from xinqiao.portal.platform import Platform

KEYS = "XINQIAO_KEYS"
"""Environment variable with the key ring of personal numbers (kernel.protect); a file where absent."""
GENERATED = "GENERATED"
"""A file in the platform's folder: what it holds is generated, and every page says so ever after."""
OWNER_DSN = "XINQIAO_OWNER_DSN"
DSN = "XINQIAO_DSN"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and what people type to reach it."""

    host: str
    port: int
    public: str | None = None

    @property
    def url(self) -> str:
        """The address people type."""
        return self.public or f"http://{self.host}:{self.port}"


@contextlib.contextmanager
def opened(home: Path, address: Address, *, generated: bool = False) -> Iterator[Platform]:
    """The platform of the folder ``home``, its database (embedded, or XINQIAO_DSN's) up and migrated."""
    home.mkdir(parents=True, exist_ok=True)
    marker = home / GENERATED
    if generated:
        marker.touch()
    with contextlib.ExitStack() as stack:
        access = _access(stack, home)
        migrate(access.owner)
        database = stack.enter_context(Database(access.app))
        with database.transaction(SYSTEM) as tx:
            deployment.begin(tx, deployment.of_environment())
        yield Platform(
            database,
            _keyring(home),
            authenticate,
            home,
            address.url,
            generated=marker.exists(),
            secure=address.url.startswith("https:"),
        )


def _access(stack: contextlib.ExitStack, home: Path) -> Access:
    app, owner = os.environ.get(DSN), os.environ.get(OWNER_DSN)
    if app and owner:
        return Access(owner=owner, app=app)
    if app or owner:
        fail("API-DSN", f"{DSN}, {OWNER_DSN}")
    return stack.enter_context(Embedded(home / "db").running())


def _keyring(home: Path) -> Keyring:
    if os.environ.get(KEYS):
        return Keyring.of_environment(KEYS)
    path = home / "keys.json"
    if not path.exists():
        told = {"current": "k1", "keys": {"k1": base64.b64encode(new_key()).decode()}}
        write_whole(path, json.dumps(told).encode(), 0o600)
    return Keyring.read(path)


def run(platform: Platform, address: Address) -> None:
    """Serve until stopped (Ctrl-C or SIGTERM). Raises UserError API-PORT where the port is taken."""
    for load in (indicators, catalog_products, usual_chances):  # nobody's first page waits for the catalog
        load()
    try:
        listener = socket.create_server((address.host, address.port), backlog=512)
    except OSError as error:
        fail("API-PORT", f"{address.host}:{address.port}", detail=error.strerror or str(error))
    config = uvicorn.Config(
        create_app(platform),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
    )
    with jobs.working(platform.database, platform.keyring), listener:
        uvicorn.Server(config).run(sockets=[listener])
