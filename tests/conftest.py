"""What every test starts from: no deadline on properties, no trace of test runs in the user's home."""

from __future__ import annotations

import asyncio
import contextlib
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
from xinqiao.db import embedded
from xinqiao.db.database import Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate

CHROMIUM = Path("/usr/bin/chromium")
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of this process's own in it
MEMORY_BYTES = 4 << 30
"""A database has 14 MB in 1,600 files: half a second on a disk."""
OURS = "xinqiao-tests-"
PASSING = {"fsync": "off", "full_page_writes": "off", "min_wal_size": "32MB", "max_wal_size": "64MB"}
"""Settings of a server whose data may be lost."""
COSTLY = person.passwords
"""How the product hashes passwords; nearly all tests hash at the least cost."""

# the machine that runs the tests is shared: how long an example takes says nothing about the product
settings.register_profile("xinqiao", deadline=None)
settings.load_profile("xinqiao")


LONGEST = (
    "indicator/test_engine",
    "cli/test_real_strategy",
    "cli/test_run",
    "cli/test_kill",
    "portal/test_kill",
    "cli/test_real_data",
    "indicator/test_as_of",
)
"""Begun first: a run ends with its last file, which must not be one that takes minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, then those with slow tests; within a file nothing moves."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    places = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (places.get(item.path, len(places)), item.path not in slow))


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
    """A real PostgreSQL of this test process, its database migrated and kept as the template of others.

    It ends with the tests, so it lives in memory and waits for no disk.
    """
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(_in_memory()) or tmp_path_factory.mktemp("postgres")
        with pytest.MonkeyPatch.context() as patch:  # of this server alone: others are killed by tests
            for name, value in PASSING.items():
                patch.setitem(embedded.SETTINGS, name, value)
            access = stack.enter_context(Embedded(root).running())
        migrate(access.owner)
        yield access


@contextlib.contextmanager
def _in_memory() -> Iterator[Path | None]:
    """A folder in memory, gone at the end; None where there is not enough of it."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        yield None
        return
    for left in MEMORY.glob(f"{OURS}*"):  # by test processes that were killed
        if not Path("/proc", left.name.removeprefix(OURS)).exists():
            shutil.rmtree(left, ignore_errors=True)
    root = MEMORY / f"{OURS}{os.getpid()}"
    root.mkdir(mode=0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def keeper(server: Access) -> Iterator[psycopg.Connection]:
    """A connection that makes databases and takes them away."""
    with psycopg.connect(make_conninfo(server.owner, dbname="postgres"), autocommit=True) as connection:
        yield connection


_NUMBERS = itertools.count()


@pytest.fixture
def access(server: Access, keeper: psycopg.Connection) -> Iterator[Access]:
    """A database of the test's own, migrated and empty."""
    name, template = f"test_{next(_NUMBERS)}", conninfo_to_dict(server.owner)["dbname"]
    keeper.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield Access(make_conninfo(server.owner, dbname=name), make_conninfo(server.app, dbname=name))
    keeper.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(access: Access) -> Iterator[Database]:
    """``access`` opened as the product opens it."""
    with Database(access.app, size=8) as database:
        yield database
