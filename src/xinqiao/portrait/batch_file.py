"""Batch files: a list of firms in, one line a firm out, made by a job that can be killed and goes on.

Every line is a read of its own: it needs the firm's grant and stands in the query log like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.account.webhook import tell
from xinqiao.db.database import Database, Row, Scope, Tx, new_id
from xinqiao.db.jobs import defer, job
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail
from xinqiao.portrait.credit_file import CreditFile, read
from xinqiao.portrait.sandbox import sandbox_file

MOST = 10_000
CHUNK = 50
"""Lines in one transaction."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A list handed in and how far it is."""

    id: UUID
    purpose: str
    lines: int
    answered: int
    made_at: datetime
    done_at: datetime | None


def start(tx: Tx, actor: Actor, purpose: str, companies: Sequence[str]) -> UUID:
    """Take a list; a job answers it line by line. Raises UserError PTR-BATCH (empty, too long)."""
    if not 1 <= len(companies) <= MOST:
        fail("PTR-BATCH", "companies", most=MOST)
    made = new_id()
    told = {"side": actor.side, "roles": sorted(actor.roles), "name": actor.name, "sandbox": actor.sandbox}
    tx.execute(
        "INSERT INTO batch_file (id, institution_id, client, person_id, actor, purpose, companies, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [made, actor.institution, actor.client, actor.person, Jsonb(told), purpose, list(companies), now()],
    )
    defer(tx, "portrait.batch", lock=f"batch/{made}", batch=str(made), institution=str(actor.institution))
    return made


def one(tx: Tx, batch: UUID) -> BatchFile:
    """A batch of the scope's institution. Raises UserError PTR-ABSENT."""
    row = tx.execute(
        "SELECT b.id, b.purpose, cardinality(b.companies) AS lines, b.made_at, b.done_at, "
        "(SELECT count(*) FROM batch_line l WHERE l.batch_id = b.id) AS answered "
        "FROM batch_file b WHERE b.id = %s",
        [batch],
    ).fetchone()
    if row is None:
        fail("PTR-ABSENT", str(batch))
    return BatchFile(**row)


def answers(tx: Tx, batch: UUID) -> Iterator[bytes]:
    """The lines (JSON) in the order asked. Raises UserError PTR-BATCH-STATE before all are there."""
    if one(tx, batch).done_at is None:
        fail("PTR-BATCH-STATE", str(batch))
    rows = tx.execute("SELECT answer FROM batch_line WHERE batch_id = %s ORDER BY place", [batch])
    for row in rows:
        yield json.dumps(row["answer"], ensure_ascii=False).encode() + b"\n"


@job("portrait.batch")
def work(database: Database, batch: str, institution: str) -> None:
    """Answer what is not answered yet, in transactions of ``CHUNK`` lines."""
    while _chunk(database, UUID(batch), UUID(institution)):
        pass


def _chunk(database: Database, batch: UUID, institution: UUID) -> bool:
    """Answer some lines; whether there are more."""
    with database.transaction(Scope("system", institution)) as tx:
        row = tx.execute("SELECT * FROM batch_file WHERE id = %s FOR UPDATE", [batch]).fetchone()
        if row is None or row["done_at"] is not None:
            return False
        done = tx.execute(
            "SELECT coalesce(max(place), 0) AS n FROM batch_line WHERE batch_id = %s", [batch]
        ).fetchone()
        place = 0 if done is None else int(done["n"])
        actor = _actor(row)
        for company in row["companies"][place : place + CHUNK]:
            place += 1
            tx.execute(
                "INSERT INTO batch_line (batch_id, place, institution_id, answer) VALUES (%s, %s, %s, %s)",
                [batch, place, institution, Jsonb(_answer(tx, actor, company, row["purpose"]))],
            )
        if place < len(row["companies"]):
            return True
        tx.execute("UPDATE batch_file SET done_at = %s WHERE id = %s", [now(), batch])
        tell(tx, institution, "batch.done", {"batch": str(batch), "lines": place}, batch)
        return False


def _actor(row: Row) -> Actor:
    told = row["actor"]
    return Actor(
        told["side"],
        frozenset(told["roles"]),
        told["name"],
        row["person_id"],
        row["institution_id"],
        client=row["client"],
        sandbox=told["sandbox"],
    )


def _answer(tx: Tx, actor: Actor, company: str, purpose: str) -> dict[str, Any]:
    try:
        if actor.sandbox:
            return _told(sandbox_file(company), None)
        with tx.transaction():  # a refusal leaves no half of its reading behind
            file, allowed = read(tx, actor, company, purpose)
        return _told(file, str(allowed.query_id))
    except UserError as error:
        return {"company_id": company, "error": error.code, "what": error.what.model_dump()}


def _told(file: CreditFile, query: str | None) -> dict[str, Any]:
    score = file.score or {}
    kept = {name: score.get(name) for name in ("points", "grade", "pd")}
    return {"company_id": file.company_id, "as_of": file.as_of.isoformat(), **kept, "query_id": query}
