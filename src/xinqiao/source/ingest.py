"""Ingest: a file of a data set into the lake, once.

A file is scanned, read in blocks, converted, checked and written to staging; then its data is moved into
place and last its manifest, which makes it count. Whatever stops this before the manifest
leaves the lake as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from os import fstat, stat_result
from pathlib import Path
from typing import Protocol

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.source.block import Block, Header, Limits
from xinqiao.source.convert import Converter
from xinqiao.source.judge import Judge
from xinqiao.source.lake import Count, DataFile, Lake, Manifest
from xinqiao.source.mapping import Entry, Mapping
from xinqiao.source.read_csv import CsvReader
from xinqiao.source.read_parquet import ParquetReader
from xinqiao.source.read_xlsx import XlsxReader
from xinqiao.source.scan import Opened, Scanned, file_kind, open_file, scan
from xinqiao.source.writer import PartitionedWriter, QuarantineWriter

FORMAT = 3
"""Goes up when the same file and mapping would give other bytes in the lake."""

Progress = Callable[[str, int, int], None]
"""Called with (label, bytes of work done so far, bytes of work in all)."""

_DIGEST_BYTES = 1 << 20


class Reader(Protocol):
    """A file format: the header found, and the records below it."""

    @property
    def header(self) -> Header: ...  # noqa: D102 - see block.Header

    def blocks(self) -> Iterable[Block]: ...  # noqa: D102 - see block.Block


@dataclass(frozen=True, slots=True)
class Ingested:
    """One file and entry; ``already`` when the lake held it and nothing changed."""

    manifest: Manifest
    already: bool


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest gave, in the order of the mapping."""

    files: tuple[Ingested, ...]

    @property
    def read(self) -> int:
        """Rows read; equals kept + quarantined."""
        return sum(f.manifest.read for f in self.files)

    @property
    def kept(self) -> int:
        """Rows in the lake."""
        return sum(f.manifest.kept for f in self.files)

    @property
    def repaired(self) -> int:
        """Rows kept after a repair."""
        return sum(f.manifest.repaired for f in self.files)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(f.manifest.quarantined for f in self.files)

    def traps(self) -> list[tuple[Text, Manifest, Count]]:
        """Every rule that applied: its kind (repaired, flagged, quarantined, observed), file and count."""
        return [
            (kind, file.manifest, count)
            for file in self.files
            for kind, counts in (
                (Text(zh="修复", en="repaired"), file.manifest.repairs),
                (Text(zh="标记", en="flagged"), file.manifest.flags),
                (Text(zh="隔离", en="quarantined"), file.manifest.faults),
                (Text(zh="提示", en="observed"), file.manifest.observations),
            )
            for count in counts
        ]


def ingest_folder(
    data_dir: Path,
    mapping: Mapping,
    lake: Lake,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> IngestReport:
    """Ingest every file of ``data_dir`` the mapping names.

    Raises UserError SRC-NOT-A-FILE, SRC-NO-FILE (an entry finds none) and what ``ingest_file`` does.
    """
    if not data_dir.is_dir():
        fail("SRC-NOT-A-FILE", str(data_dir), found="no folder")
    names = sorted(path.name for path in data_dir.iterdir())
    jobs: list[tuple[Path, Entry]] = []
    for entry in mapping.files:
        found = [name for name in names if entry in mapping.entries_for(name)]
        if not found:
            fail("SRC-NO-FILE", str(data_dir), pattern=entry.match, label=entry.label)
        jobs += [(data_dir / name, entry) for name in found]
    return ingest_files(jobs, lake, progress, limits)


def ingest_files(
    jobs: Iterable[tuple[Path, Entry]],
    lake: Lake,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> IngestReport:
    """Ingest files one after another, holding the lake; each is committed on its own."""
    with lake.writing():
        return IngestReport(tuple(_ingest(path, e, lake, progress, limits or Limits()) for path, e in jobs))


def ingest_file(
    path: Path, entry: Entry, lake: Lake, progress: Progress | None = None, limits: Limits | None = None
) -> Ingested:
    """Ingest one file by one mapping entry; the same content again changes nothing.

    Raises UserError SRC-* as the file deserves; the lake is then unchanged.
    """
    return ingest_files([(path, entry)], lake, progress, limits).files[0]


def _ingest(path: Path, entry: Entry, lake: Lake, progress: Progress | None, limits: Limits) -> Ingested:
    with closing(open_file(path)) as handle:
        before = fstat(handle.fileno())
        done = 0

        def tick(count: int) -> None:
            nonlocal done
            done += count
            if progress:
                progress(entry.label, min(done, total), total)

        kind = file_kind(handle, path.name)
        total = before.st_size * (2 if kind in ("text", "gzip") else 1)
        file = Opened(handle, kind, path.name, limits, tick)
        scanned = scan(file) if kind in ("text", "gzip") else _digest(file)
        job = _Job(file, entry, lake, scanned)
        held = lake.manifest(entry.source, job.slot)
        already = held is not None and held.id == job.id and lake.holds(held)
        manifest = held if held is not None and already else job.run(lambda: _same(before, file))
        tick(total)
        return Ingested(manifest, already)


def _same(before: stat_result, file: Opened) -> None:
    after = fstat(file.handle.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        fail("SRC-CHANGED", file.where)


def _digest(file: Opened) -> Scanned:
    size = fstat(file.handle.fileno()).st_size
    if size > file.limits.file_bytes:
        fail("SRC-TOO-LARGE", file.where, limit=f"{file.limits.file_bytes:,}")
    sha = hashlib.sha256()
    while piece := file.handle.read(_DIGEST_BYTES):
        sha.update(piece)
        file.tick(len(piece))
    return Scanned(sha.hexdigest(), file.kind)


class _Job:
    """One file on its way into the lake by one entry."""

    def __init__(self, file: Opened, entry: Entry, lake: Lake, scanned: Scanned) -> None:
        self.file, self.entry, self.lake, self.scanned = file, entry, lake, scanned
        self.slot = digest(canonical_json([scanned.sha256, entry.source, entry.label]))[:16]
        self.id = digest(canonical_json([FORMAT, self.slot, entry.version]))[:16]
        self.converter = Converter(entry)

    def _reader(self) -> Reader:
        wanted = self.converter.wanted
        if self.file.kind == "zip":
            return XlsxReader(self.file, self.entry.sheet, wanted)
        if self.file.kind == "parquet":
            return ParquetReader(self.file, wanted)
        return CsvReader(self.file, self.scanned, wanted, self.entry.delimiter)

    def run(self, still_same: Callable[[], None]) -> Manifest:
        """Write to staging, move into place, commit."""
        reader = self._reader()
        staging = self.lake.staging(self.id)
        try:
            judge = Judge(self.converter, staging / "work")
            quarantine = QuarantineWriter(staging / self._quarantine_path, self.file.where)
            data = self._write(reader, judge, quarantine, staging)
            still_same()
            manifest = self._manifest(reader.header, judge, data, quarantine)
            for name in [f.path for f in data] + ([manifest.quarantine] if manifest.quarantine else []):
                target = self.lake.root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (staging / name).replace(target)
            self.lake.commit(manifest)
        finally:
            self.lake.discard(staging)
        return manifest

    @property
    def _quarantine_path(self) -> str:
        return f"quarantine/{self.entry.source}/{self.id}.csv"

    def _write(
        self, reader: Reader, judge: Judge, quarantine: QuarantineWriter, staging: Path
    ) -> tuple[DataFile, ...]:
        writer = PartitionedWriter(self.entry.contract, self.id, staging)
        for block in reader.blocks():
            judged = judge.judge(block)
            writer.append(judged.frame)
            quarantine.append(judged.faults)
        return writer.close()

    def _manifest(
        self, header: Header, judge: Judge, data: tuple[DataFile, ...], quarantine: QuarantineWriter
    ) -> Manifest:
        tally, counts = judge.tally, judge.counts()
        return Manifest(
            id=self.id,
            slot=self.slot,
            contract=self.entry.source,
            contract_version=self.entry.contract.version,
            label=self.entry.label,
            file=self.file.where,
            sha256=self.scanned.sha256,
            encoding=self.scanned.encoding,
            read=tally.read,
            kept=tally.kept,
            repaired=tally.repaired,
            flagged=tally.flagged,
            quarantined=tally.read - tally.kept,
            fields=self.entry.fields,
            ignored_columns=header.ignored,
            data=data,
            quarantine=self._quarantine_path if quarantine.lines else None,
            **counts,
        )
