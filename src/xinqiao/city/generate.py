"""Generate a region: raw files as their holders would deliver them, and the truth beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import polars as pl

from xinqiao.city.books import books
from xinqiao.city.deliveries import CODES, INVOICES, SOURCES, sink_for
from xinqiao.city.delivery import sheet
from xinqiao.city.dirt import soil
from xinqiao.city.files import CsvSink, ParquetSink, Sink, write_table
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
    sources: Collection[str] = CODES,
    progress: Progress = _silent,
) -> Truth:
    """Write the files of a region to ``out/data`` and what is true about it to ``out/truth``.

    ``dirt`` adds counted faults to the invoices, ``volume`` scales their number, ``purchases`` is the
    format of the purchases (``csv.gz``, ``csv`` or ``parquet``), ``chunk`` the blocks of 128 companies
    written at a time (it bounds memory and changes no byte), ``sources`` the codes of the sources to
    deliver. The same arguments give the same bytes.
    Raises UserError CITY-COMPANIES, CITY-MONTHS, CITY-START, CITY-SOURCES.
    """
    if unknown := sorted(set(sources) - set(CODES)):
        fail("CITY-SOURCES", "sources", value=", ".join(unknown), known=", ".join(CODES))
    scene = draw_scene(companies, months, start, seed, volume)
    data, truth = out / "data", out / "truth"
    for folder in (data, truth):
        folder.mkdir(parents=True, exist_ok=True)
    delivery = _Delivery(data, purchases)
    with delivery.stack:
        for first in range(0, scene.blocks, chunk):
            blocks = range(first, min(first + chunk, scene.blocks))
            delivery.write([_block(scene, block, sources, dirt=dirt) for block in blocks])
            progress(blocks.stop, scene.blocks)
    snapshots = snapshot_table(scene)
    write_table(truth / "truth.parquet", snapshots)
    write_table(truth / "fraud.parquet", scene.schemes.truth)
    faults = faults_of(delivery.found)
    write_table(
        truth / "faults.csv",
        pl.DataFrame(
            [{"file": f.file, "kind": f.kind, "outcome": f.outcome, "rows": f.rows} for f in faults],
            schema={"file": pl.String, "kind": pl.String, "outcome": pl.String, "rows": pl.Int64},
        ),
    )
    return Truth(data, truth / "truth.parquet", delivery.rows(), faults, snapshot_scores(snapshots))


Piece = tuple[pl.DataFrame, Counter[str]]


def _block(scene: Scene, block: int, sources: Collection[str], *, dirt: bool) -> dict[str, Piece]:
    """All tables of a block with the faults written into them."""
    out: dict[str, Piece] = {}
    if INVOICES in sources:
        out |= _invoice_pieces(scene, block, dirt=dirt)
    for code, tables in SOURCES:
        if code in sources:
            out |= {name: (table, Counter()) for name, table in tables(scene, scene.ids(block)).items()}
    return out


def _invoice_pieces(scene: Scene, block: int, *, dirt: bool) -> dict[str, Piece]:
    seed, ledger = scene.region.seed, books(scene, block)
    out: dict[str, Piece] = {}
    for (side, word), rows in zip(SIDES.items(), (ledger.sales, ledger.purchases), strict=True):
        frame = sheet(rows, scene, word)
        out[side] = soil(frame, rows, word, seed, block) if dirt and len(frame) else (frame, Counter())
    return out


class _Delivery:
    """The files being written; each takes its name when all are complete."""

    def __init__(self, data: Path, purchases: str) -> None:
        self.data, self.purchases = data, purchases
        self.stack = ExitStack()
        self.sinks: dict[str, Sink] = {}
        self.counts: Counter[str] = Counter()
        self.faults: dict[str, Counter[str]] = {}

    def write(self, blocks: list[dict[str, Piece]]) -> None:
        """Append the tables of some blocks."""
        for name in blocks[0]:
            if name not in self.sinks:
                self.sinks[name] = self.stack.enter_context(self._sink(name))
            frame = pl.concat([block[name][0] for block in blocks])
            self.sinks[name].write(frame)
            self.counts[name] += len(frame)
            found = self.faults.setdefault(name, Counter())
            for block in blocks:
                found.update(block[name][1])

    def _sink(self, name: str) -> Sink:
        if name in SIDES:
            return _side_sink(self.data / f"{name}.{'csv.gz' if name == 'sales' else self.purchases}")
        return sink_for(self.data, name)

    def rows(self) -> dict[str, int]:
        """Rows by file name."""
        return {sink.path.name: self.counts[name] for name, sink in self.sinks.items()}

    @property
    def found(self) -> dict[str, Counter[str]]:
        """Faults written, by file name."""
        return {self.sinks[name].path.name: counts for name, counts in self.faults.items()}


def _side_sink(path: Path) -> Sink:
    if path.suffix == ".parquet":
        return ParquetSink(path)
    # the tax office of this region delivers sales in the national encoding, the purchases in UTF-8
    return CsvSink(path, "gb18030" if path.name == "sales.csv.gz" else "utf-8")


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
        sinks = [stack.enter_context(_side_sink(path)) for path in paths]
        for block in range(scene.blocks):
            pieces = _invoice_pieces(scene, block, dirt=False).values()
            for (frame, _), sink in zip(pieces, sinks, strict=True):
                sink.write(frame.head(left))
                left -= min(left, len(frame))
            if not left:
                break
    return paths
