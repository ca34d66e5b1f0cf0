"""A small data set to ingest: one invoice mapping, and folders to do it in."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from xinqiao.source.block import Limits
from xinqiao.source.ingest import Ingested, ingest_file
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Mapping, parse_mapping

HEADER = "企业代号,发票号码,开票日期,对手,金额,税额,价税合计,发票状态"
ROW = "E1,100,2018-01-31,A1,100.00,13.00,113.00,有效发票"

MAPPING = """
id: small
name: {zh: 小样本, en: small sample}
files:
  - label: 进项
    match: "*"
    source: invoice
    columns:
      company_id: 企业代号
      invoice_no: 发票号码
      issued_on: 开票日期
      counterparty: 对手
      amount_cents: 金额
      tax_cents: 税额
      total_cents: 价税合计
      status: {column: 发票状态, values: {有效发票: valid, 作废发票: void}}
    constants: {direction: input}
    copies: {known_on: issued_on}
"""

SMALL = replace(Limits(), ratio_from_bytes=1 << 20)


def small_mapping() -> Mapping:
    return parse_mapping(MAPPING, "small.yaml")


def ingest_into(path: Path, root: Path, limits: Limits = SMALL) -> Ingested:
    return ingest_file(path, small_mapping().files[0], Lake(root), limits=limits)


def rows_of(root: Path, contract: str = "invoice") -> pl.DataFrame:
    """All committed rows in file and line order, without the file's id."""
    files = Lake(root).files(contract)
    frames = [pl.DataFrame(pl.from_arrow(pq.ParquetFile(path).read())) for path in files]
    return pl.concat(frames).sort("_file", "_line").drop("_file") if frames else pl.DataFrame()


def quarantine_of(root: Path) -> list[tuple[int, str, str]]:
    """(line, column, rule) of every quarantined fault."""
    found: list[tuple[int, str, str]] = []
    for path in sorted((root / "quarantine").rglob("*.csv")):
        frame = pl.read_csv(path, infer_schema=False)
        found += [(int(a), b or "", c) for a, b, c in frame.select("line", "column", "rule").iter_rows()]
    return found


def tree_of(root: Path) -> dict[str, bytes]:
    """Every file below ``root`` with its bytes."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


Write = Callable[[str, Sequence[str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a CSV of rows under the standard header."""

    def make(name: str, rows: Sequence[str]) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
        return path

    return make


@pytest.fixture
def cumcm() -> Path:
    root = os.environ.get("XINQIAO_DATA")
    if not root or not (Path(root) / "cumcm2020c").is_dir():
        pytest.skip("XINQIAO_DATA does not name a folder with cumcm2020c")
    return Path(root) / "cumcm2020c"
