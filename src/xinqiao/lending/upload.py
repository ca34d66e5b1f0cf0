"""A table a bank uploads: CSV or XLSX read with the limits of ``source``, all or nothing of it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace

import polars as pl

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import fail
from xinqiao.source.block import LINE, Limits
from xinqiao.source.forbidden import forbidden_reason
from xinqiao.source.read_csv import CsvReader
from xinqiao.source.read_xlsx import XlsxReader
from xinqiao.source.scan import Opened, file_kind, scan

MEBI = 1 << 20
MOST_BYTES = 20 * MEBI
MOST_ROWS = 200_000
MOST_COLUMNS = 100
LIMITS = Limits(
    file_bytes=MOST_BYTES,
    columns=MOST_COLUMNS,
    xlsx_rows=MOST_ROWS + 1,
    xlsx_cells=4_000_000,
    xlsx_bytes=128 * MEBI,
    ratio=100,
)
SAID = f"{MOST_BYTES // MEBI} MB / {MOST_ROWS:,} 行 rows / {MOST_COLUMNS} 列 columns"
COMPANY = ("company_id", "uscc", "统一社会信用代码", "企业编号")
"""Names of the column that tells the company."""
_NAME = re.compile(r"[^\W\d]\w{0,39}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as texts, ``_line`` its lines; ``company``: the column that tells the company."""

    name: str
    frame: pl.DataFrame
    company: str

    @property
    def columns(self) -> list[str]:
        """The other columns."""
        return [name for name in self.frame.columns if name not in (LINE, self.company)]


def read_sheet(data: bytes, name: str) -> Sheet:
    """The table of an upload. Raises UserError SRC-* and BWB-FILE."""
    if len(data) > MOST_BYTES:
        fail("BWB-FILE", name, detail=f"{len(data):,} bytes", limit=SAID)
    file = Opened(io.BytesIO(data), file_kind(io.BytesIO(data), name), name, LIMITS, lambda _: None)
    if file.kind == "zip":
        frame = _rows(lambda wanted: XlsxReader(file, None, wanted), name)
    elif file.kind in ("text", "gzip"):
        scanned = scan(file)
        frame = _rows(lambda wanted: CsvReader(replace(file), scanned, wanted, ","), name)
    else:
        fail("BWB-FILE", name, detail="CSV / XLSX", limit=SAID)
    company = next((column for column in COMPANY if column in frame.columns), None)
    if company is None or not frame.height:
        fail(
            "BWB-FILE",
            name,
            detail=f"没有企业列或没有数据行 no rows or none of: {', '.join(COMPANY)}",
            limit=SAID,
        )
    return Sheet(name, frame.with_columns(pl.col(company).str.strip_chars().str.to_uppercase()), company)


def _rows(reader, name: str) -> pl.DataFrame:  # type: ignore[no-untyped-def] # noqa: ANN001 - either reader, by its wanted columns
    columns = tuple(column for column in reader(()).header.columns if column)
    for column in columns:
        if not _NAME.fullmatch(column) or (why := forbidden_reason(column)):
            detail = f"列名 column {column!r}" + (f": {why}" if _NAME.fullmatch(column) else "")
            fail("BWB-FILE", name, detail=detail, limit=SAID)
    frames = []
    for block in reader(columns).blocks():
        if block.faults:
            first = block.faults[0]
            fail("BWB-ROW", f"{name}:{first.line}", column=first.column or "-", detail=first.rule)
        frames.append(block.frame)
    frame: pl.DataFrame = pl.concat(frames) if frames else pl.DataFrame()
    if frame.height > MOST_ROWS:
        fail("BWB-FILE", name, detail=f"{frame.height:,} 行 rows", limit=SAID)
    return frame


def known_companies(tx: Tx, told: list[str]) -> dict[str, str]:
    """What was told (id or unified code) -> the company's id, for those in the public register."""
    rows = tx.execute(
        "SELECT id, uscc FROM company WHERE id = ANY(%(told)s) OR uscc = ANY(%(told)s)", {"told": told}
    )
    found: dict[str, str] = {}
    for row in rows:
        found[row["id"]] = row["id"]
        if row["uscc"]:
            found.setdefault(row["uscc"], row["id"])
    return found
