"""``xinqiao benchmark warning`` on a small region: snapshots are given, so that only the rest takes time."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from tests.cli.command import call
from tests.cli.small import _delivered, city_mapping
from xinqiao.city.generate import generate
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot
from xinqiao.monitoring.hazard import Hazard, ahead
from xinqiao.monitoring.panel import LEADS, Book, month_ends
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import parse_mapping

FIRST, LAST = date(2022, 12, 31), date(2024, 11, 30)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of credit records alone, and snapshots in which INV03 falls five months before the loan."""
    folder = tmp_path_factory.mktemp("region")
    truth = generate(
        folder / "city", companies=900, months=48, start=date(2022, 1, 1), seed=5, sources=("CRD",)
    )
    mapping = parse_mapping(_delivered(city_mapping(), truth.rows), "city.yaml")
    ingest_folder(truth.data, mapping, Lake(folder / "lake"))
    _snapshots(Book.of_lake(Lake(folder / "lake"), date.max), folder / "snapshots")
    return folder


def _snapshots(book: Book, folder: Path) -> None:
    falls = dict(book.reached(30).iter_rows())
    companies = book.months["company_id"].unique().sort().to_list()
    rng = np.random.default_rng(0)
    for day in month_ends(FIRST, LAST):
        near = np.array([day < falls.get(key, date.min) <= ahead(day, 5) for key in companies])
        values = pa.table({"company_id": companies, "INV03": rng.normal(np.where(near, 0.4, 1.0), 0.2)})
        place = folder / day.isoformat()
        Snapshot(values, MISSING_SCHEMA.empty_table(), day).write(place)
        pl.DataFrame(schema={"company_id": pl.String, "rule": pl.String}).write_parquet(place / LEADS)


def test_ways_of_warning_stand_beside_each_other(region: Path, tmp_path: Path) -> None:
    figures, model = tmp_path / "figures.json", tmp_path / "model.json"
    places = ("--lake", region / "lake", "--out", region / "snapshots")
    told = call("benchmark", "warning", *places, "--samples", "20", "--json", figures, "--model", model)
    assert told.code == 0, told.err
    assert "hazard model" in told.out
    assert "只看逾期天数" in told.out
    found = json.loads(figures.read_text("utf-8"))
    ways = {way["way"]: way for way in found["ways"]}
    assert list(ways) == ["days", "signals", "hazard", "random"]
    assert len(found["months"]) == 12
    assert found["generated"] is True
    assert ways["hazard"]["far"]["value"] > ways["days"]["far"]["value"]
    assert ways["hazard"]["lead_30"]["value"] > ways["days"]["lead_30"]["value"]
    assert ways["hazard"]["precision"]["value"] > 2 * ways["random"]["precision"]["value"]
    assert Hazard.from_json(model.read_bytes()).until == date(2024, 9, 30)


def test_a_history_too_short_and_a_lake_without_credit_are_errors(region: Path, tmp_path: Path) -> None:
    places = ("--lake", region / "lake", "--out", region / "snapshots")
    told = call("benchmark", "warning", *places, "--months", "30")
    assert (told.code, "MON-SHORT" in told.err) == (2, True)
    told = call("benchmark", "warning", "--lake", tmp_path / "none", "--out", tmp_path)
    assert told.code == 2
