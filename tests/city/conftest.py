from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from tests.once import once
from xinqiao.city.draw import Ints
from xinqiao.city.generate import generate
from xinqiao.city.scene import Scene, draw_scene
from xinqiao.city.truth import Truth
from xinqiao.source.ingest import IngestReport, ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Mapping, parse_mapping

COMPANIES = 300


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return once(tmp_path_factory, "city", lambda folder: generate(folder, companies=COMPANIES, seed=7))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    def make(folder: Path) -> Truth:
        return generate(folder, companies=COMPANIES, seed=7, dirt=False)

    return once(tmp_path_factory, "city-clean", make)


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    text = files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")
    return parse_mapping(text, "city.yaml")


@dataclass(frozen=True, slots=True)
class Ingested:
    """A lake, and the report of what came into it."""

    root: Path
    report: IngestReport


@pytest.fixture(scope="session")
def ingested(region: Truth, mapping: Mapping, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """``region`` in a lake."""

    def make(folder: Path) -> Ingested:
        return Ingested(folder, ingest_folder(region.data, mapping, Lake(folder)))

    return once(tmp_path_factory, "city-lake", make)


@pytest.fixture(scope="session")
def lake(ingested: Ingested) -> Lake:
    return Lake(ingested.root)


@pytest.fixture(scope="session")
def dirty(ingested: Ingested) -> IngestReport:
    """The report of ingesting ``region`` into ``lake``."""
    return ingested.report


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


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A region of a thousand companies, nothing written."""
    return draw_scene(1000, 36, date(2023, 1, 1), 11)


def tables(scene: Scene, source: Callable[[Scene, Ints], dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """All blocks of a source, table by table."""
    parts = [source(scene, scene.ids(block)) for block in range(scene.blocks)]
    return {name: pl.concat([part[name] for part in parts]) for name in parts[0]}


def versions_grow(table: pl.DataFrame, keys: list[str], later: list[str]) -> None:
    """A record's second version is known no earlier, and says what the first left open."""
    for _, group in table.sort("获知日期", maintain_order=True).group_by(keys, maintain_order=True):
        assert len(group) <= 2
        if len(group) == 2:
            assert group[later][0].row(0) == (None,) * len(later)
            assert any(value is not None for value in group[later][1].row(0))
