from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.small import Small, make_region, run_small
from xinqiao.source.ingest import IngestReport


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run that no test may touch; copy ``out`` first."""

    out: Path
    report: IngestReport


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return make_region(tmp_path_factory.mktemp("region"))


@pytest.fixture(scope="session")
def done(region: Small, tmp_path_factory: pytest.TempPathFactory) -> Done:
    out = tmp_path_factory.mktemp("done") / "run"
    return Done(out, run_small(region.data, region.mapping, out))
