"""A transaction and who it is for.

Every statement of the product runs in ``Database.transaction(scope)``; the scope is told to PostgreSQL for
that transaction only, and row-level security compares it with each row (``xq_side()``, ``xq_institution()``,
``xq_company()``, ``xq_person()`` in the migrations). A forgotten WHERE shows nothing of another tenant.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

Side = Literal["public", "enterprise", "bank", "guarantee", "holder", "operator", "regulator", "system"]
Row = dict[str, Any]
Tx = psycopg.Connection[Row]
"""An open transaction, rows as dicts. Services take it first and never commit."""

_SCOPE = (
    "SELECT set_config('xinqiao.side', %s, true), set_config('xinqiao.institution', %s, true), "
    "set_config('xinqiao.company', %s, true), set_config('xinqiao.person', %s, true)"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a transaction is: the side, and there the institution, company and person."""

    side: Side
    institution: UUID | None = None
    company: str | None = None
    person: UUID | None = None

    @property
    def settings(self) -> list[str]:
        """The four values of ``_SCOPE``; an empty text: not told."""
        return [self.side, str(self.institution or ""), self.company or "", str(self.person or "")]


SYSTEM = Scope("system")
"""Work of the platform itself: jobs, sequencing, sign-in, checks and statistics across tenants."""
PUBLIC = Scope("public")


class Database:
    """A pool of connections; ``dsn`` signs in as a role that row-level security holds for."""

    def __init__(self, dsn: str, *, size: int = 20) -> None:
        self.dsn = dsn
        self.pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            dsn, min_size=1, max_size=size, open=False, kwargs={"row_factory": dict_row}, timeout=30
        )

    def open(self) -> None:
        """Connect."""
        self.pool.open(wait=True)

    def close(self) -> None:
        """Give the connections back."""
        self.pool.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self, scope: Scope) -> Iterator[Tx]:
        """One transaction for ``scope``: committed at the end, rolled back on an exception."""
        with self.pool.connection() as connection:
            connection.execute(_SCOPE, scope.settings)
            yield connection


@contextlib.contextmanager
def acting(tx: Tx, scope: Scope) -> Iterator[Tx]:
    """A part of a transaction under another scope (the platform's own checks across tenants), then back."""
    was = tx.execute(
        "SELECT current_setting('xinqiao.side') AS a, current_setting('xinqiao.institution') AS b, "
        "current_setting('xinqiao.company') AS c, current_setting('xinqiao.person') AS d"
    ).fetchone()
    tx.execute(_SCOPE, scope.settings)
    try:
        yield tx
    finally:
        # whoever catches an error of ours goes on as who they were; a failed transaction ends anyway
        if was is not None and tx.info.transaction_status == TransactionStatus.INTRANS:
            tx.execute(_SCOPE, [was["a"], was["b"], was["c"], was["d"]])


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562): sorts by time, so indexes stay dense."""
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10))
    value = (millis & (2**48 - 1)) << 80 | tail
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return UUID(int=value)


def new_token() -> str:
    """256 random bits for a session or a link."""
    return secrets.token_urlsafe(32)
