from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.city.conftest import COMPANIES, read
from xinqiao.city.generate import generate, generate_invoices
from xinqiao.city.region import MIN_COMPANIES
from xinqiao.city.truth import Truth
from xinqiao.kernel.errors import UserError

TRUTH_FILES = {"truth.parquet", "fraud.parquet", "faults.csv"}


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_same_seed_gives_the_same_bytes_at_any_chunk(tmp_path: Path, region: Truth) -> None:
    generate(tmp_path / "again", companies=COMPANIES, seed=7, chunk=1)
    assert digests(tmp_path / "again") == digests(region.data.parent)
    assert len(digests(tmp_path / "again")) == len(region.rows) + len(TRUTH_FILES)
    assert {path.name for path in region.table.parent.iterdir()} == TRUTH_FILES


def test_parquet_purchases_are_the_same_rows(tmp_path: Path, region: Truth) -> None:
    for chunk in (1, 7):
        generate(tmp_path / str(chunk), companies=COMPANIES, seed=7, purchases="parquet", chunk=chunk)
    rows = [pl.read_parquet(tmp_path / str(chunk) / "data" / "purchases.parquet") for chunk in (1, 7)]
    assert rows[0].equals(rows[1])
    csv = read(region.data / "purchases.csv.gz")
    assert rows[0]["金额"].to_list() == csv["金额"].to_list()


def test_another_seed_gives_another_region(tmp_path: Path, region: Truth) -> None:
    generate(tmp_path / "other", companies=COMPANIES, seed=8)
    ours, theirs = digests(region.data), digests(tmp_path / "other" / "data")
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())


def test_rows_are_counted(region: Truth) -> None:
    for name in ("sales.csv.gz", "purchases.csv.gz", "registry.csv", "registry_annual_report.csv"):
        assert region.rows[name] == len(read(region.data / name))
    assert region.rows["credit.xlsx"] == COMPANIES


def test_truth_is_outside_the_data(region: Truth) -> None:
    assert region.data not in region.table.parents
    assert not any("truth" in path.name for path in region.data.iterdir())


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(
        tmp_path, companies=300, months=24, progress=lambda done, total: seen.append((done, total)), chunk=1
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("code", "companies", "months", "start"),
    [
        ("CITY-COMPANIES", MIN_COMPANIES - 1, 36, date(2023, 1, 1)),
        ("CITY-COMPANIES", 1_000_001, 36, date(2023, 1, 1)),
        ("CITY-MONTHS", 100, 23, date(2023, 1, 1)),
        ("CITY-START", 100, 36, date(2023, 1, 2)),
    ],
)
def test_requests_that_cannot_be_met(
    tmp_path: Path, code: str, companies: int, months: int, start: date
) -> None:
    with pytest.raises(UserError) as error:
        generate(tmp_path / "x", companies=companies, months=months, start=start)
    assert error.value.code == code
    assert not (tmp_path / "x").exists()


def test_a_stopped_run_leaves_no_half_file(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, companies=300, months=24, progress=stop, chunk=1)
    assert not [path for path in tmp_path.rglob("*") if "sales" in path.name or path.suffix == ".part"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_benchmark_invoices_have_exactly_the_rows(tmp_path: Path, form: str) -> None:
    paths = generate_invoices(tmp_path, 50_000, form=form)
    assert [path.name for path in paths] == [f"sales.{form}", f"purchases.{form}"]
    scan = pl.read_parquet if form == "parquet" else read
    assert sum(len(scan(path)) for path in paths) == 50_000


def test_benchmark_rows_are_limited(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        generate_invoices(tmp_path, 10)
    assert error.value.code == "CITY-ROWS"
