"""Documents a company hands in with its application: few kinds of files, small, kept as they came."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

import psycopg

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.lending.case_state import move, opened

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 20
HEADS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"PK\x03\x04": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""What a file begins with -> what it is; its name says nothing. Zip archives are never opened here."""

ENDINGS = dict(zip(HEADS.values(), ("pdf", "png", "jpg", "xlsx"), strict=True))


@dataclass(frozen=True, slots=True)
class Document:
    """A document without its bytes."""

    id: UUID
    case_id: UUID
    kind: str
    name: str
    media_type: str
    size: int
    digest: str
    by_name: str
    at: datetime


_COLUMNS = ", ".join(field.name for field in fields(Document))


def documents(tx: Tx, case_id: UUID) -> list[Document]:
    """The documents of a case, the first first."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM case_document WHERE case_id = %s ORDER BY id", [case_id])  # noqa: S608 - our own names
    return [Document(**row) for row in rows]


def body(tx: Tx, case_id: UUID, document_id: UUID) -> tuple[Document, bytes]:
    """A document and its bytes. Raises UserError LND-DOCUMENT-ABSENT."""
    row = tx.execute(
        f"SELECT {_COLUMNS}, body FROM case_document WHERE case_id = %s AND id = %s",  # noqa: S608 - our own names
        [case_id, document_id],
    ).fetchone()
    if row is None:
        fail("LND-DOCUMENT-ABSENT", str(document_id))
    data = bytes(row.pop("body"))
    return Document(**row), data


def hand_in(tx: Tx, actor: Actor, case_id: UUID, version: int, *, kind: str, name: str, data: bytes) -> UUID:
    """Add a document to a case. ``kind``: what it is, as the product or the bank named it.

    Raises UserError LND-DOCUMENT (empty, too large, too many, or of another type), LND-DOCUMENT-STATE (the
    same file stands there), LND-MOVE-STATE (the case is closed).
    """
    case = opened(tx, case_id, version)
    media_type = next((media for head, media in HEADS.items() if data.startswith(head)), None)
    if not 0 < len(data) <= MOST_BYTES or media_type is None:
        fail("LND-DOCUMENT", name[:80], size=f"{len(data):,}")
    if len(documents(tx, case_id)) >= MOST_FILES:
        fail("LND-DOCUMENT", name[:80], size=f"> {MOST_FILES}")
    made, key = new_id(), digest(data)
    move(tx, actor, case, "document", {"document": str(made), "kind": kind[:80]})
    try:
        tx.execute(
            "INSERT INTO case_document (id, case_id, company_id, institution_id, kind, name, media_type, "
            "size, digest, body, by_name, at) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
            [
                made,
                case.id,
                case.company_id,
                case.institution_id,
                kind[:80],
                plain_name(name),
                media_type,
                len(data),
                key,
                data,
                actor.name,
                now(),
            ],
        )
    except psycopg.errors.UniqueViolation as error:
        raise user_error("LND-DOCUMENT-STATE", name[:80]) from error
    return made


def plain_name(name: str) -> str:
    """A file's name without folders and without what could break a header."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable() and c not in '"<>|;')[:120] or "document"
