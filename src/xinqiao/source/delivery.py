"""Deliveries of a data holder (数据交付): a file in the layout of its contract, read into the lake at once.

The file's columns are named as the contract's fields. Bad rows go to quarantine and are shown to who
delivered them; the same file again changes nothing.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import itertools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.account.audit import note
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.source.contract import Contract, contract
from xinqiao.source.ingest import IngestReport, ingest_files
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Column, Entry

MOST_BYTES = 50_000_000
MOST_SHOWN = 50
KINDS = (".csv", ".csv.gz", ".xlsx", ".parquet")
_HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file and what became of its rows. ``rules``: each rule that applied, to which field, how often."""

    id: UUID
    contract: str
    file_name: str
    sha256: str
    bytes: int
    delivered_by: str
    at: datetime
    already: bool
    rows_read: int
    rows_kept: int
    rows_repaired: int
    rows_quarantined: int
    rules: list[dict[str, Any]]
    quarantine: str | None


def take(tx: Tx, actor: Actor, lake: Lake, contract_id: str, *, name: str, path: Path) -> Delivery:
    """Read the file at ``path``, called ``name``, into ``lake`` and write down what became of it.

    Raises UserError SRC-DELIVERY and what reading it raises; the lake is then as it was.
    """
    if not name.lower().endswith(KINDS) or not 0 < path.stat().st_size <= MOST_BYTES:
        fail("SRC-DELIVERY", name[:80], most=MOST_BYTES // 1_000_000, kinds=", ".join(KINDS))
    report = ingest_files([(path, entry_of(contract(contract_id), path, name))], lake)
    made = _write(tx, actor, (contract_id, name), path, report)
    note(tx, actor, "holder.delivered", str(made.id), {"contract": contract_id, "rows": made.rows_read})
    return made


def entry_of(told: Contract, path: Path, name: str) -> Entry:
    """The mapping of a file whose columns are the contract's fields; day known: today, unless it says."""
    given = _header(path) if name.lower().endswith((".csv", ".csv.gz")) else None
    wanted = [field for field in told.fields if given is None or field in given]
    known = {told.known: today().isoformat()} if told.known and told.known not in wanted else {}
    columns = {field: Column(column=field) for field in wanted}
    return Entry(label=told.id, match="*", source=told.id, columns=columns, constants=known)


def _header(path: Path) -> frozenset[str]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            head = file.read(_HEAD_BYTES)
    line = head.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    return frozenset(name.strip() for row in itertools.islice(csv.reader([line]), 1) for name in row)


def _write(tx: Tx, actor: Actor, named: tuple[str, str], path: Path, report: IngestReport) -> Delivery:
    manifest = report.files[0].manifest
    rules = [
        {"kind": kind.model_dump(), "field": count.field, "name": count.name.model_dump(), "rows": count.rows}
        for kind, _, count in report.traps()
    ]
    with path.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
    row: Row = {
        "id": new_id(),
        "contract": named[0],
        "file_name": named[1][-120:],
        "sha256": sha,
        "bytes": path.stat().st_size,
        "delivered_by": actor.name or actor.client or "",
        "at": now(),
        "already": report.files[0].already,
        "rows_read": report.read,
        "rows_kept": report.kept,
        "rows_repaired": report.repaired,
        "rows_quarantined": report.quarantined,
        "rules": rules,
        "quarantine": manifest.quarantine,
    }
    tx.execute(
        "INSERT INTO holder_delivery (id, institution_id, contract, file_name, sha256, bytes, delivered_by, "
        "at, already, rows_read, rows_kept, rows_repaired, rows_quarantined, rules, quarantine) VALUES "
        "(%(id)s, %(institution)s, %(contract)s, %(file_name)s, %(sha256)s, %(bytes)s, %(delivered_by)s, "
        "%(at)s, %(already)s, %(rows_read)s, %(rows_kept)s, %(rows_repaired)s, %(rows_quarantined)s, "
        "%(rules)s, %(quarantine)s)",
        row | {"institution": actor.institution, "rules": Jsonb(rules)},
    )
    return Delivery(**row)


def deliveries(tx: Tx, limit: int = 100) -> list[Delivery]:
    """The deliveries of the scope's institution, the newest first."""
    rows = tx.execute("SELECT * FROM holder_delivery ORDER BY id DESC LIMIT %s", [limit]).fetchall()
    return [_delivery(row) for row in rows]


def delivery(tx: Tx, delivery_id: UUID) -> Delivery:
    """One of them. Raises UserError SRC-DELIVERY-ABSENT."""
    row = tx.execute("SELECT * FROM holder_delivery WHERE id = %s", [delivery_id]).fetchone()
    if row is None:
        fail("SRC-DELIVERY-ABSENT", str(delivery_id))
    return _delivery(row)


def _delivery(row: Row) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__slots__})


def quarantined(lake: Lake, told: Delivery) -> list[list[str]]:
    """The first lines of what was set aside, heading first; [] when nothing was."""
    if told.quarantine is None or not (lake.root / told.quarantine).is_file():
        return []
    with (lake.root / told.quarantine).open(encoding="utf-8-sig", newline="") as file:
        return list(itertools.islice(csv.reader(file), MOST_SHOWN + 1))
