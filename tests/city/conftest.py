from __future__ import annotations

import gzip
import io
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from xinqiao.city.generate import generate
from xinqiao.city.truth import Truth
from xinqiao.source.ingest import IngestReport, ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Mapping, parse_mapping

COMPANIES = 300


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return generate(tmp_path_factory.mktemp("region"), companies=COMPANIES, seed=7)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return generate(tmp_path_factory.mktemp("clean"), companies=COMPANIES, seed=7, dirt=False)


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    text = files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")
    return parse_mapping(text, "city.yaml")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="session")
def dirty(region: Truth, mapping: Mapping, lake: Lake) -> IngestReport:
    """The report of ingesting ``region`` into ``lake``."""
    return ingest_folder(region.data, mapping, lake)


def read(path: Path) -> pl.DataFrame:
    """A generated CSV as texts; empty cells are null."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    encoding = "gb18030" if path.name == "sales.csv.gz" else "utf-8"
    return pl.read_csv(io.BytesIO(text.decode(encoding).encode()), infer_schema=False)


def typed(path: Path) -> pl.DataFrame:
    """Clean invoices with dates and cents."""
    dates = ["开票日期", "获知日期", "状态变更日期", "对应蓝票日期"]
    money = ["金额", "税额", "价税合计"]
    return read(path).with_columns(
        pl.col(dates).str.to_date(), (pl.col(money).cast(pl.Float64) * 100).round().cast(pl.Int64)
    )
