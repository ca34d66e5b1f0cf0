"""Generate a region: raw files as their holders would deliver them, and the truth beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import polars as pl

from xinqiao.city.credit import credit_rows
from xinqiao.city.delivery import sheet
from xinqiao.city.dirt import soil
from xinqiao.city.events import change_rows, draw_changes
from xinqiao.city.files import CsvSink, ParquetSink, Sink, write_sheet, write_table
from xinqiao.city.invoices import block_of_invoices
from xinqiao.city.register import annual_reports, encumbrances, listings, register_entries
from xinqiao.city.scene import Scene, draw_scene
from xinqiao.city.truth import Truth, faults_of, snapshot_scores, snapshot_table
from xinqiao.kernel.errors import fail

START = date(2023, 1, 1)
SIDES = {"sales": "购方", "purchases": "销方"}
BIG_VOLUME = 6.0  # invoices per company as many as in the real set
MIN_ROWS, MAX_ROWS = 1_000, 100_000_000
Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    """Show nothing."""


def generate(
    out: Path,
    companies: int = 2000,
    months: int = 36,
    start: date = START,
    seed: int = 1,
    *,
    dirt: bool = True,
    volume: float = 1.0,
    purchases: str = "csv.gz",
    chunk: int = 4,
    progress: Progress = _silent,
) -> Truth:
    """Write the files of a region to ``out/data`` and what is true about it to ``out/truth``.

    ``dirt`` adds counted faults to the invoices, ``volume`` scales their number, ``purchases`` is the
    format of the purchases (``csv.gz``, ``csv`` or ``parquet``), ``chunk`` the blocks of 128 companies
    written at a time (it bounds memory and changes no byte). The same arguments give the same bytes.
    Raises UserError CITY-COMPANIES, CITY-MONTHS, CITY-START.
    """
    scene = draw_scene(companies, months, start, seed, volume)
    data, truth = out / "data", out / "truth"
    for folder in (data, truth):
        folder.mkdir(parents=True, exist_ok=True)
    rows = _write_small_files(data, scene)
    paths = {"sales": data / "sales.csv.gz", "purchases": data / f"purchases.{purchases}"}
    found: dict[str, Counter[str]] = {}
    with ExitStack() as stack:
        sinks = {side: stack.enter_context(_sink(path)) for side, path in paths.items()}
        for done, pieces in _pieces(scene, chunk, dirt=dirt):
            for side, frame, counts in pieces:
                sinks[side].write(frame)
                name = paths[side].name
                rows[name] = rows.get(name, 0) + len(frame)
                found.setdefault(name, Counter()).update(counts)
            progress(done, scene.blocks)
    snapshots = snapshot_table(scene)
    write_table(truth / "truth.parquet", snapshots)
    faults = faults_of(found)
    write_table(
        truth / "faults.csv",
        pl.DataFrame(
            [{"file": f.file, "kind": f.kind, "outcome": f.outcome, "rows": f.rows} for f in faults]
        ),
    )
    return Truth(data, truth / "truth.parquet", rows, faults, snapshot_scores(snapshots))


Piece = tuple[str, pl.DataFrame, Counter[str]]


def _pieces(scene: Scene, chunk: int, *, dirt: bool) -> Iterator[tuple[int, list[Piece]]]:
    """Both sides of ``chunk`` blocks at a time, with the number of blocks done."""
    for first in range(0, scene.blocks, chunk):
        blocks = range(first, min(first + chunk, scene.blocks))
        made = [piece for block in blocks for piece in _block_pieces(scene, block, dirt=dirt)]
        pieces: list[Piece] = []
        for side in SIDES:
            mine = [piece for piece in made if piece[0] == side]
            counts = sum((piece[2] for piece in mine), Counter[str]())
            pieces.append((side, pl.concat([piece[1] for piece in mine]), counts))
        yield blocks.stop, pieces


def _block_pieces(scene: Scene, block: int, *, dirt: bool) -> Iterator[Piece]:
    n, seed = scene.region.companies, scene.region.seed
    for (side, word), rows in zip(SIDES.items(), block_of_invoices(scene, block), strict=True):
        frame = sheet(rows, n, word)
        if dirt and len(frame):
            yield side, *soil(frame, rows, word, seed, block)
        else:
            yield side, frame, Counter()


def _sink(path: Path) -> Sink:
    if path.suffix == ".parquet":
        return ParquetSink(path)
    # the tax office of this region delivers sales in the national encoding, the purchases in UTF-8
    return CsvSink(path, "gb18030" if path.name == "sales.csv.gz" else "utf-8")


def _write_small_files(data: Path, scene: Scene) -> dict[str, int]:
    """Everything but the invoices; returns the rows by file name."""
    region, fate = scene.region, scene.fate
    changes = draw_changes(region, fate)
    reports, *late = annual_reports(region, fate)
    tables = {
        "registry.csv": register_entries(region, fate, changes),
        "registry_change.csv": change_rows(changes),
        "registry_annual_report.csv": reports,
        "registry_encumbrance.csv": encumbrances(region, fate),
    }
    sheets = {
        "registry_listing.xlsx": (listings(region, fate, (late[0], late[1], late[2])), "名录"),
        "credit.xlsx": (credit_rows(region, fate), "信贷"),
    }
    rows: dict[str, int] = {}
    for name, table in tables.items():
        write_table(data / name, table)
        rows[name] = len(table)
    for name, (table, page) in sheets.items():
        rows[write_sheet(data / name, table, page).name] = len(table)
    return rows


def generate_invoices(
    out: Path,
    rows: int = 20_000_000,
    *,
    seed: int = 1,
    months: int = 36,
    start: date = START,
    form: str = "csv",
) -> list[Path]:
    """Write exactly ``rows`` clean invoices, sales and purchases, as ``form`` (csv, csv.gz or parquet).

    For benchmarks: as many invoices per company as in the real set, no other files, memory bounded
    by one block of companies. Raises UserError CITY-ROWS.
    """
    if not MIN_ROWS <= rows <= MAX_ROWS:
        fail("CITY-ROWS", "rows", value=rows, low=MIN_ROWS, high=MAX_ROWS)
    out.mkdir(parents=True, exist_ok=True)
    per_company = 10.0 * BIG_VOLUME * months / 2  # a little under the mean, so that there are enough
    scene = draw_scene(max(200, int(2 * rows / per_company)), months, start, seed, BIG_VOLUME)
    paths = [out / f"{side}.{form}" for side in SIDES]
    left = rows
    with ExitStack() as stack:
        sinks = [stack.enter_context(_sink(path)) for path in paths]
        for block in range(scene.blocks):
            for (_, frame, _), sink in zip(_block_pieces(scene, block, dirt=False), sinks, strict=True):
                sink.write(frame.head(left))
                left -= min(left, len(frame))
            if not left:
                break
    return paths
