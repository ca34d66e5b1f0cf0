"""The bank's own facts of its customers: under row-level security with the bank, joined to its decisions."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl
from psycopg.types.json import Json

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending.upload import SAID, known_companies, read_sheet
from xinqiao.source.block import LINE

PREFIX = "own_"
"""Before the name of a column where policies read it: ``application.own_<column>``."""
MOST_CHARS = 64


@dataclass(frozen=True, slots=True)
class OwnData:
    """An upload. ``columns``: name -> ``number`` or ``text``."""

    id: UUID
    institution: UUID
    file_name: str
    columns: dict[str, str]
    rows: int
    made_by: str
    made_at: datetime
    in_use: bool


def upload(tx: Tx, actor: Actor, data: bytes, name: str) -> UUID:
    """Replace the bank's own data by a file. Raises UserError SRC-*, BWB-FILE, BWB-ROW."""
    sheet = read_sheet(data, name)
    if not sheet.columns:
        fail("BWB-FILE", name, detail="只有企业列 only the company's column", limit=SAID)
    twice = sheet.frame.filter(pl.col(sheet.company).is_duplicated() | (pl.col(sheet.company) == ""))
    if twice.height:
        where = f"{name}:{twice[LINE][0]}"
        fail("BWB-ROW", where, column=sheet.company, detail="空白或重复 blank or twice")
    columns = {column: _kind(sheet.frame, column, name) for column in sheet.columns}
    known = known_companies(tx, sheet.frame[sheet.company].to_list())
    made = new_id()
    tx.execute("UPDATE bank_data SET in_use = false WHERE institution = %s AND in_use", [actor.institution])
    tx.execute(
        "INSERT INTO bank_data (id, institution, file_name, columns, rows, made_by, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [made, actor.institution, name[:200], Json(columns), sheet.frame.height, actor.name, now()],
    )
    told = [known.get(each, each) for each in sheet.frame[sheet.company].to_list()]
    rows = [json.dumps(_facts(row, columns), ensure_ascii=False) for row in sheet.frame.iter_rows(named=True)]
    tx.execute(
        "INSERT INTO bank_data_row (data, institution, company_id, facts) "
        "SELECT %s, %s, c, f::jsonb FROM unnest(%s::text[], %s::text[]) AS r (c, f)",
        [made, actor.institution, told, rows],
    )
    return made


def _kind(frame: pl.DataFrame, column: str, name: str) -> str:
    """A column is of numbers where every cell that is not blank is one."""
    cells = frame.select(LINE, pl.col(column).str.strip_chars().alias("cell")).filter(pl.col("cell") != "")
    numbers = cells["cell"].cast(pl.Float64, strict=False)
    if cells.height and numbers.is_not_null().all() and numbers.is_finite().all():
        return "number"
    long = cells.filter(pl.col("cell").str.len_chars() > MOST_CHARS)
    if long.height:
        fail("BWB-ROW", f"{name}:{long[LINE][0]}", column=column, detail=f"> {MOST_CHARS} 字 characters")
    return "text"


def _facts(row: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, float | str]:
    return {name: _value(row[name], kind) for name, kind in columns.items() if row[name].strip()}


def _value(cell: str, kind: str) -> float | str:
    return float(cell) if kind == "number" else cell.strip()


def in_use(tx: Tx) -> OwnData | None:
    """The bank's data now, None before its first upload."""
    row = tx.execute("SELECT * FROM bank_data WHERE in_use").fetchone()
    return None if row is None else OwnData(**row)


def uploads(tx: Tx) -> list[OwnData]:
    """All uploads, the newest first."""
    return [OwnData(**row) for row in tx.execute("SELECT * FROM bank_data ORDER BY made_at DESC LIMIT 20")]


def facts(tx: Tx, institution_id: UUID, company_id: str) -> dict[str, float | str]:
    """What the bank itself knows of a company; empty where nothing was uploaded."""
    return facts_of(tx, institution_id, [company_id]).get(company_id, {})


def facts_of(tx: Tx, institution_id: UUID, companies: list[str]) -> dict[str, dict[str, float | str]]:
    """The same for many companies."""
    rows = tx.execute(
        "SELECT r.company_id, r.facts FROM bank_data d JOIN bank_data_row r ON r.data = d.id "
        "WHERE d.in_use AND d.institution = %s AND r.company_id = ANY(%s)",
        [institution_id, companies],
    )
    return {row["company_id"]: row["facts"] for row in rows}


def as_application(known: dict[str, float | str]) -> dict[str, Any]:
    """Own facts as policies read them."""
    return {
        f"{PREFIX}{name}": value
        for name, value in known.items()
        if not isinstance(value, float) or math.isfinite(value)
    }


def summary(tx: Tx, data: OwnData, most: int = 8) -> list[dict[str, Any]]:
    """For every column: how full it is, and of numbers the spread, of texts the most frequent."""
    out = []
    for column, kind in data.columns.items():
        if kind == "number":
            row = tx.execute(
                "SELECT count(v) AS filled, min(v) AS low, "
                "percentile_cont(0.5) WITHIN GROUP (ORDER BY v) AS mid, max(v) AS high "
                "FROM (SELECT (facts->>%s)::float8 AS v FROM bank_data_row WHERE data = %s) x",
                [column, data.id],
            ).fetchone()
            out.append({"name": column, "kind": kind, **(row or {})})
            continue
        rows = tx.execute(
            "SELECT facts->>%s AS word, count(*) AS n FROM bank_data_row WHERE data = %s AND facts ? %s "
            "GROUP BY 1 ORDER BY 2 DESC, 1",
            [column, data.id, column],
        ).fetchall()
        words = [f"{row['word']} {row['n']}" for row in rows[:most]]
        out.append({"name": column, "kind": kind, "filled": sum(r["n"] for r in rows), "words": words})
    return out
