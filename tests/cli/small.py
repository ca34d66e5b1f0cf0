"""The main job on a region small enough to be run many times."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from xinqiao.city.generate import generate
from xinqiao.run import learn
from xinqiao.run.job import Job, Source
from xinqiao.run.stages import exclusive
from xinqiao.source.ingest import IngestReport
from xinqiao.source.mapping import load_mapping

AS_OF = date(2025, 12, 31)
COMPANIES = 160
SEED = 7
"""A region with 13 defaults in its last year and 17 before, enough for every way of learning."""
SOURCES = ("REG", "INV", "CRD")
ENTRY = "\n  - label: "
DATED, UNDATED = "run:\n  performance_months: 12\n", "run: {}\n"
FOLDS, REPEATS = 2, 1


@dataclass(frozen=True, slots=True)
class Small:
    """A region's files and a mapping for them; ``rows`` by file name."""

    data: Path
    mapping: Path
    rows: dict[str, int]


@dataclass(slots=True)
class Told:
    """Keeps what the job tells of its progress."""

    steps: list[tuple[str, int, int]] = field(default_factory=list)

    def step(self, name: str, done: int = 0, total: int = 0) -> None:
        self.steps.append((name, done, total))


def city_mapping() -> str:
    """The mapping of the region as the catalog has it."""
    return files("xinqiao").joinpath("catalog", "mappings", "city.yaml").read_text("utf-8")


def _delivered(text: str, names: Iterable[str]) -> str:
    """The mapping's own text, its layout kept, without the entries of files that are not there."""
    head, *entries = text.split(ENTRY)
    patterns = [re.search(r'match: "?([^"\n]+)', entry) for entry in entries]
    kept = [e for e, p in zip(entries, patterns, strict=True) if p and fnmatch.filter(names, p[1])]
    return ENTRY.join([head, *kept])


def make_region(folder: Path) -> Small:
    """A region of few sources whose mapping treats outcomes as undated: one snapshot instead of three.

    Every job asks only for what these sources hold; `test_whole_city` runs one on all of them.
    """
    start = date(2022, 1, 1)
    truth = generate(folder, companies=COMPANIES, months=48, start=start, seed=SEED, sources=SOURCES)
    mapping = folder / "小区域.yaml"
    text = _delivered(city_mapping(), truth.rows)
    assert DATED in text
    mapping.write_text(text.replace(DATED, UNDATED), "utf-8")
    return Small(truth.data, mapping, truth.rows)


def run_small(
    data: Path, mapping: Path, out: Path, as_of: date = AS_OF, model: Path | None = None
) -> IngestReport:
    """Every stage, with the fewest folds that still are folds."""
    with pytest.MonkeyPatch.context() as patch, exclusive(out):
        patch.setattr(learn, "FOLDS", FOLDS)
        patch.setattr(learn, "REPEATS", REPEATS)
        return job(data, mapping, out, as_of, model).run()


def job(data: Path, mapping: Path, out: Path, as_of: date = AS_OF, model: Path | None = None) -> Job:
    return Job(out, Source(data, load_mapping(mapping), str(mapping)), as_of, Told(), model)


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file below ``folder`` but the lock."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every file and folder: equal only if nothing was written again."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.name != ".lock"
    }
