"""What every test starts from: no deadline on properties, no trace of test runs in the user's home."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from xinqiao.account import person, sign_in
from xinqiao.db.database import Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate

CHROMIUM = Path("/usr/bin/chromium")
COSTLY = person.passwords
"""How the product hashes passwords; nearly all tests hash at the least cost."""

# the machine that runs the tests is shared: how long an example takes says nothing about the product
settings.register_profile("xinqiao", deadline=None)
settings.load_profile("xinqiao")


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs are remembered (policy.runs) in a folder of this session, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
    # a cluster of root's lives outside pytest's own folders, which say where
    for where in tmp_path_factory.getbasetemp().rglob("WHERE"):
        shutil.rmtree(where.read_text("utf-8").strip(), ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _passwords_at_little_cost() -> Iterator[None]:
    """Argon2id of the least cost: a sign-in costs no third of a second."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        for module in (person, sign_in):
            patch.setattr(module, "passwords", lambda: cheap)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; skips, saying so, where XINQIAO_DATA does not name one."""
    root = os.environ.get("XINQIAO_DATA")
    if not root:
        pytest.skip("XINQIAO_DATA is not set: no real data")
    return Path(root)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A real Chromium; the only one, since two drivers don't live in one process."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def _no_loop_of_the_browsers(request: pytest.FixtureRequest) -> Iterator[None]:
    """The browser's driver leaves its event loop running in this thread; other tests run their own."""
    loop = None if "browser" in request.fixturenames else asyncio._get_running_loop()
    if loop is not None:
        asyncio._set_running_loop(None)
    yield
    if loop is not None:
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """A real PostgreSQL of this test process, its database migrated and kept as the template of others."""
    with Embedded(tmp_path_factory.mktemp("postgres")).running() as access:
        migrate(access.owner)
        yield access


_NUMBERS = itertools.count()


@pytest.fixture
def access(server: Access) -> Iterator[Access]:
    """A database of the test's own, migrated and empty."""
    name = f"test_{next(_NUMBERS)}"
    postgres = make_conninfo(server.owner, dbname="postgres")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {conninfo_to_dict(server.owner)['dbname']}")
        yield Access(make_conninfo(server.owner, dbname=name), make_conninfo(server.app, dbname=name))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(access: Access) -> Iterator[Database]:
    """``access`` opened as the product opens it."""
    with Database(access.app, size=8) as database:
        yield database
