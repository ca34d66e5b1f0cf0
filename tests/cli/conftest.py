from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.cli.small import Small, make_region, run_small
from tests.once import once
from xinqiao.source.ingest import IngestReport

CUMCM = Path(__file__).parents[1] / "mappings" / "cumcm2020c.yaml"
CUMCM_AS_OF = date(2020, 2, 29)


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run that no test may touch; copy ``out`` first."""

    out: Path
    report: IngestReport


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return once(tmp_path_factory, "small-region", make_region)


@pytest.fixture(scope="session")
def done(region: Small, tmp_path_factory: pytest.TempPathFactory) -> Done:
    def make(folder: Path) -> Done:
        return Done(folder / "run", run_small(region.data, region.mapping, folder / "run"))

    return once(tmp_path_factory, "small-run", make)


@dataclass(frozen=True, slots=True)
class Real:
    """A run of the 425 real companies, which no test may touch, and what it printed."""

    out: Path
    printed: str


@pytest.fixture(scope="session")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Real:
    """The whole command on cumcm2020c, in a process of its own."""

    def make(folder: Path) -> Real:
        command, out = Path(sys.executable).with_name("xinqiao"), folder / "run"
        options = ["--data", real_data / "cumcm2020c", "--mapping", CUMCM, "--as-of", CUMCM_AS_OF]
        words = [command, "run", *options, "--out", out]
        told = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=500)
        assert told.returncode == 0, told.stderr
        return Real(out, told.stdout)

    return once(tmp_path_factory, "real-run", make)
