"""The query log (查询日志): every read with who, when, what and for what; chained so that no line can go.

Readers only add rows and never wait for each other; ``seal`` then gives each row the next number and a
hash over the hash before it and the row's canonical bytes. A row changed, removed or put elsewhere breaks
the chain, and the end of the chain is compared with the head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Row, Tx, new_id
from xinqiao.db.jobs import every
from xinqiao.evidence.log import record
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

LOCK = 7_301_994_430
BATCH = 10_000
START = bytes(32)
_COLUMNS = (
    "q.id, q.at, q.company_id, q.side, q.institution, q.person, q.client, q.reader, q.purpose, q.grants, "
    "q.data_sets"
)


@dataclass(frozen=True, slots=True)
class Query:
    """A read that took place. ``reader``: the name of the person or program."""

    id: UUID
    at: datetime
    company_id: str
    side: str
    institution: UUID | None
    person: UUID | None
    client: str | None
    reader: str
    purpose: str
    grants: tuple[UUID, ...]
    data_sets: tuple[str, ...]


def note(
    tx: Tx, actor: Actor, company_id: str, purpose: str, *, grants: Collection[UUID], sets: Collection[str]
) -> UUID:
    """Write a read down, here and in the evidence log (scope SYSTEM). Returns its id."""
    query, at, listed = new_id(), now(), sorted(sets)
    tx.execute(
        "INSERT INTO query_log (id, at, company_id, side, institution, person, client, reader, purpose, "
        "grants, data_sets) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            query,
            at,
            company_id,
            actor.side,
            actor.institution,
            actor.person,
            actor.client,
            actor.name or actor.client or actor.side,
            purpose,
            sorted(grants),
            listed,
        ],
    )
    body = {"query": str(query), "purpose": purpose, "data_sets": listed, "at": at.isoformat()}
    record(tx, "query", body, subject=company_id, institution=actor.institution)
    return query


def about(tx: Tx, company_id: str, limit: int = 200) -> list[Query]:
    """The latest reads about a firm, as far as the scope may see them."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM query_log q WHERE q.company_id = %s ORDER BY q.at DESC, q.id DESC LIMIT %s",  # noqa: S608 - a constant
        [company_id, limit],
    )
    return [_query(row) for row in rows]


@every("* * * * *", "consent.seal")
def seal_job(database: Database) -> None:
    """Chain the rows of the last minute."""
    with database.transaction(SYSTEM) as tx:
        while seal(tx) == BATCH:
            pass


def seal(tx: Tx) -> int:
    """Give rows that have none their place in the chain (scope SYSTEM). Returns how many."""
    tx.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    head = tx.execute("SELECT number, hash FROM query_head").fetchone() or {"number": 0, "hash": START}
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM query_log q LEFT JOIN query_link l ON l.query = q.id WHERE l.query IS NULL "  # noqa: S608 - a constant
        "ORDER BY q.id LIMIT %s",
        [BATCH],
    ).fetchall()
    number, hashed = head["number"], bytes(head["hash"])
    links = []
    for row in rows:
        number, hashed = number + 1, link(hashed, row)
        links.append((number, row["id"], hashed))
    with tx.cursor() as cursor:
        cursor.executemany("INSERT INTO query_link (number, query, hash) VALUES (%s, %s, %s)", links)
    tx.execute("UPDATE query_head SET number = %s, hash = %s", [number, hashed])
    return len(rows)


def link(before: bytes, row: Row) -> bytes:
    """The hash that chains ``row`` to the hash before it."""
    return hashlib.sha256(before + canonical_json({name: plain(row[name]) for name in sorted(row)})).digest()


def verify(tx: Tx) -> int:
    """Walk the whole chain (scope SYSTEM) and return its length.

    Raises UserError CST-CHAIN with the number of the first line that is changed, missing or out of place.
    """
    number, hashed = 0, START
    with tx.cursor(name="chain") as cursor:
        cursor.execute(
            f"SELECT l.number, l.hash, {_COLUMNS} FROM query_link l LEFT JOIN query_log q ON q.id = l.query "  # noqa: S608 - a constant
            "ORDER BY l.number"
        )
        for row in cursor:
            told, stored = row.pop("number"), bytes(row.pop("hash"))
            number += 1
            if told != number or row["id"] is None or link(hashed, row) != stored:
                fail("CST-CHAIN", str(number), number=number)
            hashed = stored
    head = tx.execute("SELECT number, hash FROM query_head").fetchone()
    if head is None or head["number"] != number or bytes(head["hash"]) != hashed:
        fail("CST-CHAIN", str(number + 1), number=number + 1)
    return number


def plain(value: Any) -> Any:  # noqa: ANN401 - a column of any type
    """``value`` as canonical JSON can hold it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID | date):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _query(row: Row) -> Query:
    return Query(**{**row, "grants": tuple(row["grants"]), "data_sets": tuple(row["data_sets"])})
