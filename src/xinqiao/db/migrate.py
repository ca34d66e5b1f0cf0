"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from procrastinate.schema import SchemaManager

from xinqiao.kernel.errors import fail

LOCK = 7_301_994_411
"""Advisory lock: two processes that start at once migrate one after the other."""
FOLDER = files("xinqiao").joinpath("db", "migrations")


@dataclass(frozen=True, slots=True)
class Migration:
    """A file ``NNNN_name.sql``."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations in order; the first numbers are the oldest."""
    found = [p for p in FOLDER.iterdir() if p.name.endswith(".sql")]
    out = [
        Migration(int(p.name[:4]), p.name[5:-4], p.read_text("utf-8"))
        for p in sorted(found, key=lambda p: p.name)
    ]
    if len({m.number for m in out}) != len(out):
        message = "two migrations have one number"
        raise ValueError(message)
    return out


def migrate(owner_dsn: str) -> list[str]:
    """Bring a database to this version; returns the names applied now.

    Raises UserError DB-MIGRATION where an applied file has changed or the database is newer.
    """
    applied = []
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, name text NOT NULL, "
            "digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        if connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() == (None,):
            with connection.transaction():
                connection.execute(SchemaManager.get_schema().encode())
            applied.append("jobs")
        done: dict[int, str] = dict(connection.execute("SELECT number, digest FROM migration").fetchall())
        known = migrations()
        if newer := set(done) - {m.number for m in known}:
            fail("DB-MIGRATION", f"migration {max(newer)}", detail="the database is newer than this version")
        for migration in known:
            if migration.number in done:
                if done[migration.number] != migration.digest:
                    fail(
                        "DB-MIGRATION",
                        f"{migration.number:04} {migration.name}",
                        detail="changed since applied",
                    )
                continue
            with connection.transaction():
                connection.execute(migration.text.encode())
                connection.execute(
                    "INSERT INTO migration (number, name, digest) VALUES (%s, %s, %s)",
                    [migration.number, migration.name, migration.digest],
                )
            applied.append(migration.name)
    return applied
