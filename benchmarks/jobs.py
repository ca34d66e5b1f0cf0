"""The jobs, each run as ``python -m benchmarks.jobs NAME FOLDER`` in a process of its own."""

# ruff: noqa: PLC0415 - each job pays for its own imports only
from __future__ import annotations

import sys
from datetime import date
from importlib.resources import files
from pathlib import Path

AS_OF = date(2025, 12, 31)  # the end of the generated months


def generate(folder: Path, rows: int) -> None:
    from xinqiao.city.generate import generate_invoices

    generate_invoices(folder / "data", rows)


def ingest(folder: Path) -> None:
    from xinqiao.source.ingest import ingest_files
    from xinqiao.source.lake import Lake
    from xinqiao.source.mapping import parse_mapping

    text = files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")
    mapping = parse_mapping(text, "city.yaml")
    paths = sorted((folder / "data").iterdir())
    jobs = [(path, entry) for path in paths for entry in mapping.entries_for(path.name, "invoice")]
    report = ingest_files(jobs, Lake(folder / "lake"))
    assert report.read == report.kept + report.quarantined
    print(f"  read {report.read:,}, kept {report.kept:,}")


def lake_files(folder: Path) -> list[Path]:
    from xinqiao.source.lake import Lake

    return Lake(folder / "lake").files("invoice")


def scan(folder: Path) -> None:
    """The floor: DuckDB reads the columns the sixteen indicators need and adds each up."""
    import duckdb

    from benchmarks.core import COLUMNS

    names = "[" + ", ".join(f"'{path}'" for path in lake_files(folder)) + "]"
    kinds = dict.fromkeys(COLUMNS, "sum(strlen({0}))")
    kinds |= dict.fromkeys(("issued_on", "status_known_on", "known_on"), "sum({0} - DATE '1970-01-01')")
    kinds["amount_cents"] = "sum({0})"
    sums = ", ".join(kinds[name].format(name) for name in COLUMNS)
    sql = f"SELECT {sums} FROM read_parquet({names}, hive_partitioning = false)"  # noqa: S608 - our own names
    duckdb.connect().execute(sql).fetchall()


def engine(folder: Path, chosen: str) -> None:
    import pyarrow.parquet as pq

    from benchmarks.core import INDICATORS
    from xinqiao.indicator.compute import compute
    from xinqiao.indicator.definition import indicators
    from xinqiao.source.lake import Lake

    ids = INDICATORS if chosen == "core" else [i for i in indicators() if i.startswith("INV")]
    snapshot = compute(Lake(folder / "lake"), AS_OF, ids=ids)
    pq.write_table(snapshot.values, folder / f"engine-{chosen}.parquet")


def polars(folder: Path) -> None:
    from benchmarks.core import in_polars

    in_polars(lake_files(folder), AS_OF).write_parquet(folder / "polars.parquet")


def pandas(folder: Path) -> None:
    from benchmarks.core import in_pandas

    in_pandas(lake_files(folder), AS_OF).to_parquet(folder / "pandas.parquet")


def compare(folder: Path) -> None:
    """Largest difference between our values and the peers', and how many values we alone call missing."""
    import numpy as np
    import polars as pl

    from benchmarks.core import INDICATORS

    ours = pl.read_parquet(folder / "engine-core.parquet").sort("company_id")
    for name in ("polars", "pandas"):
        peer = pl.read_parquet(folder / f"{name}.parquet").sort("company_id")
        both = ours.join(peer, on="company_id", suffix="_peer", how="inner")
        assert len(both) >= 0.99 * len(peer), "the companies differ"
        worst, where, cells = 0.0, "", 0
        for column in INDICATORS:
            a = both[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            b = both[f"{column}_peer"].cast(pl.Float64).fill_null(np.nan).to_numpy()
            known = np.isfinite(a)
            gap = np.abs(a - b)[known] / np.maximum(1.0, np.abs(a[known]))
            cells += int(known.sum())
            if len(gap) and not float(gap.max()) <= worst:
                worst, where = float(gap.max()), column
        print(f"  {name}: {cells:,} values of ours, largest difference {worst:.1e} {where}")
        assert worst < 2e-6, f"{name} disagrees in {where}"


def main() -> None:
    name, folder, *rest = sys.argv[1:]
    match name:
        case "generate":
            generate(Path(folder), int(rest[0]))
        case "engine":
            engine(Path(folder), rest[0])
        case _:
            {"ingest": ingest, "scan": scan, "polars": polars, "pandas": pandas, "compare": compare}[name](
                Path(folder)
            )


if __name__ == "__main__":
    main()
