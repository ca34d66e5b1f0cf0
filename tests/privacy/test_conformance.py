"""Every kind of job gives the same in plain text and privately."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.privacy.manifests import run_all
from tests.privacy.samples import Sample, samples
from xinqiao.privacy.job.kind import Kind, kinds


def play_both(kind: Kind, sample: Sample, folder: Path) -> None:
    """Run ``sample`` both ways after what must come before; each party keeps its state."""
    for earlier in sample.before:
        play_both(kinds()[earlier.manifest.kind], earlier, folder)
    sample.prepare(folder / "state")
    private = run_all(sample.manifest, kind.run, sample.tables, folder)
    sample.equal(kind.plain(sample.manifest, sample.tables), private)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_plain_text_and_private_agree(name: str, tmp_path: Path) -> None:
    play_both(kinds()[name], samples()[name], tmp_path)


def test_every_kind_has_a_sample() -> None:
    assert set(samples()) == set(kinds())
