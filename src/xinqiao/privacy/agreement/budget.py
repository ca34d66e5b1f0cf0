"""What may be computed again: against learning one row from the difference of two results.

Two limits of a rule hold for each other party and source of the node: how many runs in a window of days
(every attempt at a job is one: what it told is told), and how many rows must have changed since every
earlier input in that window (none is fine). Changes are counted by a sketch that holds no key: an invertible
Bloom look-up table (Goodrich, Mitzenmacher 2011) of keyed hashes; two of them subtracted list the difference
where it is small, and fail to where it is large.
What the *other* side changes can't be seen here: the number of runs bounds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from xinqiao.db.database import Tx
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.privacy.agreement.rules import Rule
from xinqiao.privacy.crypto.row_hash import Words, row_hashes
from xinqiao.privacy.job.manifest import Input

PARTS = 4
"""Hash functions, each with a part of the table of its own."""
CELLS = 256
"""Cells of each part: a difference of up to some 700 rows is listed."""
UNSEEN = "none"
"""Basis of a run of which the peer learns nothing."""
NO_SOURCE = "-"
"""Source of a run to which this party brings no data; no source is named so."""
_FIELDS = 3
_STEP = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Sketch:
    """Three words a cell: how many rows, the exclusive or of their hashes, and of their hashes' checks."""

    cells: Words

    @classmethod
    def of(cls, hashes: Words) -> Sketch:
        """The sketch of rows by their hashes (``row_hashes``); the same row twice counts once."""
        cells = np.zeros((_FIELDS, PARTS * CELLS), np.uint64)
        hashes = np.sort(hashes)
        hashes = hashes[np.diff(hashes, prepend=~hashes[:1]) != 0]
        checks = _mixed(hashes)
        for place in _places(hashes):
            order = np.argsort(place.astype(np.uint16), kind="stable")  # a radix sort
            counts = np.bincount(place, minlength=PARTS * CELLS)
            cells[0] += counts.astype(np.uint64)
            used = np.flatnonzero(counts)
            first = np.cumsum(counts)[used] - counts[used]
            if len(used):
                cells[1, used] = np.bitwise_xor.reduceat(hashes[order], first)
                cells[2, used] = np.bitwise_xor.reduceat(checks[order], first)
        return cls(cells)

    def written(self) -> bytes:
        """As it is kept."""
        return self.cells.astype("<u8").tobytes()

    def difference(self, other: Sketch) -> int | None:
        """How many rows are in one of the two only; None: more than can be told."""
        cells = self.cells.copy()
        cells[0] -= other.cells[0]  # modulo 2^64, so -1 is the largest word
        cells[1:] ^= other.cells[1:]
        found = 0
        while True:
            single = ((cells[0] == 1) | (cells[0] == ~np.uint64(0))) & (_mixed(cells[1]) == cells[2])
            hashes, first = np.unique(cells[1][single], return_index=True)
            if not len(hashes):
                return None if cells.any() else found
            signs = cells[0][single][first]
            found += len(hashes)
            for place in _places(hashes):
                np.subtract.at(cells[0], place, signs)
                np.bitwise_xor.at(cells[1], place, hashes)
                np.bitwise_xor.at(cells[2], place, _mixed(hashes))


def sketches(secret: bytes, table: pa.Table, brought: Input) -> dict[str, Sketch]:
    """What is kept of an input, by what it is of: its keys, and its rows under the columns that were read."""
    columns = digest("\n".join(sorted(table.column_names)).encode())[:32]
    ordered = table.select(sorted(table.column_names))
    told = {f"rows {columns}": Sketch.of(row_hashes(secret, ordered))}
    if brought.key is not None:
        told["keys"] = Sketch.of(row_hashes(secret, table.select([brought.key])))
    return told


@dataclass(frozen=True, slots=True)
class Use:
    """A run of a job between this party and another, on one of this party's sources."""

    institution: UUID
    job: UUID
    peer: str
    source: str
    kind: str


def runs(tx: Tx, use: Use, days: int) -> int:
    """How many attempts at jobs of that kind the peer has had on the source in so many days."""
    row = tx.execute(
        "SELECT count(DISTINCT (job_id, at)) AS n FROM privacy_use "
        "WHERE peer = %s AND source = %s AND kind = %s AND at > %s",
        [use.peer, use.source, use.kind, now() - timedelta(days=days)],
    ).fetchone()
    return 0 if row is None else int(row["n"])


def charge(tx: Tx, rule: Rule, use: Use, rows: int, told: Mapping[str, Sketch]) -> None:
    """Count a run about to begin, of an input of so many rows with those sketches.

    No sketches: the peer learns nothing, or this party brings nothing. Its runs count all the same: a run is
    between all that take part.
    Raises UserError PRV-BUDGET-RUNS (all runs that the rule gives are used), PRV-BUDGET-CHANGED (too few rows
    have changed).
    """
    if runs(tx, use, rule.days) >= rule.runs:
        fail("PRV-BUDGET-RUNS", use.peer, runs=rule.runs, days=rule.days)
    for basis, sketch in told.items():
        for earlier in _earlier(tx, use, basis, rule.days):
            changed = sketch.difference(earlier)
            if changed is not None and 0 < changed < rule.changed_at_least:
                fail("PRV-BUDGET-CHANGED", use.peer, least=rule.changed_at_least)
    at = now()
    for basis, kept in {name: sketch.written() for name, sketch in told.items()}.items() or [(UNSEEN, b"")]:
        tx.execute(
            "INSERT INTO privacy_use (institution_id, job_id, peer, source, kind, at, basis, rows, sketch) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
            [use.institution, use.job, use.peer, use.source, use.kind, at, basis, rows, kept],
        )


def _earlier(tx: Tx, use: Use, basis: str, days: int) -> list[Sketch]:
    """The inputs of the window that the peer has had results of, each once."""
    found = tx.execute(
        "SELECT DISTINCT sketch FROM privacy_use WHERE peer = %s AND source = %s AND basis = %s AND at > %s",
        [use.peer, use.source, basis, now() - timedelta(days=days)],
    )
    return [_read(row["sketch"]) for row in found]


def _read(data: bytes) -> Sketch:
    return Sketch(np.frombuffer(data, "<u8").astype(np.uint64).reshape(_FIELDS, PARTS * CELLS))


def _places(hashes: Words) -> list[np.ndarray[Any, np.dtype[np.intp]]]:
    """The cell of each hash in each part."""
    told = []
    for part in range(PARTS):
        mixed = _mixed(hashes + np.uint64((part + 1) * _STEP % (1 << 64)))
        told.append((mixed % np.uint64(CELLS)).astype(np.intp) + part * CELLS)
    return told


def _mixed(words: Words) -> Words:
    """A fixed permutation that scatters (the finaliser of splitmix64, Steele et al. 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
